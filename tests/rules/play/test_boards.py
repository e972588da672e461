"""Boards as compiled: their windows, when time changes a value, and names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.rules.compiling import compile_program, identities_of
from guerdon.rules.definition import DefinitionError, load_definition
from guerdon.rules.metrics import Counts
from guerdon.rules.play.boards import (
    Board,
    BoardWindow,
    changes_on,
    closes_at,
    ends_at,
    times_reached,
    value_in,
    window_at,
    windows_counted,
)
from guerdon.rules.play.naming import name_key, read_name
from guerdon.rules.program import Program
from guerdon.rules.state import Bucket

CLUB = """
program: club
currency: USD
timezone: America/New_York
wallets: {points: {}}
metrics:
  spend: {event: order.paid, value: order.net}
  weeks: {event: order.paid, streak: week}
  kinds: {event: order.paid, distinct: "order.lines.map(l, l.sku)"}
  last: {event: order.paid, last: event.time}
teams:
  crew: {}
"""


OCTOBER, FIFTH = date(2026, 10, 1), date(2026, 11, 5)


def compiled(more: str) -> Program:
    return compile_program(load_definition(CLUB + more), 1)


def board(**said: Any) -> Board:
    text = ", ".join(f"{key}: {value}" for key, value in {"metric": "spend", **said}.items())
    return compiled(f"leaderboards: {{top: {{{text}}}}}").boards["top"]


def faults(more: str) -> set[tuple[str, str]]:
    with pytest.raises(DefinitionError) as refused:
        compiled(more)
    return {(fault.pointer, fault.code) for fault in refused.value.errors}


def test_a_board_with_its_metrics_own_time_counts_nothing_more() -> None:
    program = compiled("leaderboards: {top: {metric: spend}, monthly: {metric: spend, window: month}}")
    assert program.boards["top"].metric is program.metrics["spend"]
    monthly = program.boards["monthly"].metric
    assert monthly.key.startswith("spend~")
    assert monthly.identity in identities_of(program.definition)
    assert monthly in program.metrics_by_event["order.paid"]
    assert {one.identity for one in program.metrics.values()} == identities_of(program.definition)


@pytest.mark.parametrize(
    ("said", "day", "window"),
    [
        ({}, date(2026, 11, 21), (date(1970, 1, 1), None)),
        ({"window": "month"}, date(2026, 12, 31), (date(2026, 12, 1), date(2027, 1, 1))),
        ({"window": "week"}, date(2026, 11, 22), (date(2026, 11, 16), date(2026, 11, 23))),
        ({"window": "quarter", "ends": "2026-11-30"}, date(2026, 11, 30), (OCTOBER, date(2026, 12, 1))),
        ({"window": "month", "ends": "2026-11-30"}, date(2026, 12, 1), None),
        ({"starts": "2026-11-05"}, date(2026, 11, 4), None),
        ({"starts": "2026-11-05", "ends": "2026-12-24"}, date(2026, 12, 24), (FIFTH, date(2026, 12, 25))),
        ({"window": "{starts: 2026-11-05, ends: 2026-11-09}"}, FIFTH, (FIFTH, date(2026, 11, 10))),
        ({"window": "{rolling: 30d}"}, date(2026, 11, 9), (date(1970, 1, 1), None)),
    ],
)  # fmt: skip
def test_windows(said: dict[str, Any], day: date, window: tuple[date, date | None] | None) -> None:
    found = window_at(board(**said), day)
    assert found == (BoardWindow(*window) if window is not None else None)


def test_a_window_closes_at_local_midnight_and_a_grace_later() -> None:
    top = board(window="month", grace="90min")
    zone = compiled("").zone
    window = window_at(top, date(2026, 11, 21))
    assert window is not None
    end = ends_at(zone, window)
    assert end == datetime(2026, 12, 1, 5, tzinfo=UTC)
    assert closes_at(zone, top, end) == datetime(2026, 12, 1, 6, 30, tzinfo=UTC)


def test_time_alone_changes_rolling_values_and_streaks() -> None:
    lately, streak, month = board(window="{rolling: 10d}"), board(metric="weeks"), board(window="month")
    today = date(2026, 11, 21)

    def counts(one: Board, day: date, held: dict[str, int] | None = None) -> Counts:
        return Counts({(one.metric.identity, day): Bucket(Decimal(5), 1, held or {})})

    ever = BoardWindow(date(1970, 1, 1), None)
    some = counts(lately, date(2026, 11, 15))
    assert value_in(lately, some, ever, today) == 5
    assert changes_on(lately, some, ever, today) == date(2026, 11, 24)
    assert value_in(lately, some, ever, date(2026, 11, 25)) == 0
    weeks = counts(streak, date(2026, 1, 1), {"2026-11-16": 1})
    assert value_in(streak, weeks, ever, today) == 1
    assert changes_on(streak, weeks, ever, today) == date(2026, 11, 30)
    assert value_in(streak, weeks, ever, date(2026, 11, 29)) == 1
    assert value_in(streak, weeks, ever, date(2026, 11, 30)) == 0
    window = window_at(month, today)
    assert window is not None
    assert changes_on(month, counts(month, date(2026, 11, 1)), window, today) is None
    assert windows_counted(month, counts(month, date(2026, 10, 1)), (today,)) == {
        window,
        BoardWindow(date(2026, 10, 1), date(2026, 11, 1)),
    }


def test_what_cannot_be_ranked_is_refused() -> None:
    at = "/leaderboards/top/metric"
    assert faults("leaderboards: {top: {metric: last}}") == {(at, "metric_not_ranked")}
    assert faults("leaderboards: {top: {metric: kinds, team: crew}}") == {(at, "metric_not_of_teams")}
    prize = "team: crew, prize: [{award: {wallet: points, amount: '1'}}]"
    for said, key in (
        ("metric: spend, goal: {personal: '5'}", "goal"),
        ("metric: spend, goal: 5, within: 3d", "within"),
        ("metric: spend, goal: 5, opt_in: true", "opt_in"),
        ("steps: [{metric: spend, goal: 5}]", "steps"),
        ("metric: spend, goal: 5, on_return: reevaluate", "on_return"),
    ):
        found = faults(f"challenges: {{together: {{{said}, {prize}}}}}")
        assert {pointer for pointer, _ in found} == {f"/challenges/together/{key}"}, said


def test_goals_are_reached_once_or_again_and_again() -> None:
    prize = "team: crew, prize: [{award: {wallet: points, amount: '1'}}]"
    for said, times in (("goal: 10", [0, 1, 1, 1]), ("every: 10", [0, 1, 2, 10]), ("goal: 10, repeatable: true", [0, 1, 2, 10])):  # fmt: skip  # noqa: E501 - one case a line
        one = compiled(f"challenges: {{c: {{metric: spend, {said}, {prize}}}}}").boards["challenge:c"]
        assert one.is_goal
        assert [times_reached(one, Decimal(value)) for value in (9, 10, 20, 100)] == times, said


def test_prizes_of_ranks_are_campaigns() -> None:
    program = compiled(
        "leaderboards: {top: {metric: spend, window: month, prizes: ["
        "{rank: 1, prize: [{award: {wallet: points, amount: '9'}}]},"
        "{rank: 2-5, prize: [{award: {wallet: points, amount: '3'}}]}]}}"
    )
    assert [one.key for one in program.by_trigger["board.closed"]] == [
        "leaderboard:top:1",
        "leaderboard:top:2-5",
    ]
    assert program.boards["top"].prized == 5


def test_names_are_the_same_whatever_stands_between_their_letters() -> None:
    assert read_name("অনন্যা রায়") == "অনন্যা রায়"
    assert read_name("e\u0301a") == "\u00e9a"
    same = ["Ann Lee", "ANN-LEE", "ann.lee", "Ａｎｎ Ｌｅｅ"]
    assert len({name_key(one) for one in same}) == 1
    assert name_key("Ann Le") != name_key("Ann Lee")
    with pytest.raises(Problem, match="U\\+2060"):
        read_name("a\u2060b")
