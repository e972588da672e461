"""Challenges in a backtest: the same prizes as live, however many processes count them."""

from __future__ import annotations

from pathlib import Path

from tests.backtest.tries import PROGRAM, order, tried

CHALLENGES = f"""{PROGRAM}
metrics:
  buys: {{event: order.paid}}
challenges:
  card: {{metric: buys, every: 2, prize: [{{award: {{wallet: points, amount: "50"}}}}]}}
  newcomer: {{metric: buys, goal: 2, within: 7d, prize: [{{award: {{wallet: points, amount: "7"}}}}]}}
"""


def test_prizes_are_in_the_report(tmp_path: Path) -> None:
    events = [order(who, f"2025-01-{day:02}T12:00:00Z") for who in ("anna", "bob") for day in (1, 3, 20, 22)]
    done = tried(tmp_path, events, CHALLENGES)
    assert done.report == tried(tmp_path, events, CHALLENGES, jobs=2).report
    campaigns = done.report["campaigns"]
    assert campaigns["challenge:card"]["awarded"]["points"] == "200"
    assert campaigns["challenge:newcomer"]["awarded"]["points"] == "14"
