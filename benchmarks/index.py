"""Finding and evaluating few of many campaigns, beside a plain loop over all compiled conditions.

Both sides see the same scope of a ten-line order and give the same campaigns. They run interleaved in short
rounds; a figure is CPU time of one evaluation. Run it with `python -m benchmarks.index [--json FILE]`.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.condition import ENVIRONMENT, Event, Line, Order, Scope, Wallet, scopes
from guerdon.rules.expressions import BOOL, EXACT, EvaluationError, Expression, compile_expression
from guerdon.rules.index import CampaignIndex

ROUNDS = 31
REACH_US = 15.0
REACH_TIMES = 40.0


@dataclass(frozen=True)
class Campaign:
    when: Expression


def campaigns(count: int) -> list[Campaign]:
    """Make campaigns of the kinds that shops have; a few of them match an order."""
    chance = random.Random(count)
    made = []
    for number in range(count):
        forms = (
            f"order.lines.exists(l, 'category-{number}' in l.categories)",
            f"order.lines.exists(l, l.brand == 'Brand {number}' && l.net > {chance.randrange(5, 50)})",
            f"order.net >= {50 + 5 * number} && order.channel == '{chance.choice(['pos', 'web', 'app'])}'",
            f"event.data.sku == 'SKU-{number}'",
            f"metrics.yearly_spend >= {number * 20} && metrics.yearly_spend < {number * 20 + 20}",
            f"order.channel == 'app' && order.net * 2 > {number}",
        )
        source = forms[number % len(forms)]
        made.append(Campaign(compile_expression(source, ENVIRONMENT, BOOL)))
    return made


def order_of_ten_lines() -> Scope:
    """Make the scope of an order of ten lines."""
    lines = [
        Line(Decimal(12 + number), Decimal(1), f"Brand {number}", [f"category-{number}", "backpack"])
        for number in range(10)
    ]
    event = Event("order.paid", {"sku": "SKU-3"})
    order = Order(Decimal("165.00"), "web", lines)
    return Scope(
        order, {"yearly_spend": Decimal(85)}, {"points": Wallet(Decimal(100))}, event, scopes()[0].now
    )


def is_true(campaign: Campaign, scope: Any) -> bool:
    """Evaluate one condition as a step does."""
    try:
        return bool(campaign.when(scope))
    except EvaluationError:
        return False


def cost(function: Callable[[], Any], calls: int) -> float:
    """Measure CPU microseconds per call."""
    start = time.process_time_ns()
    for _ in range(calls):
        function()
    return (time.process_time_ns() - start) / 1000 / calls


def measure(count: int) -> dict[str, Any]:
    """Measure both sides for a number of campaigns."""
    every, scope = campaigns(count), order_of_ten_lines()
    index = CampaignIndex(every)

    def plain() -> list[Campaign]:
        return [one for one in every if is_true(one, scope)]

    def indexed() -> list[Campaign]:
        return [one for one in index.candidates(scope) if is_true(one, scope)]

    matching = indexed()
    assert matching == plain()
    rounds = [(cost(indexed, 200), cost(plain, max(4, 2000 // count))) for _ in range(ROUNDS)]
    return {
        "campaigns": count,
        "candidates": len(index.candidates(scope)),
        "match": len(matching),
        "indexed_us": round(median(fast for fast, _ in rounds), 2),
        "plain_us": round(median(slow for _, slow in rounds), 2),
        "times": round(median(slow / fast for fast, slow in rounds), 1),
    }


def main() -> None:
    """Print the table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    target = parser.parse_args().json
    with localcontext(EXACT):
        rows = [measure(count) for count in (10, 100, 1_000)]
    print(f"{'campaigns':>9} {'candidates':>10} {'match':>6} {'indexed µs':>11} {'plain µs':>9} {'times':>6}")
    for row in rows:
        print(
            f"{row['campaigns']:>9} {row['candidates']:>10} {row['match']:>6} {row['indexed_us']:>11.2f}"
            f" {row['plain_us']:>9.2f} {row['times']:>6.1f}"
        )
    print(f"reach at 1,000: {REACH_US:.0f} µs and {REACH_TIMES:.0f} times the plain loop")
    if target is not None:
        target.write_text(json.dumps({"benchmark": "index", "rows": rows}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
