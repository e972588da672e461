"""Whatever was decided is explained by running it again, and that gives what is stored."""

from __future__ import annotations

import pytest

from guerdon.base.errors import Problem
from guerdon.engine.audit.explanations import explain_stored, find_stored
from guerdon.rules.explain import Explanation
from tests.rooms.audit.conftest import Life
from tests.rooms.engine.conftest import TENANT


def explained(life: Life, name: str) -> Explanation:
    with life.world.database.transaction(TENANT) as tx:
        (stored,) = find_stored(tx, life.program_id(), name)
        return explain_stored(tx, life.vault, "club", stored)


@pytest.mark.parametrize("weight", [1.75, 2, "1.75", 1.25])
def test_a_fraction_in_an_undeclared_attribute_is_read_as_it_was_sent(living: Life, weight: object) -> None:
    living.begin(["anna"])
    line = {"id": "1", "sku": "A", "quantity": 1, "price": "5.00", "attributes": {"weight": weight}}
    asked = living.world.event("order.paid", "anna", data={"id": "heavy", "lines": [line]})
    assert living.world.ask(asked)[0].status == "applied"
    told = explained(living, "heavy")
    outcome = next(one for one in told.outcomes if one.campaign == "heavy")
    assert told.differences == ()
    # A text is no number, however it looks.
    wanted = {1.75: "acted", 2: "acted", "1.75": "expression_error", 1.25: "condition_false"}[weight]
    assert outcome.outcome == wanted


def test_every_event_of_a_random_life_is_explained(living: Life) -> None:
    living.chance.seed(5)
    living.begin()
    living.live(220)
    names = [str(row[0]) for row in living.world.rows("select event_id from events where account_id <> 0")]
    assert len(names) > 100
    unlike, refused = [], set()
    for name in names:
        try:
            unlike += [(name, one) for one in explained(living, name).differences]
        except Problem as problem:
            refused.add(problem.code)
    assert (unlike, refused) == ([], set())
