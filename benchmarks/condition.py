"""One compiled condition beside the same condition written by hand in Python, on the same scope objects.

`engine` is the way in which the engine calls a condition, `call` calls the expression as an object. All sides
run interleaved in many short rounds; a round's figure is CPU time per evaluation, and the ratio is the median
of the rounds' ratios. Run it with `python benchmarks/condition.py [--json FILE]`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from pathlib import Path
from statistics import median
from typing import Any

from guerdon.rules.expressions import (
    ANY,
    BOOL,
    DECIMAL,
    EXACT,
    STRING,
    TIMESTAMP,
    Environment,
    ListOf,
    MapOf,
    Namespace,
    Record,
    compile_expression,
)

ROUNDS = 61
CALLS = 4_000


@dataclass(slots=True)
class Line:
    net: Decimal
    quantity: Decimal
    brand: str
    categories: list[str]


@dataclass(slots=True)
class Order:
    net: Decimal
    channel: str
    lines: list[Line]


@dataclass(slots=True)
class Wallet:
    available: Decimal


@dataclass(slots=True)
class Event:
    type: str
    data: dict[str, Any]


@dataclass(slots=True)
class Scope:
    order: Order
    metrics: dict[str, Decimal]
    wallets: dict[str, Wallet]
    event: Event
    now: datetime


LINE = Record("line", {"net": DECIMAL, "quantity": DECIMAL, "brand": STRING, "categories": ListOf(STRING)})
ENVIRONMENT = Environment(
    {
        "order": Record("order", {"net": DECIMAL, "channel": STRING, "lines": ListOf(LINE)}),
        "metrics": Namespace("metrics", {"yearly_spend": DECIMAL}),
        "wallets": Namespace("wallets", {"points": Record("wallet", {"available": DECIMAL})}),
        "event": Record("event", {"type": STRING, "data": MapOf(STRING, ANY)}),
        "now": TIMESTAMP,
    }
)


def scopes() -> list[Scope]:
    """Make a few different scopes, some of which meet the conditions."""
    made = []
    for number in range(8):
        lines = [
            Line(
                Decimal(10 + number), Decimal(1), brand, [brand.lower(), "backpack" if number % 2 else "pen"]
            )
            for brand in ("Trail", "Peak", "River", "Stone", "Cloud")
        ]
        order = Order(Decimal(40 + 20 * number), "pos" if number % 2 else "web", lines)
        wallets = {"points": Wallet(Decimal(100 * number))}
        event = Event("order.paid", {"sku": "A-1", "grams": Decimal(10 * number)})
        made.append(
            Scope(
                order,
                {"yearly_spend": Decimal(100 * number)},
                wallets,
                event,
                datetime(2027, 1, 1, tzinfo=UTC),
            )
        )
    return made


CASES: list[tuple[str, Callable[[Any], Any]]] = [
    ("order.net >= 100", lambda s: s.order.net >= 100),
    ("order.channel == 'pos'", lambda s: s.order.channel == "pos"),
    ("wallets.points.available >= 500", lambda s: s.wallets["points"].available >= 500),
    (
        "order.channel == 'pos' && order.net >= 50 && metrics.yearly_spend > 200",
        lambda s: s.order.channel == "pos" and s.order.net >= 50 and s.metrics["yearly_spend"] > 200,
    ),
    (
        "order.channel in ['pos', 'app'] || metrics.yearly_spend + order.net >= 500",
        lambda s: s.order.channel in ("pos", "app") or s.metrics["yearly_spend"] + s.order.net >= 500,
    ),
    ("order.net * 1.5 + 2 > 100", lambda s: s.order.net * Decimal("1.5") + 2 > 100),
    (
        "order.lines.exists(l, l.brand == 'Stone' && l.net > 12)",
        lambda s: any(line.brand == "Stone" and line.net > 12 for line in s.order.lines),
    ),
    (
        "order.lines.filter(l, 'backpack' in l.categories).map(l, l.quantity).sum() >= 3",
        lambda s: (
            sum(
                [line.quantity for line in [one for one in s.order.lines if "backpack" in one.categories]],
                Decimal(0),
            )
            >= 3
        ),
    ),
    (
        "event.data.sku == 'A-1' && order.net > 80",
        lambda s: s.event.data["sku"] == "A-1" and s.order.net > 80,
    ),
]


@dataclass(slots=True)
class Rule:
    """What holds a condition, as a campaign does."""

    when: Any


@dataclass(slots=True)
class ByHand:
    """A condition written by hand, where a campaign would hold it."""

    evaluate: Callable[[Any], Any]


def cost(rule: Rule, inputs: list[Scope]) -> float:
    """Measure CPU microseconds per evaluation, called in the way in which `rules.step` calls conditions."""
    calls = CALLS // len(inputs)
    start = time.process_time_ns()
    for scope in inputs:
        for _ in range(calls):
            rule.when.evaluate(scope)
    return (time.process_time_ns() - start) / 1000 / (calls * len(inputs))


def compare(source: str, by_hand: Callable[[Any], Any], inputs: list[Scope]) -> dict[str, Any]:
    """Measure one condition on all sides, interleaved."""
    compiled = compile_expression(source, ENVIRONMENT, expects=BOOL)
    assert [compiled(scope) for scope in inputs] == [by_hand(scope) for scope in inputs]
    sides = {
        "by_hand": Rule(ByHand(by_hand)),
        "engine": Rule(compiled),
        "call": Rule(ByHand(compiled)),
    }
    rounds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS):
        names = list(sides)
        for name in names[number % 3 :] + names[: number % 3]:
            rounds[name].append(cost(sides[name], inputs))
    ratios = {
        name: median(mine / other for mine, other in zip(rounds[name], rounds["by_hand"], strict=True))
        for name in sides
    }
    return {
        "condition": source,
        **{f"{name}_us": round(median(values), 3) for name, values in rounds.items()},
        "ratio_engine": round(ratios["engine"], 2),
        "ratio_call": round(ratios["call"], 2),
    }


def main() -> None:
    """Print the table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    target = parser.parse_args().json
    inputs = scopes()
    with localcontext(EXACT):
        rows = [compare(source, by_hand, inputs) for source, by_hand in CASES]
    print(f"{'by hand µs':>10} {'engine':>9} {'ratio':>6} {'call':>9} {'ratio':>6}  condition")
    for row in rows:
        print(
            f"{row['by_hand_us']:>10.3f} {row['engine_us']:>9.3f} {row['ratio_engine']:>6.2f}"
            f" {row['call_us']:>9.3f} {row['ratio_call']:>6.2f}  {row['condition']}"
        )
    for side in ("engine", "call"):
        ratios = [row[f"ratio_{side}"] for row in rows]
        print(f"{side}: median {median(ratios):.2f}, worst {max(ratios):.2f} (reach: 1.30)")
    if target is not None:
        target.write_text(json.dumps({"benchmark": "condition", "rows": rows}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
