"""Tiers that operators gave to accounts that become one: at each instant the highest that is given then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.merging.joining import joined_tier
from guerdon.rules.metrics import Counts
from guerdon.rules.state import TierState
from guerdon.rules.tiers import Ladder, tier_at, tier_path
from tests.rules.test_tiers import NAMES, Rules
from tests.rules.worlds import compiled

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
PROGRAM = compiled(Rules("calendar_year", "year", 0, False).document)
LADDER: Ladder = PROGRAM.ladders["club"]
NOTHING = Counts({}, BEGAN.date())
_given = st.tuples(st.sampled_from(NAMES[1:]), st.none() | st.integers(1, 60))
"""A tier, and after how many days it ends."""


def until(days: int | None) -> datetime | None:
    return None if days is None else BEGAN + timedelta(days=days)


def held(gift: tuple[str, int | None] | None) -> TierState:
    state = tier_at(LADDER, None, NOTHING, PROGRAM.zone, BEGAN)
    if gift is None:
        return state
    tier, days = gift
    given = TierState(
        tier,
        BEGAN,
        until(days),
        state.anchor_level,
        state.anchor_on,
        state.definition,
        state.level,
        tier,
        until(days),
    )
    assert tier_at(LADDER, given, NOTHING, PROGRAM.zone, BEGAN).level == tier
    return given


def join(one: TierState, other: TierState) -> TierState:
    return joined_tier(LADDER, (one, other), NOTHING, PROGRAM.zone, BEGAN)


@given(st.lists(st.none() | _given, min_size=2, max_size=5), st.integers(1, 20))
def test_the_highest_that_is_given_holds_on_each_day(
    gifts: list[tuple[str, int | None] | None], step: int
) -> None:
    states = [held(one) for one in gifts]
    joined = states[0]
    for one in states[1:]:
        joined = join(joined, one)
    other = states[-1]
    for one in reversed(states[:-1]):
        other = join(one, other)
    assert (joined.given, joined.given_until, joined.given_next) == (
        other.given,
        other.given_until,
        other.given_next,
    )
    booked = joined
    for day in range(0, 70, step):
        now = BEGAN + timedelta(days=day)
        levels = [
            NAMES.index(one[0]) for one in gifts if one is not None and (one[1] is None or one[1] > day)
        ]
        wanted = NAMES[max(levels, default=0)]
        assert tier_at(LADDER, joined, NOTHING, PROGRAM.zone, now).level == wanted
        before = booked.level
        booked, moves = tier_path(LADDER, booked, NOTHING, PROGRAM.zone, now)
        assert booked.level == wanted, "whether or not it was booked in between"
        for move in moves:
            assert move.before == before
            before = move.after
            assert move.ended
            assert move.at in [until(one[1]) for one in gifts if one is not None]


def test_by_hand() -> None:
    joined = join(held(("t3", 10)), held(("t1", 30)))
    assert (joined.level, joined.given, joined.changes_at) == ("t3", "t3", until(10))
    assert [(one.tier, one.until) for one in joined.given_next] == [("t1", until(30))]
    # A third account's: lower and shorter is covered, longer comes after, without end comes last.
    for gift, row in (
        (("t2", 10), ["t3", "t1"]),
        (("t2", 20), ["t3", "t2", "t1"]),
        (("t2", 30), ["t3", "t2"]),
        (("t2", None), ["t3", "t2"]),
        (("t3", 30), ["t3"]),
        (("t1", None), ["t3", "t1"]),
    ):
        three = join(joined, held(gift))
        assert [three.given, *(one.tier for one in three.given_next)] == row, gift
