"""What is told of invitations is explained and tried again like all else."""

from __future__ import annotations

from guerdon.engine.events import ask_stored
from guerdon.engine.replaying.facts import read_fact
from guerdon.rules.explain.run import explain
from tests.rooms.engine.conftest import TENANT
from tests.rooms.engine.referring.conftest import Club


def test_each_decision_is_explained_as_it_was_made(club: Club) -> None:
    anna = club.enrol("anna")
    club.enrol("ben", referral_code=club.code(anna))
    club.buys("ben", "20.00", "o1")
    club.buys("ben", "40.00", "o2")
    club.buys("ben", "60.00", "o3")
    club.settle()
    program = club.desk.scene.program
    rows = club.rows("select account_id, event_id from events where id <> '' order by event_id")
    told = []
    with club.database.transaction(TENANT) as tx:
        stored = ask_stored(tx, {row[0] for row in rows}, {row[1] for row in rows})()
    for _, event_id in rows:
        one = stored[event_id]
        fact = read_fact(program, one, None, lambda _: program)
        again = explain(program, fact.event, one.decided)
        assert again.differences == ()
        told += [
            (one.type, each.campaign, each.outcome) for each in again.outcomes if "referral" in each.campaign
        ]
    assert told == [
        ("referral.joined", "referral:friend", "acted"),
        ("order.paid", "referral:first", "not_in_audience"),
        ("order.paid", "referral:first", "acted"),
        ("order.paid", "referral:first", "limit_reached"),
        ("referral.completed", "referral:advocate", "acted"),
        ("referral.completed", "referral:from_3", "condition_false"),
    ]
