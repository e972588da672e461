"""Tiers follow from what was counted, in whatever order it arrived: as a calendar walked by days says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.calendar import Period, period_end, period_start
from guerdon.rules.decision import TierChange
from guerdon.rules.events import Event, Tick
from guerdon.rules.metrics import Counts
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.state import State
from guerdon.rules.step import exactly, step
from guerdon.rules.tiers import tier_at
from tests.rules.reducing import merged, reduced
from tests.rules.worlds import FRESH, chance, compiled

LEVELS = (0, 100, 300, 600)
NAMES = ("t0", "t1", "t2", "t3")
BEGINS = date(2024, 1, 1)


@dataclass(frozen=True)
class Rules:
    """A ladder in plain figures."""

    window: str
    review: Period
    grace: int
    soft: bool

    @property
    def document(self) -> dict[str, Any]:
        window: Any = {"rolling": "30d"} if self.window == "rolling" else self.window
        tiers = {name: {"from": level} for name, level in zip(NAMES, LEVELS, strict=True)}
        return {
            "program": "tiers",
            "currency": "USD",
            "timezone": "UTC",
            "metrics": {"spend": {"event": "order.paid", "value": "order.net", "window": window}},
            "ladders": {
                "club": {
                    "metric": "spend",
                    "review": f"calendar_{self.review}",
                    "grace": f"{self.grace}d",
                    "soft_landing": str(self.soft).lower(),
                    "tiers": tiers,
                }
            },
        }

    def first_day(self, day: date) -> date:
        """Give the first day that counts on a day."""
        if self.window == "rolling":
            return day - timedelta(days=29)
        return {
            "all_time": date.min,
            "calendar_year": date(day.year, 1, 1),
            "calendar_month": day.replace(day=1),
            "calendar_week": day - timedelta(days=day.weekday()),
        }[self.window]

    def earned(self, facts: list[tuple[date, int]], first: date, end: date) -> int:
        """Find the highest level that any day of a period reaches."""
        best, day = 0, first
        while day < end:
            since = self.first_day(day)
            value = sum(amount for on, amount in facts if since <= on <= day)
            best = max(best, *(at for at, level in enumerate(LEVELS) if value >= level))
            day += timedelta(days=1)
        return best

    def held(self, facts: list[tuple[date, int]], today: date) -> int:
        """Walk over all periods, day by day."""
        base, period, graces = 0, period_start(self.review, BEGINS), [(date.min, 0)]
        while True:
            end = period_end(self.review, period)
            if today < end:
                now = self.earned(facts, period, today + timedelta(days=1))
                return max(base, now, *(level for until, level in graces if today < until))
            reached = self.earned(facts, period, end)
            if reached < base:
                graces.append((end + timedelta(days=self.grace), base))
                base = max(reached, base - 1) if self.soft else reached
            else:
                base = reached
            period = end


rules = st.builds(
    Rules,
    st.sampled_from(["all_time", "calendar_year", "calendar_month", "calendar_week", "rolling"]),
    st.sampled_from(["month", "quarter", "year"]),
    st.sampled_from([0, 10, 45, 100]),
    st.booleans(),
)
facts_lists = st.lists(
    st.tuples(st.integers(0, 1000), st.sampled_from([20, 99, 100, 150, 300, 700])), min_size=1, max_size=7
)


def order_on(program: Program, day: date, booked: date, amount: int, number: int) -> Event:
    sent = OrderInput(id=str(number), lines=(LineInput("1", subtotal=Decimal(amount)),))
    order = read_order(sent, program.order_settings, "web", "")
    return Event("order.paid", noon(day), noon(booked), "s", str(number), "web", "", order)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def arrive(rule: Rules, arrivals: list[tuple[date, int]], today: date) -> tuple[State, list[TierChange]]:
    """Let facts arrive one by one, each not before it occurred, and tick at the end."""
    program, state, booked = compiled(rule.document), FRESH, BEGINS
    changes: list[TierChange] = []
    with exactly():
        for number, (day, amount) in enumerate(arrivals, 1):
            booked = max(booked, day)
            state, made = taken(program, state, order_on(program, day, booked, amount, number))
            changes += made
        tick = Event("guerdon.tick", noon(today), noon(today), command=Tick())
        state, made = taken(program, state, tick)
    return state, changes + made


def taken(program: Program, state: State, event: Event) -> tuple[State, list[TierChange]]:
    after, decision = step(program, reduced(program, state, event), event, chance(1))
    return merged(program, state, after, decision), list(decision.tier_changes)


@given(rules, facts_lists, st.integers(0, 500), st.permutations(range(7)))
def test_the_tier_is_what_the_calendar_says_whatever_the_order_of_arrival(
    rule: Rules, facts: list[tuple[int, int]], later: int, order: list[int]
) -> None:
    dated = [(BEGINS + timedelta(days=after), amount) for after, amount in facts]
    today = max(day for day, _ in dated) + timedelta(days=later)
    shuffled = [dated[place] for place in order if place < len(dated)]
    expected = rule.held(dated, today)
    for arrivals in (sorted(dated), shuffled):
        state, changes = arrive(rule, arrivals, today)
        assert state.account.tiers["club"].level == NAMES[expected]
        assert_a_chain(changes, NAMES[expected])


def assert_a_chain(changes: list[TierChange], last: str) -> None:
    """Each move begins where the one before ended, and none is dated before it."""
    assert (changes[-1].after if changes else "t0") == last
    for one, other in pairwise(changes):
        assert one.after == other.before
        assert one.at <= other.at
    # A review that a grace waits for is told, and moves nobody.
    assert all((one.before == one.after) == (one.cause == "grace") for one in changes)
    for one in changes:
        if one.cause != "grace":
            assert one.direction == ("up" if NAMES.index(one.after) > NAMES.index(one.before) else "down")
    assert all(one.cause == "review" for one in changes if one.after < one.before)


@given(rules, facts_lists, st.integers(0, 400), st.integers(0, 400))
def test_asking_is_the_same_as_booking(
    rule: Rules, facts: list[tuple[int, int]], between: int, later: int
) -> None:
    """A tier that is asked for at an instant is what a tick at that instant books."""
    dated = sorted((BEGINS + timedelta(days=after), amount) for after, amount in facts)
    first = dated[-1][0] + timedelta(days=between)
    today = first + timedelta(days=later)
    state, _ = arrive(rule, dated, first)
    booked, _ = arrive(rule, dated, today)
    program = compiled(rule.document)
    with exactly():
        asked = tier_at(
            program.ladders["club"],
            state.account.tiers["club"],
            Counts(state.account.buckets),
            program.zone,
            noon(today),
        )
    held = booked.account.tiers["club"]
    assert (asked.level, asked.since) == (held.level, held.since)
    # What is booked may look again sooner than it must: at the end of a grace that is not needed any more.
    if asked.changes_at is None or held.changes_at is None:
        assert asked.changes_at is held.changes_at
    else:
        assert noon(today) < held.changes_at <= asked.changes_at


def test_a_changed_ladder_takes_nothing_before_its_review_and_gives_at_the_next_event() -> None:
    rule = Rules("calendar_year", "year", 0, soft=False)
    day = date(2024, 3, 1)
    state, _ = arrive(rule, [(day, 320)], day)
    harder, easier = rule.document, rule.document
    harder["ladders"]["club"]["tiers"]["t2"] = {"from": 500}
    easier["ladders"]["club"]["tiers"]["t3"] = {"from": 320}
    for document, held, then in ((harder, "t2", "t1"), (easier, "t3", "t3")):
        program = compiled(document)
        with exactly():
            now, changes = taken(program, state, tick_on(date(2024, 6, 1)))
            assert now.account.tiers["club"].level == held
            assert [one.cause for one in changes] == ([] if held == "t2" else ["definition"])
            end, _ = taken(program, now, tick_on(date(2024, 12, 31)))
            assert end.account.tiers["club"].level == held
            reviewed, _ = taken(program, end, tick_on(date(2025, 1, 1)))
            assert reviewed.account.tiers["club"].level == then


def test_a_better_name_or_rate_opens_no_review() -> None:
    rule = Rules("calendar_year", "year", 0, soft=False)
    renamed = rule.document
    renamed["ladders"]["club"]["tiers"]["t1"] = {"from": 100, "rate": 3, "name": "Friend"}
    assert compiled(rule.document).ladders["club"].identity == compiled(renamed).ladders["club"].identity
    raised = rule.document
    raised["ladders"]["club"]["tiers"]["t1"] = {"from": 101}
    assert compiled(rule.document).ladders["club"].identity != compiled(raised).ladders["club"].identity


def test_what_is_counted_below_zero_takes_the_tier_as_if_it_had_never_been() -> None:
    document = Rules("calendar_year", "year", 0, soft=False).document
    document["events"] = {"spend.changed": {"data": {"by": "decimal"}}}
    document["metrics"]["spend"] = {
        "event": "spend.changed",
        "value": "event.data.by",
        "window": "calendar_year",
    }
    program = compiled(document)
    at = noon(date(2024, 3, 1))
    for amounts in ((320, -50), (-50, 320)):
        state = FRESH
        with exactly():
            for amount in amounts:
                changed = Event("spend.changed", at, at, data={"by": Decimal(amount)})
                state, _ = taken(program, state, changed)
        assert state.account.tiers["club"].level == "t1"


def tick_on(day: date) -> Event:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Event("guerdon.tick", at, at, command=Tick())
