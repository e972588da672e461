"""What counting costs: `python benchmarks/metrics.py` steps one account with 0, 5 and 50 metrics."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle, islice
from typing import Any

from guerdon.base.ids import Chance
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.events import Event
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, MemberState, Shared, State
from guerdon.rules.step import exactly, step

EVENTS = 2_000
BEGINS = datetime(2026, 1, 1, 12, tzinfo=UTC)
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"value": "order.net", "window": "calendar_year"},
    {"distinct": "order.lines.map(l, l.sku)"},
    {"streak": {"of": "week", "forgives": 1}},
    {"max": "order.net", "window": {"rolling": "90d"}},
)


def program_with(count: int) -> Program:
    metrics = {
        f"m{number}": {"event": "order.paid", **kind}
        for number, kind in enumerate(islice(cycle(KINDS), count))
    }
    document = {
        "program": "club",
        "currency": "USD",
        "timezone": "UTC",
        "wallets": {"points": {}},
        "metrics": metrics,
        "campaigns": {
            "base": {
                "trigger": "order.paid",
                "then": [{"award": {"wallet": "points", "amount": "order.earning_base"}}],
            }
        },
    }
    return compile_program(load_definition(json.dumps(document)), 1)


def event_of(program: Program, number: int) -> Event:
    at = BEGINS + timedelta(hours=4 * number)
    line = LineInput("1", sku=f"s{number % 40}", price=Decimal(number % 90 + 1), quantity=Decimal(1))
    order = read_order(OrderInput(id=f"o{number}", lines=(line,)), program.order_settings, "web", "")
    return Event("order.paid", at, at, "shop", f"o{number}", "web", "", order)


def microseconds(program: Program) -> float:
    member = MemberState(7)
    state = State(AccountState(5, created_at=BEGINS, owner=member), member, Shared())
    events = [event_of(program, number) for number in range(EVENTS)]
    with exactly():
        began = time.process_time()
        for event in events:
            state, _ = step(program, state, event, Chance(bytes(8)))
    return (time.process_time() - began) / EVENTS * 1e6


def main() -> None:
    bare = microseconds(program_with(0))
    print(f"{EVENTS} orders of one account over {EVENTS // 6} days; time of the processor for each")
    print(f"  without metrics {bare:8.1f} µs")
    for count in (5, 50):
        whole = microseconds(program_with(count))
        print(f"  {count:3} metrics     {whole:8.1f} µs, {(whole - bare) / count:6.1f} µs a metric")


if __name__ == "__main__":
    main()
