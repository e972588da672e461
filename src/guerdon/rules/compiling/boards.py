"""Leaderboards and team goals as compiled, each with the metric that counts for its own time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from guerdon.base.calendar import Span
from guerdon.rules import definition as written
from guerdon.rules.compiling.challenges import own_identities
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.compiling.standing import window_of, written_identities
from guerdon.rules.definition import Definition, canonical_data
from guerdon.rules.definition.campaigns import closing, opening
from guerdon.rules.definition.engagement.boards import rank_bounds
from guerdon.rules.expressions import BOOL, Expression
from guerdon.rules.metrics import Metric
from guerdon.rules.play.boards import Board
from guerdon.rules.sections import ACCOUNT

GOAL: Final = "challenge:"
"""How the key of a board begins that counts what teams do for a challenge."""


class _Ranked(msgspec.Struct, frozen=True):
    """What of a part says which metric is counted over which days."""

    metric: str
    window: object
    """None where the metric's own counts."""
    daily: bool
    starts: date | None
    ends: date | None

    def key(self, definition: Definition) -> str | None:
        """Name the metric that is counted for it; None where the one that is written will do."""
        said = definition.metrics[self.metric]
        own = self.window is None or self.window == said.window
        if own and not self.daily and self.starts is None and self.ends is None:
            return None
        window = said.window if self.window is None else self.window
        dates = [one.isoformat() if one is not None else "" for one in (self.starts, self.ends)]
        text = json.dumps([canonical_data(said), repr(window), self.daily, dates, definition.timezone])
        return f"{self.metric}~{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def identities_of(definition: Definition) -> frozenset[str]:
    """Name all metrics that a definition counts, those of boards among them, with hashes of what they say.

    Args:
        definition: any definition.

    Returns:
        What their buckets are kept under.
    """
    ranked = (one.key(definition) for one in _all_ranked(definition))
    known = written_identities(definition) | own_identities(definition)
    return known | {key for key in ranked if key is not None}


def ranked_metrics(work: Compiling, metrics: dict[str, Metric]) -> dict[str, Metric]:
    """Compile the metrics that boards need beside those that are written; no document can say their keys.

    Args:
        work: the compilation; it takes the faults.
        metrics: those that are written.

    Returns:
        By key, which is their identity.
    """
    found = {}
    for one in _all_ranked(work.definition):
        key = one.key(work.definition)
        if key is not None:
            found[key] = _over(metrics[one.metric], one, key)
    return found


def boards_of(work: Compiling, metrics: dict[str, Metric]) -> dict[str, Board]:
    """Compile the leaderboards of a definition, and the challenges that teams reach together.

    Args:
        work: the compilation; it takes the faults.
        metrics: those that are written, and those that boards need beside them.

    Returns:
        By key; their prizes are campaigns (`compiling.prizes`).
    """
    found = {}
    for key, one in work.definition.leaderboards.items():
        metric = metrics[_ranked(one).key(work.definition) or one.metric]
        _check(work, f"/leaderboards/{key}", one.team, metrics[one.metric])
        found[key] = _stamped(
            Board(
                key=key,
                identity="",
                metric=metric,
                shows=one.shows,
                opt_in=one.opt_in,
                team=one.team,
                least=one.least,
                audience=work.expression(one.audience, ACCOUNT, BOOL),
                starts=_first(one),
                ends=_last(one),
                grace=span_of(one.grace),
                prized=max((rank_bounds(prize.rank)[1] for prize in one.prizes), default=0),
            ),
            str(one.audience or ""),
        )
    for key, goal in work.definition.challenges.items():
        if goal.team is not None:
            _check_goal(work, f"/challenges/{key}", goal)
            if goal.metric is not None:
                found[f"{GOAL}{key}"] = _goal(work, key, goal, metrics)
    return found


def team_audiences(work: Compiling) -> dict[str, Expression]:
    """Compile who may be in a team.

    Args:
        work: the compilation; it takes the faults.

    Returns:
        By kind of team; kinds for everybody are left out.
    """
    found = {}
    for key, one in work.definition.teams.items():
        audience = work.expression(one.audience, ACCOUNT, BOOL)
        if audience is not None:
            found[key] = audience
    return found


def _goal(work: Compiling, key: str, one: written.Challenge, metrics: dict[str, Metric]) -> Board:
    at = f"/challenges/{key}"
    metric = metrics[_ranked(one).key(work.definition) or one.metric]  # type: ignore[index]
    _check(work, at, one.team, metrics[one.metric])  # type: ignore[index]
    goal = one.goal if isinstance(one.goal, Decimal) else None
    every = goal if one.repeatable else one.every
    return _stamped(
        Board(
            key=f"{GOAL}{key}",
            identity="",
            metric=metric,
            shows=0,
            opt_in=False,
            team=one.team,
            least=None,
            audience=None,
            starts=_first(one),
            ends=_last(one),
            grace=Span(),
            prized=0,
            goal=None if one.repeatable else goal,
            every=every,
        ),
        "",
    )


def _check_goal(work: Compiling, at: str, one: written.Challenge) -> None:
    if isinstance(one.goal, written.PersonalGoal):
        work.fault(f"{at}/goal", "goal_not_possible", "a team has no past of its own; write a number")
    for key, is_said in (("steps", one.steps), ("opt_in", one.opt_in), ("within", one.within)):
        if is_said:
            detail = (
                f"`{key}` is for accounts; a team reaches the goal of one metric, and its members are in it"
            )
            work.fault(f"{at}/{key}", "key_not_for_teams", detail)
    if one.on_return not in (None, "keep"):
        detail = "a goal that a team reached stays reached when something comes back; only `keep` is possible"
        work.fault(f"{at}/on_return", "key_not_for_teams", detail)


def _check(work: Compiling, at: str, team: str | None, metric: Metric) -> None:
    if metric.is_instant:
        detail = f"`{metric.key}` is a time, and ranks go by a number"
        work.fault(f"{at}/metric", "metric_not_ranked", detail)
    if team is not None and metric.fold != "sum":
        detail = f"what a team has is the sum of what its members have, and `{metric.key}` is no sum or count"
        work.fault(f"{at}/metric", "metric_not_of_teams", detail)


def _stamped(board: Board, audience: str) -> Board:
    told = (board.metric.identity, board.opt_in, board.team, board.least, audience, board.starts, board.ends,
            board.goal, board.every)  # fmt: skip
    return msgspec.structs.replace(board, identity=hashlib.sha256(repr(told).encode()).hexdigest()[:12])


def _all_ranked(definition: Definition) -> Iterator[_Ranked]:
    for board in definition.leaderboards.values():
        yield _ranked(board)
    for goal in definition.challenges.values():
        if goal.team is not None and goal.metric is not None:
            yield _ranked(goal)


def _ranked(one: written.Leaderboard | written.Challenge) -> _Ranked:
    window = one.window if isinstance(one, written.Leaderboard) else None
    assert one.metric is not None, "challenges of steps are not ranked"
    return _Ranked(one.metric, window, one.team is not None, _first(one), _last(one))


def _first(one: written.Leaderboard | written.Challenge) -> date | None:
    return _day(opening(one.starts)) if one.starts is not None else None


def _last(one: written.Leaderboard | written.Challenge) -> date | None:
    return _day(closing(one.ends)) if one.ends is not None else None


def _day(moment: datetime) -> date:
    return moment.date()


def _over(metric: Metric, one: _Ranked, key: str) -> Metric:
    window = metric.window if one.window is None else window_of(one.window)
    if one.starts is not None or one.ends is not None:
        first, last = window.between or (date.min, date.max)
        between = (max(first, one.starts or first), min(last, one.ends or last))
        window = msgspec.structs.replace(window, between=between)
    return msgspec.structs.replace(metric, key=key, identity=key, window=window, daily=one.daily)
