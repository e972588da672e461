"""What one thing is refused with keeps nothing else from its time."""

from __future__ import annotations

import pytest

from guerdon.base.errors import Problem
from guerdon.engine.sharing.making import trace
from tests.rooms.engine.conftest import TENANT
from tests.rooms.engine.killed.acts import MANY, Club, name

CHANGE = "update share_joins set told = false, joined_at = joined_at + interval '1 day' returning code"


def test_what_is_refused_stops_neither_what_is_told_with_it_nor_what_is_due_after_it(club: Club) -> None:
    shared = club.shares()[name(0)]
    advocate = club.ask(club.enrolment(MANY))[0]
    club.due()
    club.ask(club.enrolment(MANY + 1, club.code(advocate)))
    club.ask(club.order("40.00", name(MANY + 1)))
    with club.database.transaction(TENANT) as tx:
        # The event of this name says something else already.
        code = tx.execute(CHANGE).fetchall()[0][0]
        for number in (2, 4, 6):
            assert trace(tx, club.author(number), code) == "noted"
    for _ in range(2):
        with pytest.raises(Problem) as refused:
            club.due()
        assert refused.value.code == "event_id_reused"
        had = club.has()
        assert had[name(0)] == shared + 3 * 50, "who joined was told beside it"
        assert had[name(MANY)] == 200, "and the invitation after it"
