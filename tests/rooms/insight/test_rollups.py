"""The sums of the overview against plain SQL over the journal, in however many steps they were made."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from guerdon.engine.commands import AdjustBalance, RedeemReward, RunTick
from guerdon.infra.outbox import relay
from guerdon.insight.rollups import Keeper
from guerdon.insight.rollups import keeper as keeping
from guerdon.members.identities import normal_ref
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from tests.rooms.engine.conftest import NOW, TENANT, World

PLAIN = {
    "units": """
        select (t.effective_at at time zone 'America/New_York')::date, t.wallet, t.kind, e.book,
            case when e.book = 'member' and t.kind = 'award' then e.source else '' end,
            sum(e.amount)::bigint, count(distinct (t.account_id, t.seq))
        from transactions t join entries e using (account_id, seq) group by 1, 2, 3, 4, 5""",
    "endings": """
        select (expires_at at time zone 'America/New_York')::date, wallet, sum(remaining)::bigint from lots
        where expires_at < 'infinity' group by 1, 2 having sum(remaining) <> 0""",
    "orders": """
        select (occurred_at at time zone 'America/New_York')::date, count(*) from events
        where type = 'order.paid' group by 1""",
    "joined": """
        select (joined_at at time zone 'America/New_York')::date, count(*) from members group by 1""",
    "buyers": """
        select first_on, count(*) from (
            select account_id, min((occurred_at at time zone 'America/New_York')::date) as first_on
            from events where type = 'order.paid' and account_id > 0
            group by account_id, date_trunc('month', occurred_at at time zone 'America/New_York')) f
        group by 1""",
    "levels": "select ladder, level, count(*) from tiers where level <> 'bronze' group by 1, 2",
    "returned": """
        select (occurred_at at time zone 'America/New_York')::date, sum((line ->> 'net')::bigint)::bigint
        from events e,
            jsonb_array_elements(convert_from(e.decision, 'utf8')::jsonb -> 'returned' -> 'lines') as line
        group by 1""",
}
SUMMED = {
    "units": "select moved_on, wallet, kind, book, source, amount, times from rollup_units",
    "endings": "select ends_on, wallet, amount from rollup_endings where amount <> 0",
    "orders": "select counted_on, amount from rollup_days where measure = 'orders'",
    "joined": "select counted_on, amount from rollup_days where measure = 'joined'",
    "buyers": "select counted_on, amount from rollup_days where measure = 'buyers' and amount <> 0",
    "levels": "select ladder, level, accounts from rollup_levels where level <> 'bronze' and accounts <> 0",
    "returned": "select counted_on, amount from rollup_days where measure = 'returned'",
}
NET = "select sum(amount)::bigint from rollup_days where measure = 'net'"


def clock() -> datetime:
    return datetime.now(UTC)


def settle(keeper: Keeper) -> None:
    """Catch up until all that is committed now is in: the server's own upkeep may hold the horizon back."""
    asked = clock()
    for _ in range(1_000):
        more, reached = keeper.catch_up(), keeper.wait(asked, 0.0)
        if not more and reached is not None and reached >= asked:
            return
    raise AssertionError("it never caught up")


def check(world: World) -> None:
    for name, statement in PLAIN.items():
        assert sorted(world.rows(SUMMED[name])) == sorted(world.rows(statement)), name


def live(world: World, people: tuple[str, ...] = ("anna", "bela", "chris")) -> Decimal:
    """Enrol, buy, redeem, adjust and let time pass; gives what was bought, in whole units."""
    bought = Decimal(0)
    for name in people:
        world.enrol(name)
    for step in range(9):
        world.later(days=11, hours=5)
        for place, name in enumerate(people):
            amount = Decimal(17 * (step + 1) * (place + 1)) + Decimal("0.25")
            world.ask(world.order(str(amount), name), world.event("item.recycled", name, data={"grams": 9}))
            bought += amount
        world.ask(world.order("3.50", None))
        bought += Decimal("3.50")
    # One that tells of an earlier day of the month, so that somebody's first purchase moves back.
    earlier = world.now.replace(day=1).isoformat()
    assert world.ask(world.order("8.00", people[0], time=earlier))[0].status == "applied"
    ref = normal_ref("external", people[-1])
    redeem = RedeemReward(tenant_id=TENANT, program="club", received_at=world.now, member=ref, reward="mug")
    account = world.rows("select max(account_id) from accounts")[0][0]
    adjust = AdjustBalance(
        tenant_id=TENANT, program="club", received_at=world.now, account_id=account, wallet="points",
        amount=-7, reason="a wrong till",
    )  # fmt: skip
    assert [answer.status for answer in world.ask(redeem, adjust)] == ["applied", "applied"]
    return bought + Decimal("8.00") - send_back(world, people)


def send_back(world: World, people: tuple[str, ...]) -> Decimal:
    """Let an order of a member come back in parts on two days, and a guest's; gives what came back."""
    for who, number in ((people[0], f"B-{people[0]}"), (None, f"G-{people[0]}")):
        lines = [{"id": "1", "price": "0.40"}, {"id": "2", "price": "0.35"}]
        world.ask(world.event("order.paid", who, data={"id": number, "lines": lines}))
    for number in (f"B-{people[0]}", f"G-{people[0]}"):
        back = world.event("order.returned", None, data={"order": number, "lines": [{"id": "2"}]})
        assert world.ask(back)[0].problem is None
    world.later(days=3)
    assert (
        world.ask(world.event("order.cancelled", None, data={"order": f"B-{people[0]}"}))[0].problem is None
    )
    # Nothing of the member's order is left, and 40 cents of the guest's.
    return Decimal("-0.40")


def test_sums_that_were_begun_late_and_kept_since_equal_the_journal(world: World) -> None:
    keeper = Keeper(world.database, clock)
    bought = live(world)
    settle(keeper)
    check(world)
    assert len(world.rows(SUMMED["units"])) > 20
    assert world.rows(SUMMED["levels"]) == [("club", "silver", 3)]
    bought += live(world, ("dora", "emil"))
    settle(keeper)
    check(world)
    world.later(days=420)
    ticks = [
        RunTick(tenant_id=TENANT, program="club", received_at=world.now, account_id=row[0])
        for row in world.rows("select account_id from accounts")
    ]
    world.ask(*ticks)
    settle(keeper)
    check(world)
    assert world.rows("select sum(amount)::bigint from rollup_units where kind = 'expire' and times > 0") == [
        (0,)
    ]
    assert world.rows(NET) == [(int(bought * 100),)]


def test_sums_from_the_first_event_on_equal_those_begun_late(world: World) -> None:
    keeper = Keeper(world.database, clock)
    settle(keeper)
    bought = live(world)
    settle(keeper)
    check(world)
    assert world.rows(NET) == [(int(bought * 100),)]
    later = Keeper(world.database, clock)
    settle(later)
    check(world)


@pytest.mark.parametrize("page", [1_000, 7])
@pytest.mark.parametrize("lost", ["move", "prune"])
def test_a_reader_that_dies_between_its_two_commits_adds_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, lost: str, page: int
) -> None:
    keeper = Keeper(world.database, clock)
    settle(keeper)
    live(world)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(relay, lost, die)
        with pytest.raises(KeyboardInterrupt):
            keeper.catch_up()
    assert world.rows(SUMMED["orders"]) != []
    # What was read in one page comes again in smaller ones, as where another transaction is under way.
    monkeypatch.setattr(keeping, "_PARCELS", page)
    settle(Keeper(world.database, clock))
    check(world)
    live(world, ("dora",))
    settle(keeper)
    check(world)


def test_readers_beside_each_other_and_a_busy_engine_count_each_event_once(world: World) -> None:
    live(world)
    keepers = [Keeper(world.database, clock) for _ in range(3)]
    for keeper in keepers:
        keeper.start()
    futures = []
    for _ in range(30):
        futures += world.loop.submit_many([world.order("12.50", "anna") for _ in range(20)])
        world.later(hours=7)
    for future in futures:
        assert future.result(60).status == "applied"
    asked = clock()
    reached = [keeper.wait(asked, 30) for keeper in keepers]
    for keeper in keepers:
        keeper.stop()
    assert all(one is not None and one >= asked for one in reached)
    check(world)


def test_what_is_under_way_is_not_called_complete(world: World) -> None:
    keeper = Keeper(world.database, clock)
    settle(keeper)
    with world.database.transaction(TENANT) as other:
        other.execute("select pg_current_xact_id()")
        begun = clock()
        world.enrol("anna")
        keeper.catch_up()
        reached = keeper.wait(begun, 0.0)
        assert reached is not None
        assert reached < begun
        assert world.rows(SUMMED["joined"]) == []
    settle(keeper)
    settle(keeper)
    reached = keeper.wait(begun, 0.0)
    assert reached is not None
    assert reached >= begun
    check(world)


def test_a_tenant_of_later_is_summed_from_its_first_event(world: World) -> None:
    keeper = Keeper(world.database, clock)
    settle(keeper)
    with world.database.transaction(tenant_id_of("later")) as tx:
        ensure_tenant(tx, "later", "Later", sandbox=True, now=NOW)
    settle(keeper)
    with world.database.transaction(tenant_id_of("later")) as tx:
        assert tx.execute("select count(*) from rollup_places").fetchone() == (1,)


def test_whoever_waits_is_told_when_a_thread_has_caught_up(world: World) -> None:
    keeper = Keeper(world.database, clock)
    assert keeper.wait(clock(), 0.0) is None
    keeper.start()
    try:
        live(world)
        asked = clock()
        reached = keeper.wait(asked, 30)
        assert reached is not None
        assert reached >= asked
    finally:
        keeper.stop()
    check(world)
