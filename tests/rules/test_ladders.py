"""Ladders on several metrics, tiers for life and by invitation, and what is missing: as a calendar says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.calendar import Period, period_end, period_start
from guerdon.base.exact import plain_text
from guerdon.rules.decision import TierChange
from guerdon.rules.events import Event, Tick
from guerdon.rules.metrics import Counts
from guerdon.rules.program import Program
from guerdon.rules.state import State, TierState
from guerdon.rules.step import exactly
from guerdon.rules.tiers import Prospect, prospect_of
from tests.rules.test_tiers import BEGINS, noon, order_on, taken
from tests.rules.worlds import FRESH, compiled

SPENT = (0, 100, 300, 600)
VISITS = (0, 1, 3, 4)
NAMES = ("t0", "t1", "t2", "t3")


@dataclass(frozen=True)
class Rules:
    """A ladder on two metrics, in plain figures."""

    by_any: bool
    review: Period
    grace: int
    soft: bool
    for_life: tuple[int, ...]

    @property
    def document(self) -> dict[str, Any]:
        tiers: dict[str, Any] = {
            name: {
                "from": {"spend": spent, "visits": visits},
                "lifetime": str(place in self.for_life).lower(),
            }
            for place, (name, spent, visits) in enumerate(zip(NAMES, SPENT, VISITS, strict=True))
        }
        return {
            "program": "ladders",
            "currency": "USD",
            "timezone": "UTC",
            "metrics": {
                "spend": {"event": "order.paid", "value": "order.net", "window": "calendar_year"},
                "visits": {"event": "order.paid", "window": {"rolling": "60d"}},
            },
            "ladders": {
                "club": {
                    "metrics": ["spend", "visits"],
                    "reached_by": "any" if self.by_any else "every",
                    "review": f"calendar_{self.review}",
                    "grace": f"{self.grace}d",
                    "soft_landing": str(self.soft).lower(),
                    "tiers": tiers,
                }
            },
        }

    def earned(self, facts: list[tuple[date, int]], first: date, end: date) -> int:
        """Find the level that the best day of each metric reaches in a period."""
        spent = visits = day_visits = 0
        day = first
        while day < end:
            spent = max(spent, sum(one for on, one in facts if on.year == day.year and on <= day))
            day_visits = sum(day - timedelta(days=59) <= on <= day for on, _ in facts)
            visits = max(visits, day_visits)
            day += timedelta(days=1)
        enough = any if self.by_any else all
        return max(
            place
            for place, (least, often) in enumerate(zip(SPENT, VISITS, strict=True))
            if enough((spent >= least, visits >= often)) or place == 0
        )

    def held(self, facts: list[tuple[date, int]], today: date) -> int:
        """Walk over all periods, day by day."""
        base, period, graces = 0, period_start(self.review, BEGINS), [(date.min, 0)]
        while True:
            end = period_end(self.review, period)
            if today < end:
                now = self.earned(facts, period, today + timedelta(days=1))
                return max(base, now, *(level for until, level in graces if today < until))
            reached = self.earned(facts, period, end)
            for_life = max((one for one in self.for_life if one <= max(base, reached)), default=0)
            if reached < base:
                graces.append((end + timedelta(days=self.grace), base))
                base = max(reached, base - 1 if self.soft else 0, for_life)
            else:
                base = reached
            period = end


rules = st.builds(
    Rules,
    st.booleans(),
    st.sampled_from(["month", "quarter", "year"]),
    st.sampled_from([0, 10, 45]),
    st.booleans(),
    st.sampled_from([(), (1,), (2,), (1, 3)]),
)
facts_lists = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from([20, 99, 100, 150, 300, 700])), min_size=1, max_size=6
)


def arrive(program: Program, arrivals: list[tuple[date, int]], today: date) -> tuple[State, list[TierChange]]:
    state, booked, changes = FRESH, BEGINS, []
    with exactly():
        for number, (day, amount) in enumerate(arrivals, 1):
            booked = max(booked, day)
            state, made = taken(program, state, order_on(program, day, booked, amount, number))
            changes += made
        tick = Event("guerdon.tick", noon(today), noon(today), command=Tick())
        state, made = taken(program, state, tick)
    return state, changes + made


@given(rules, facts_lists, st.integers(0, 400), st.permutations(range(6)))
def test_two_metrics_and_tiers_for_life_are_what_the_calendar_says_in_any_order_of_arrival(
    rule: Rules, facts: list[tuple[int, int]], later: int, order: list[int]
) -> None:
    dated = [(BEGINS + timedelta(days=after), amount) for after, amount in facts]
    today = max(day for day, _ in dated) + timedelta(days=later)
    expected = NAMES[rule.held(dated, today)]
    program = compiled(rule.document)
    for arrivals in (sorted(dated), [dated[place] for place in order if place < len(dated)]):
        state, changes = arrive(program, arrivals, today)
        assert state.account.tiers["club"].level == expected
        assert (changes[-1].after if changes else "t0") == expected


def _prospect(program: Program, state: State, day: date) -> Prospect:
    held: TierState = state.account.tiers["club"]
    with exactly():
        return prospect_of(
            program.ladders["club"], held, Counts(state.account.buckets), program.zone, noon(day)
        )


def _said(prospect: Prospect) -> tuple[Any, Any]:
    def way(one: Any) -> Any:
        if one is None:
            return None
        return (
            one.tier,
            {part.metric: plain_text(part.missing) for part in one.metrics},
            one.by and one.by.date(),
        )

    return way(prospect.next), way(prospect.keep)


def test_what_is_missing_is_told_for_every_metric_and_by_when() -> None:
    program = compiled(Rules(by_any=False, review="year", grace=0, soft=False, for_life=()).document)
    state, _ = arrive(program, [(date(2024, 3, 1), 120)], date(2024, 3, 2))
    # Reached this year: held through the next, and two visits more for the next tier, of which 60 days count.
    assert _said(_prospect(program, state, date(2024, 3, 2))) == (
        ("t2", {"spend": "180", "visits": "2"}, date(2025, 1, 1)),
        ("t1", {"spend": "0", "visits": "0"}, date(2026, 1, 1)),
    )
    # In the next year nothing counts yet, and all of it is needed again before its end.
    later, _ = arrive(program, [(date(2024, 3, 1), 120)], date(2025, 5, 1))
    assert _said(_prospect(program, later, date(2025, 5, 1))) == (
        ("t2", {"spend": "300", "visits": "3"}, date(2026, 1, 1)),
        ("t1", {"spend": "100", "visits": "1"}, date(2026, 1, 1)),
    )


def test_what_was_reached_for_life_needs_nothing_to_be_kept() -> None:
    program = compiled(Rules(by_any=True, review="month", grace=0, soft=False, for_life=(1,)).document)
    state, changes = arrive(program, [(date(2024, 3, 1), 350)], date(2025, 8, 1))
    assert [(one.before, one.after, one.cause, one.direction) for one in changes] == [
        ("t0", "t2", "reached", "up"),
        ("t2", "t1", "review", "down"),
    ]
    assert state.account.tiers["club"].changes_at is None
    assert _prospect(program, state, date(2025, 8, 1)).keep is None


def test_a_grace_is_told_once_and_keeps_what_it_says() -> None:
    rule = Rules(by_any=False, review="year", grace=40, soft=True, for_life=())
    program = compiled(rule.document)
    orders = [(date(2024, 3, day), 110) for day in (1, 2, 3)]
    state, changes = arrive(program, orders, date(2026, 1, 20))
    assert [(one.after, one.cause, one.direction) for one in changes[-1:]] == [("t2", "grace", "kept")]
    assert _said(_prospect(program, state, date(2026, 1, 20)))[1] == (
        "t2", {"spend": "300", "visits": "3"}, date(2026, 2, 10),
    )  # fmt: skip
    _, changes = arrive(program, orders, date(2026, 2, 10))
    assert [(one.after, one.cause, one.direction) for one in changes[-2:]] == [
        ("t2", "grace", "kept"),
        ("t1", "review", "down"),
    ]


def test_of_any_metric_the_nearest_decides_how_far_it_is() -> None:
    for by_any, nearest in ((True, Fraction(4, 5)), (False, Fraction(1, 3))):
        program = compiled(Rules(by_any, "year", 0, soft=False, for_life=()).document)
        state, _ = arrive(program, [(date(2024, 3, 1), 240)], date(2024, 3, 2))
        way = _prospect(program, state, date(2024, 3, 2)).next
        assert way is not None
        assert way.nearest is not None
        assert (way.tier, way.nearest.share) == ("t2", nearest)
