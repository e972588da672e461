"""Warnings about metrics that nobody reads, and about tiers that a window cannot fill."""

from __future__ import annotations

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.lint import lint

BASE = """\
program: shop
currency: USD
timezone: UTC
"""


def codes(more: str) -> list[tuple[str, str]]:
    definition = load_definition(BASE + more)
    return [(one.code, one.pointer) for one in lint(definition, compile_program(definition, 1))]


def test_a_metric_that_nothing_reads_is_named() -> None:
    metrics = "metrics: {spend: {event: order.paid, value: order.net}, visits: {event: order.paid}}\n"
    assert codes(metrics + "segments: {loyal: metrics.visits > 3}\n") == [("metric_unread", "/metrics/spend")]
    ladder = "ladders: {club: {metric: spend, tiers: {a: {from: 0}, b: {from: 5}}}}\n"
    assert codes(metrics + ladder) == [("metric_unread", "/metrics/visits")]


@pytest.mark.parametrize(
    ("streak", "window", "least", "warns"),
    [
        ("month", "calendar_year", 13, True),
        ("month", "calendar_year", 12, False),
        ("week", "{rolling: 30d}", 7, True),
        ("week", "{rolling: 30d}", 6, False),
        ("day", "{starts: 2030-01-01, ends: 2030-01-10}", 11, True),
        ("day", "{starts: 2030-01-01, ends: 2030-01-10}", 10, False),
        ("week", "all_time", 900, False),
    ],
)
def test_a_tier_that_needs_more_in_a_row_than_its_window_holds(
    streak: str, window: str, least: int, warns: bool
) -> None:
    found = codes(
        f"metrics: {{row: {{event: order.paid, streak: {streak}, window: {window}}}}}\n"
        "ladders:\n  club:\n    metric: row\n    review: calendar_year\n"
        f"    tiers: {{a: {{from: 0}}, b: {{from: {least}}}}}\n"
    )
    assert found == ([("tier_beyond_window", "/ladders/club/tiers/b/from")] if warns else [])
