"""Metrics of every kind: what is kept event by event equals a count from the beginning, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guerdon.base.calendar import Span, add_to_day
from guerdon.rules.definition import DefinitionError
from guerdon.rules.events import Event, PaidOrder, ReturnOrder
from guerdon.rules.metrics import (
    DIFFERENT_AT_MOST,
    EXTREMES_KEPT,
    Counts,
    Metric,
    Tally,
    Value,
    added,
    merged,
    number_on,
    peak_within,
    taken_out,
    value_on,
)
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.sent import ReturnAsked, ReturnLine
from guerdon.rules.state import Bucket, State
from guerdon.rules.step import exactly, step
from tests.rules.worlds import FRESH, MEMBER, chance, compiled

BEGINS = datetime(2026, 1, 1, 12, tzinfo=UTC)
JOINED = datetime(2024, 2, 29, 9, tzinfo=UTC)
SKUS = "abcdef"

WINDOWS: dict[str, Any] = {
    "ever": "all_time",
    "year": "calendar_year",
    "quarter": "calendar_quarter",
    "month": "calendar_month",
    "week": "calendar_week",
    "lately": {"rolling": "30d"},
    "months": {"rolling": "2mo"},
    "own": "membership_year",
    "dates": {"starts": "2026-02-03", "ends": "2026-04-20"},
}
FOLDS: dict[str, dict[str, Any]] = {
    "count": {},
    "sum": {"value": "order.net"},
    "big": {"when": "order.net >= 20"},
    "products": {"distinct": "order.lines.map(l, l.sku)"},
    "channels": {"distinct": "order.channel"},
    "least": {"min": "order.net"},
    "most": {"max": "order.net"},
    "lately": {"last": "order.net"},
    "when": {"last": "event.time"},
    "days": {"streak": "day"},
    "weeks": {"streak": {"of": "week", "forgives": 1}},
    "record": {"streak": {"of": "week", "longest": "true"}},
    "months": {"streak": {"of": "month", "forgives": 2}},
}
PROGRAM = compiled(
    {
        "program": "club",
        "currency": "USD",
        "timezone": "UTC",
        "wallets": {"points": {}},
        "metrics": {
            f"{fold}_{window}": {"event": "order.paid", "window": over, **what}
            for fold, what in FOLDS.items()
            for window, over in WINDOWS.items()
        },
    }
)


class Bought(NamedTuple):
    """An order of two lines at most, each of one product."""

    at: datetime
    lines: tuple[tuple[str, int], ...]
    channel: str = "web"

    @property
    def net(self) -> Decimal:
        return Decimal(sum(price for _, price in self.lines))


_orders = st.lists(
    st.builds(
        Bought,
        st.integers(0, 400 * 24).map(lambda hours: BEGINS + timedelta(hours=hours)),
        st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 30)), min_size=1, max_size=2).map(tuple),
        st.sampled_from(["web", "pos"]),
    ),
    max_size=14,
    unique_by=lambda one: one.at,
)


def buy(program: Program, state: State, one: Bought, number: int) -> tuple[State, PaidOrder]:
    lines = tuple(
        LineInput(str(place), sku=sku, price=Decimal(price), quantity=Decimal(1))
        for place, (sku, price) in enumerate(one.lines)
    )
    read = read_order(OrderInput(id=f"o{number}", lines=lines), program.order_settings, one.channel, "")
    booked = BEGINS + timedelta(days=500, minutes=number)
    event = Event("order.paid", one.at, booked, "shop", f"o{number}", one.channel, "", read)
    state, decision = step(program, state, event, chance(number))
    return state, PaidOrder(f"o{number}", program, event, decision, MEMBER.member_id)


def send_back(program: Program, state: State, paid: PaidOrder, asked: ReturnAsked) -> tuple[State, PaidOrder]:
    at = BEGINS + timedelta(days=600)
    event = Event("order.returned", at, at, "shop", asked.id, command=ReturnOrder(asked, paid))
    state, decision = step(program, state, event, chance(1))
    assert decision.returned is not None, decision.problem_detail
    return state, msgspec.structs.replace(paid, earlier=(*paid.earlier, decision.returned))


def fresh() -> State:
    return msgspec.structs.replace(FRESH, account=msgspec.structs.replace(FRESH.account, created_at=JOINED))


def lived(orders: Iterable[Bought], program: Program = PROGRAM) -> State:
    state = fresh()
    with exactly():
        for number, one in enumerate(orders):
            state, _ = buy(program, state, one, number)
    return state


def counts_of(state: State) -> Counts:
    return Counts(state.account.buckets, JOINED.date())


def first_day(window: str, day: date) -> tuple[date, date]:
    """The first and the last day that count, said once more and otherwise."""
    if window == "ever":
        return date(1970, 1, 1), date(9999, 1, 1)
    if window == "dates":
        return date(2026, 2, 3), date(2026, 4, 20)
    if window == "lately":
        return day - timedelta(days=29), day
    if window == "months":
        return add_to_day(day, Span(months=-2)) + timedelta(days=1), day
    starts: Callable[[date], bool] = {
        "year": lambda d: (d.month, d.day) == (1, 1),
        "quarter": lambda d: d.day == 1 and d.month in (1, 4, 7, 10),
        "month": lambda d: d.day == 1,
        "week": lambda d: d.weekday() == 0,
        # Joined on a 29 February: the year begins on the 28th where there is none.
        "own": lambda d: (d.month, d.day) == ((2, 29) if d.year % 4 == 0 else (2, 28)),
    }[window]
    first = day
    while not starts(first):
        first -= timedelta(days=1)
    last = day
    while not starts(last + timedelta(days=1)):
        last += timedelta(days=1)
    return first, last


def unit(of: str, day: date) -> int:
    return {
        "day": day.toordinal(),
        "week": (day - date(1970, 1, 5)).days // 7,
        "month": day.year * 12 + day.month,
    }[of]


def runs(units: Iterable[int], forgives: int) -> list[tuple[int, int]]:
    """Each run of units: its last one, and how many there are."""
    found: list[tuple[int, int]] = []
    for before, now in pairwise([-(10**9), *sorted(set(units))]):
        length = found.pop()[1] + 1 if found and now - before - 1 <= forgives else 1
        found.append((now, length))
    return found


def expected(name: str, orders: list[Bought], day: date) -> Value | None:
    """What a metric comes to, from the whole history in plain Python."""
    fold, _, window = name.rpartition("_")
    first, last = first_day(window, day)
    mine = [one for one in orders if first <= one.at.date() <= last]
    if fold in ("days", "weeks", "record", "months"):
        of = {"days": "day", "weeks": "week", "record": "week", "months": "month"}[fold]
        forgives = {"weeks": 1, "months": 2}.get(fold, 0)
        # A week that the window only touches counts whole, unless facts outside do not count at all.
        facts = mine if window == "dates" else orders
        units = [unit(of, one.at.date()) for one in facts]
        begun = [one for one in units if one >= unit(of, first)]
        if fold == "record":
            return Decimal(max((length for _, length in runs(begun, 0)), default=0))
        today = unit(of, day)
        found = runs([one for one in begun if one <= today], forgives)
        alive = bool(found) and today - found[-1][0] - 1 <= forgives
        return Decimal(found[-1][1] if alive else 0)
    nets = [one.net for one in mine]
    simple: dict[str, Any] = {
        "count": Decimal(len(mine)),
        "sum": sum(nets, Decimal(0)),
        "big": Decimal(sum(net >= 20 for net in nets)),
        "products": Decimal(len({sku for one in mine for sku, _ in one.lines})),
        "channels": Decimal(len({one.channel for one in mine})),
        "least": min(nets, default=None),
        "most": max(nets, default=None),
        "lately": max(((one.at, one.net) for one in mine), default=(None, None))[1],
        "when": max((one.at for one in mine), default=None),
    }
    return simple[fold]  # type: ignore[no-any-return]


def values(state: State, day: date) -> dict[str, Value | None]:
    return {name: value_on(one, counts_of(state), day) for name, one in PROGRAM.metrics.items()}


def held_of(state: State) -> dict[tuple[str, date], Bucket]:
    return {key: one for key, one in state.account.buckets.items() if one.count or one.held or one.total}


@settings(max_examples=25)
@given(_orders, st.randoms(use_true_random=False), st.integers(0, 420))
def test_what_is_kept_is_what_a_count_of_everything_gives(
    orders: list[Bought], random: Any, after: int
) -> None:
    """Over each window and in each way, with orders late and parts of them returned."""
    arrived = list(orders)
    random.shuffle(arrived)
    state, left = fresh(), []
    with exactly():
        for number, one in enumerate(arrived):
            state, paid = buy(PROGRAM, state, one, number)
            going = random.choice(["kept", "kept", "part", "all"])
            if going == "part" and len(one.lines) == 2:
                asked = ReturnAsked(f"o{number}", f"r{number}", (ReturnLine("0"),))
                state, _ = send_back(PROGRAM, state, paid, asked)
                left.append(one._replace(lines=one.lines[1:]))
            elif going == "all":
                state, _ = send_back(PROGRAM, state, paid, ReturnAsked(f"o{number}", f"r{number}", all=True))
            else:
                left.append(one)
        for day in {BEGINS.date() + timedelta(days=after), *(one.at.date() for one in orders[:2])}:
            found = values(state, day)
            assert found == {name: expected(name, left, day) for name in PROGRAM.metrics}
    assert held_of(state) == held_of(lived(left)), "and nothing is left of what came back"


@settings(max_examples=15)
@given(_orders, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(orders: list[Bought], random: Any) -> None:
    arrived = list(orders)
    random.shuffle(arrived)
    assert lived(arrived).account.buckets == lived(orders).account.buckets


@settings(max_examples=15)
@given(_orders, _orders)
def test_two_accounts_together_are_as_if_they_had_been_one(one: list[Bought], other: list[Bought]) -> None:
    known = {bought.at for bought in one}
    other = [bought for bought in other if bought.at not in known]
    mine, theirs = lived(one).account.buckets, lived(other).account.buckets
    metrics = {metric.identity: metric for metric in PROGRAM.metrics.values()}
    together = dict(mine)
    for key, bucket in theirs.items():
        together[key] = merged(metrics[key[0]], mine.get(key), bucket)
    assert together == lived([*one, *other]).account.buckets


def known_on(counts: Counts, day: date) -> Counts:
    return Counts({key: one for key, one in counts.buckets.items() if key[1] <= day}, counts.joined_on)


@settings(max_examples=15)
@example([Bought(BEGINS + timedelta(days=59), (("a", 5),))], 0, 59)
@given(_orders, st.integers(0, 300), st.integers(1, 90))
def test_the_peak_within_a_period_is_the_greatest_of_its_days(
    orders: list[Bought], after: int, length: int
) -> None:
    first = BEGINS.date() + timedelta(days=after)
    end = first + timedelta(days=length)
    counts = counts_of(lived(orders))
    for name in ("days_ever", "weeks_ever", "months_year", "record_ever", "products_lately", "sum_own"):
        metric = PROGRAM.metrics[name]
        days = [first + timedelta(days=one) for one in range(length)]
        greatest = max(number_on(metric, counts, day) for day in days)
        if metric.window.membership:
            # A membership year goes on after the period, and what comes then is not the period's.
            greatest = max(number_on(metric, known_on(counts, day), day) for day in days)
        # What never falls counts later facts as well, as a reader at any time sees it.
        if metric.never_falls:
            assert peak_within(metric, counts, first, end) >= greatest
        else:
            assert peak_within(metric, counts, first, end) == greatest, name


def club(metric: dict[str, Any], when: str = "true") -> Program:
    return compiled(
        {
            "program": "club",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"points": {}},
            "metrics": {"it": metric},
            "campaigns": {
                "gift": {
                    "trigger": "order.paid",
                    "when": when,
                    "then": [{"award": {"wallet": "points", "amount": "5"}}],
                }
            },
        }
    )


def test_conditions_read_numbers_and_instants() -> None:
    program = club({"event": "visit.made", "last": "event.time"}, "now - metrics.it > duration('30d')")
    visit = Event("visit.made", BEGINS, BEGINS, "shop", "v")
    soon = Bought(BEGINS + timedelta(days=29), (("a", 5),))
    later = Bought(BEGINS + timedelta(days=31), (("a", 5),))
    with exactly():
        never, paid = buy(program, fresh(), later, 1)
        assert [(one.reason, one.detail[:13]) for one in paid.decision.skipped] == [
            ("expression_error", "missing_value")
        ], "of nothing there is no last time"
        state, _ = step(program, fresh(), visit, chance(0))
        _, early = buy(program, state, soon, 1)
        _, late = buy(program, state, later, 2)
    assert not never.account.wallets
    assert [one.reason for one in early.decision.skipped] == ["condition_false"]
    assert [one.amount for one in late.decision.effects] == [5]
    assert late.decision.inputs["metrics.it"] == "2026-01-01T12:00:00+00:00"


def test_has_asks_whether_there_is_a_least_value() -> None:
    program = club({"event": "visit.made", "min": "7"}, "!has(metrics.it) || metrics.it < 7")
    bought = Bought(BEGINS + timedelta(days=1), (("a", 5),))
    with exactly():
        _, without = buy(program, fresh(), bought, 1)
        state, _ = step(program, fresh(), Event("visit.made", BEGINS, BEGINS, "shop", "v"), chance(0))
        _, with_one = buy(program, state, bought, 1)
    assert without.decision.effects
    assert not with_one.decision.effects


def test_what_falls_with_a_return_falls_by_what_remains_of_its_day() -> None:
    """A badge for the third product goes when the order that brought it comes back."""
    document = {
        "program": "club",
        "currency": "USD",
        "timezone": "UTC",
        "wallets": {"points": {}},
        "badges": {"curious": {}},
        "metrics": {"products": {"event": "order.paid", "distinct": "order.lines.map(l, l.sku)"}},
        "campaigns": {
            "third": {
                "trigger": "order.paid",
                "when": "metrics.products >= 3",
                "then": [{"badge": "curious"}],
            }
        },
    }
    program = compiled(document)
    with exactly():
        state, _ = buy(program, fresh(), Bought(BEGINS, (("a", 5), ("b", 5))), 1)
        state, paid = buy(program, state, Bought(BEGINS + timedelta(days=1), (("c", 5), ("a", 5))), 2)
        assert set(state.account.badges) == {"curious"}
        kept, _ = send_back(program, state, paid, ReturnAsked("o2", "r1", (ReturnLine("1"),)))
        gone, _ = send_back(program, state, paid, ReturnAsked("o2", "r1", (ReturnLine("0"),)))
    assert set(kept.account.badges) == {"curious"}, "a is still there from the first order"
    assert not gone.account.badges


def metric(**more: Any) -> Metric:
    return club({"event": "order.paid", **more}).metrics["it"]


def test_a_bucket_tells_so_many_values_apart_and_says_when_there_are_more() -> None:
    kind, bucket = metric(distinct="order.channel"), None
    for number in range(DIFFERENT_AT_MOST):
        bucket, fits = added(kind, bucket, Tally(keys=(str(number),)))
        assert fits
    bucket, fits = added(kind, bucket, Tally(keys=("0",)))
    assert fits
    assert bucket is not None
    full, fits = added(kind, bucket, Tally(keys=("one more",)))
    assert not fits
    assert full.total == len(full.held) == DIFFERENT_AT_MOST


@pytest.mark.parametrize(("fold", "first"), [("min", 0), ("max", 299)])
def test_a_bucket_keeps_the_outermost_values_for_returns(fold: str, first: int) -> None:
    kind, bucket = metric(**{fold: "order.net"}), None
    for number in range(300):
        bucket, _ = added(kind, bucket, Tally(keys=(str(number),)))
    assert bucket is not None
    assert len(bucket.held) == EXTREMES_KEPT
    step_to = 1 if fold == "min" else -1
    for gone in range(EXTREMES_KEPT - 1):
        bucket = taken_out(kind, bucket, Tally(keys=(str(first + step_to * gone),)))
    assert bucket.total == first + step_to * (EXTREMES_KEPT - 1)


@pytest.mark.parametrize(
    ("section", "code", "pointer"),
    [
        ({"min": "order.id"}, "type_mismatch", "/metrics/it/min"),
        ({"last": "order.id"}, "type_mismatch", "/metrics/it/last"),
        ({"distinct": "order.lines"}, "type_mismatch", "/metrics/it/distinct"),
        ({"distinct": "metrics.it"}, "metric_reads_standing", "/metrics/it/distinct"),
        ({"streak": "fortnight"}, "unknown_choice", "/metrics/it/streak"),
        ({"streak": {"of": "week", "forgives": "-1"}}, "", "/metrics/it/streak/forgives"),
        ({"streak": {"forgives": "1"}}, "missing_key", "/metrics/it/streak"),
        (
            {"window": {"starts": "2026-03-01", "ends": "2026-02-01"}},
            "ends_before_start",
            "/metrics/it/window",
        ),
        ({"window": {"starts": "2026-03-01T10:00", "ends": "2026-04-01"}}, "bad_date", "/metrics/it/window"),
        ({"min": "order.net", "streak": "day"}, "one_of_these", "/metrics/it"),
    ],
)
def test_mistakes_are_named(section: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        club({"event": "order.paid", **section})
    found = caught.value.faults[0]
    assert found.pointer.startswith(pointer)
    assert not code or found.code == code, found


@pytest.mark.parametrize("fold", ["min", "last"])
def test_a_ladder_climbs_by_what_grows(fold: str) -> None:
    ladder = {"metric": "it", "review": "calendar_year", "tiers": {"low": {"from": 0}}}
    with pytest.raises(DefinitionError) as caught:
        compiled(
            {
                "program": "club",
                "currency": "USD",
                "timezone": "UTC",
                "metrics": {"it": {"event": "order.paid", fold: "order.net"}},
                "ladders": {"club": ladder},
            }
        )
    assert [(one.pointer, one.code) for one in caught.value.faults] == [
        ("/ladders/club/metric", "ladder_metric")
    ]
