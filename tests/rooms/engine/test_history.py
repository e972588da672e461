"""Historical imports: each event booked at its own time, in the order in which it comes."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

from guerdon.engine.ticks import run_due
from guerdon.infra.tx import set_tenant
from guerdon.ledger.statements import load_balances
from guerdon.programs.history import hold_history
from guerdon.programs.programs import find_live
from tests.rooms.engine.conftest import TENANT, World


def test_a_year_in_one_batch_expires_and_matures(world: World) -> None:
    orders = [
        world.order("10.00", "old", time=f"2024-{month:02d}-10T12:00:00Z", historical=True, enrol=True)
        for month in range(1, 13)
    ]
    orders.append(world.order("1.00", "old", time="2025-06-10T12:00:00Z", historical=True, enrol=True))
    answers = world.ask(*orders)
    assert {one.status for one in answers} == {"applied"}
    last = answers[-1].balances
    assert last["points"].available == str(
        10 * 7 - 10 + 1
    )  # January to May, and June 10th itself, have expired
    assert last["later"].available == "3.00"
    assert last["later"].pending == "0.25"
    world.verify()


def test_the_same_history_in_single_batches_comes_to_the_same(world: World) -> None:
    days = ["2024-01-10", "2024-01-20", "2024-02-10", "2025-02-09", "2025-02-10"]
    for day in days:
        world.ask(world.order("10.00", "one", time=f"{day}T12:00:00Z", historical=True, enrol=True))
    together = [
        world.order("10.00", "two", time=f"{day}T12:00:00Z", historical=True, enrol=True) for day in days
    ]
    world.ask(*together)
    figures = world.rows(
        "select wallet, available, pending, changes_at from wallets order by wallet, account_id"
    )
    assert figures[0] == figures[1]
    assert figures[2] == figures[3]


def test_an_account_with_later_history_is_refused(world: World) -> None:
    world.enrol("anna")
    answer = world.ask(world.order("5.00", time="2025-01-01T00:00:00Z", historical=True))[0]
    assert answer.problem is not None
    assert answer.problem.code == "account_has_later_history"
    assert world.rows("select count(*) from events where type = 'order.paid'") == [(0,)]


def test_balances_at_any_instant_follow_from_entries(world: World) -> None:
    world.ask(world.order("10.00", "old", time="2024-01-10T12:00:00Z", historical=True, enrol=True))
    world.ask(world.order("20.00", "old", time="2024-07-10T12:00:00Z", historical=True))
    account_id = world.rows("select account_id from accounts")[0][0]
    with world.database.transaction(TENANT) as tx:
        figures = {
            month: load_balances(tx, account_id, datetime(2024, month, 1, tzinfo=UTC)) for month in (1, 2, 8)
        }
        after = load_balances(tx, account_id, datetime(2025, 1, 10, 12, tzinfo=UTC))
    assert figures[1] == {}
    assert figures[2]["points"] == (10, 0)
    assert figures[8]["points"] == (30, 0)
    assert after["points"] == (20, 0)


def test_nobody_is_booked_on_to_now_while_history_is_written(world: World) -> None:
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    first = world.order("10.00", "old", time="2025-01-10T12:00:00Z", historical=True, enrol=True)
    second = world.order("20.00", "old", time="2025-02-10T12:00:00Z", historical=True)
    third = world.order("30.00", "old", time="2025-03-10T12:00:00Z", historical=True)
    assert world.ask(first)[0].status == "applied"
    with world.database.transaction(TENANT) as tx:
        live = find_live(tx, "club")
    assert live is not None
    with closing(world.database.connect()) as importing:
        set_tenant(importing, TENANT)
        hold_history(importing, live.program_id)
        importing.commit()
        assert run_due(world.database, world.loop, now) == 0
        assert world.ask(second)[0].status == "applied"
    assert run_due(world.database, world.loop, now) == 1
    refused = world.ask(third)[0].problem
    assert refused is not None
    assert refused.code == "account_has_later_history"
    world.verify()
