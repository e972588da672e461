"""Standing: what is written is what is read, whatever the batch."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guerdon.members.standing import (
    Standing,
    StandingChanges,
    Wanted,
    ask_standing,
    list_due_tiers,
    load_standing,
    write_standing,
)
from guerdon.rules.state import Bucket, TierState
from tests.rooms.members.people import Shop, make_shop
from tests.rooms.places import NOW

DAY = date(2026, 11, 21)


def tier(level: str, changes_in_days: int | None = None) -> TierState:
    changes_at = None if changes_in_days is None else NOW + timedelta(days=changes_in_days)
    return TierState(level, NOW, changes_at, "bronze", date(2026, 1, 1), "0123")


def test_what_is_written_is_read(shop: Shop) -> None:
    changes = StandingChanges(
        buckets=[
            (1, "spend@a", DAY, Bucket(Decimal("129.90"), 2)),
            (1, "spend@a", DAY - timedelta(days=30), Bucket(Decimal(5), 1)),
            (1, "other@a", DAY, Bucket(Decimal(-1), 1)),
            (2, "spend@a", DAY, Bucket(Decimal("0.000001"), 1)),
        ],
        counters=[(1, "limit:welcome:2026", Decimal(1)), (2, "x", Decimal("2.5"))],
        tiers=[(1, "club", tier("gold", 3)), (2, "club", tier("bronze"))],
        badges=[(1, "trailblazer", NOW)],
    )
    with shop.tx() as tx:
        write_standing(tx, shop.program_id, changes)
        write_standing(tx, shop.program_id, StandingChanges())
    with shop.tx() as tx, tx.pipeline():
        wanted = Wanted([1, 2, 3], ["spend@a"], DAY - timedelta(days=29), ["limit:welcome:2026"])
        first, second = ask_standing(tx, wanted), ask_standing(tx, Wanted([1]))
        found, bare = first(), second()
    assert found == {
        1: Standing(
            {("spend@a", DAY): Bucket(Decimal("129.90"), 2)},
            {"limit:welcome:2026": Decimal(1)},
            {"club": tier("gold", 3)},
            {"trailblazer": NOW},
        ),
        2: Standing({("spend@a", DAY): Bucket(Decimal("0.000001"), 1)}, {}, {"club": tier("bronze")}, {}),
        3: Standing(),
    }
    assert bare == {1: Standing({}, {}, {"club": tier("gold", 3)}, {"trailblazer": NOW})}
    with shop.tx() as tx:
        everything = load_standing(tx, Wanted([1], ["spend@a", "other@a"]))[1].buckets
        assert len(everything) == 3
        assert load_standing(tx, Wanted([])) == {}


def test_the_last_word_stands_and_a_badge_keeps_its_date(shop: Shop) -> None:
    with shop.tx() as tx:
        for level, amount, at in (("bronze", 1, NOW), ("gold", 2, NOW + timedelta(days=9))):
            changes = StandingChanges(
                [(1, "m@1", DAY, Bucket(Decimal(amount), amount))],
                [(1, "c", Decimal(amount))],
                [(1, "club", tier(level, amount))],
                [(1, "b", at)],
            )
            write_standing(tx, shop.program_id, changes)
        found = load_standing(tx, Wanted([1], ["m@1"], None, ["c"]))[1]
    assert found == Standing(
        {("m@1", DAY): Bucket(Decimal(2), 2)}, {"c": Decimal(2)}, {"club": tier("gold", 2)}, {"b": NOW}
    )


def test_another_tenant_reads_nothing(shop: Shop) -> None:
    with shop.tx() as tx:
        write_standing(tx, shop.program_id, StandingChanges([(1, "m@1", DAY, Bucket(Decimal(1), 1))]))
    with make_shop(shop.database, "other").tx() as tx:
        assert load_standing(tx, Wanted([1], ["m@1"])) == {1: Standing()}


def test_due_tiers_are_found_the_longest_due_first(shop: Shop) -> None:
    tiers = [
        (1, "club", tier("gold", -1)),
        (2, "club", tier("gold", 0)),
        (3, "club", tier("gold", 1)),
        (4, "club", tier("gold")),
        (5, "club", tier("gold", -9)),
        (5, "crew", tier("gold", -2)),
    ]
    with shop.tx() as tx:
        write_standing(tx, shop.program_id, StandingChanges(tiers=tiers))
        write_standing(tx, shop.program_id + 1, StandingChanges(tiers=[(6, "club", tier("gold", -1))]))
        assert list_due_tiers(tx, shop.program_id, NOW) == [5, 1, 2]
        assert list_due_tiers(tx, shop.program_id, NOW, limit=2) == [5]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(1, 5), st.sampled_from(["a@1", "b@1", "ü'\"@1"]), st.dates()),
        st.tuples(st.decimals(allow_nan=False, allow_infinity=False, places=6), st.integers(0, 2**40)),
        max_size=30,
    )
)
def test_any_buckets_come_back_exactly(
    shop: Shop, written: dict[tuple[int, str, date], tuple[Decimal, int]]
) -> None:
    with shop.tx() as tx:
        rows = [(*key, Bucket(total, number)) for key, (total, number) in written.items()]
        write_standing(tx, shop.program_id, StandingChanges(buckets=rows))
        found = load_standing(tx, Wanted(range(1, 6), ["a@1", "b@1", "ü'\"@1"]))
        tx.rollback()
        tx.execute("select 1")
    read = {
        (account, *place): (bucket.total, bucket.count)
        for account, standing in found.items()
        for place, bucket in standing.buckets.items()
    }
    assert read == written
