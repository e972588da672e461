"""Small histories and programs for the tests of backtests."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from guerdon.insight.backtest import Backtest, Request, open_history, run_backtest

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, expires: {after: 30d, from: earned}}
events:
  item.recycled: {data: {grams: int}}
campaigns:
  base_earn: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net}}]}
  welcome: {trigger: member.enrolled, then: [{award: {wallet: points, amount: "7"}}]}
  recycle:
    trigger: item.recycled
    when: event.data.grams >= 100
    then: [{award: {wallet: points, amount: "5"}}]
"""
FIRST_TWO = (
    PROGRAM
    + """
  first_two: {trigger: order.paid, limits: {total: 2}, then: [{award: {wallet: points, amount: "1000"}}]}
"""
)
_NUMBERS = itertools.count(1)


def event(event_type: str, subject: str | None, time: str, **more: Any) -> dict[str, Any]:
    sent = {
        "specversion": "1.0",
        "id": f"e{next(_NUMBERS)}",
        "source": "shop",
        "type": event_type,
        "time": time,
        "subject": subject,
        "data": {},
        **more,
    }
    return {name: value for name, value in sent.items() if value is not None}


def order(subject: str | None, time: str, amount: str = "10.00", **more: Any) -> dict[str, Any]:
    order_id = more.pop("order", f"o{next(_NUMBERS)}")
    data = {"id": order_id, "lines": [{"id": "1", "sku": "A", "subtotal": amount}]}
    return event("order.paid", subject, time, data=data, **more)


def write(path: Path, events: Iterable[dict[str, Any] | str]) -> Path:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in events]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def tried(
    folder: Path,
    events: Sequence[dict[str, Any] | str],
    program: str = PROGRAM,
    until: str | None = None,
    jobs: int = 1,
) -> Backtest:
    file = write(folder / "events.ndjson", events)
    ends = datetime.fromisoformat(until) if until is not None else None
    request = Request(program.encode(), "program.yaml", ends, jobs)
    return run_backtest(request, open_history([str(file)], folder))


def points(backtest: Backtest) -> tuple[str, str, str, str]:
    wallet = backtest.report["wallets"]["points"]
    return wallet["issued"], wallet["spent"], wallet["expired"], wallet["outstanding"]
