"""Tiers that are lost in a backtest: campaigns hear of each once, whether or not anything is bought again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.backtest.tries import PROGRAM, order, tried

CLUB = f"""{PROGRAM}
  come_back:
    trigger: tier.lost
    when: event.data.ladder == 'club' && event.data.cause == 'review'
    then: [{{award: {{wallet: points, amount: "event.data.tier == 'gold' ? 900 : 100"}}}}]
metrics:
  spend: {{event: order.paid, value: order.net, window: calendar_year}}
ladders:
  club:
    metric: spend
    soft_landing: true
    tiers: {{bronze: {{from: 0}}, silver: {{from: 500}}, gold: {{from: 1500}}}}
"""


def told(report: dict[str, Any]) -> str:
    return str(report["campaigns"]["come_back"]["awarded"].get("points", "0"))


def test_each_loss_is_told_once(tmp_path: Path) -> None:
    # Silver of 2025 is held to the end of 2026. Anna buys again in 2027, Bob never does, Cat stays in silver.
    events = [
        *(order(who, "2025-03-01T12:00:00Z", "600.00") for who in ("anna", "bob", "cat")),
        order("cat", "2026-03-01T12:00:00Z", "600.00"),
        order("anna", "2027-01-15T12:00:00Z", "1.00"),
    ]
    assert told(tried(tmp_path, events[:-1], CLUB, "2026-12-31T12:00:00Z").report) == "0"
    assert told(tried(tmp_path, events, CLUB, "2027-06-01T12:00:00Z").report) == "200"


def test_a_soft_landing_is_a_loss_at_each_review(tmp_path: Path) -> None:
    # Gold of 2025 goes with 2026, silver with 2027: 900 and 100.
    events = [order("anna", "2025-03-01T12:00:00Z", "1600.00")]
    assert told(tried(tmp_path, events, CLUB, "2027-06-01T12:00:00Z").report) == "900"
    assert told(tried(tmp_path, events, CLUB, "2029-06-01T12:00:00Z").report) == "1000"
