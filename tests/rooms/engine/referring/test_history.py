"""What is told of invitations is explained and tried again like all else."""

from __future__ import annotations

from pathlib import Path

from guerdon.engine.events import ask_stored
from guerdon.engine.replaying.facts import read_fact
from guerdon.infra.linefiles import LineFile
from guerdon.insight.backtest import Request, open_history, run_backtest
from guerdon.insight.backtest.stored import look_once, write_events
from guerdon.rules.explain.run import explain
from guerdon.rules.report import ISSUED
from tests.rooms.engine.conftest import TENANT
from tests.rooms.engine.referring.conftest import CLUB, Club


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


def test_a_backtest_of_the_own_history_comes_to_the_same(club: Club, tmp_path: Path) -> None:
    anna = club.enrol("anna")
    code = club.code(anna)
    for number in range(4):
        club.enrol(f"f{number}", referral_code=code)
        club.buys(f"f{number}", "40.00", f"o{number}")
        club.later(hours=1)
        club.settle()
    club.returns("o1")
    club.settle()
    club.later(hours=1)
    path = tmp_path / "own.ndjson"
    with club.database.transaction(TENANT) as tx:
        look_once(tx)
        written = write_events(tx, club.desk.program.program_id, path, lambda _: None)
    history = open_history([LineFile("own", path, path.stat().st_size)], tmp_path)
    done = run_backtest(Request(CLUB.encode(), "club.yaml", club.now, people=written.people), history)
    assert not done.rejects, done.rejects
    issued = sum(row[ISSUED] for row in done.tally.months["points"].values())
    live = club.rows("select sum(amount) from entries where wallet = 'points' and book = 'issued'")
    assert issued == -live[0][0]
    assert club.points(anna) == 3 * 204
