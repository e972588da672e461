"""Expressions that try to do much work: CPU time until each is refused or ended; 0.2 s are allowed.

Run it with `python -m benchmarks.hostile [--json FILE]`; it fails when one takes longer.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from guerdon.rules.expressions import EvaluationError, ExpressionError, compile_expression
from tests.rules.expressions.hostile import LISTS, SOURCES, WORK, roots

CEILING = 0.2
"""Seconds of CPU that compiling and evaluating may take together."""
ROUNDS = 3


def ended(source: str, items: list[Decimal]) -> tuple[float, str]:
    """Compile and evaluate one expression.

    Args:
        source: its text.
        items: the list that it goes through.

    Returns:
        Seconds of CPU, and the value or the code of the error in which it ended.
    """
    scope = roots(items)
    start = time.process_time()
    try:
        answer = str(compile_expression(source, LISTS).evaluate_alone(scope))
    except (EvaluationError, ExpressionError) as error:
        answer = error.code
    return time.process_time() - start, answer


def main() -> int:
    """Print the table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    target = parser.parse_args().json
    compile_expression("1 + 1", LISTS)
    rows: list[dict[str, Any]] = []
    for source, items in [*((one, two) for one, two, _ in WORK), *((one, []) for one, _ in SOURCES)]:
        spent, answer = min(ended(source, items) for _ in range(ROUNDS))
        rows.append({"source": source[:80], "items": len(items), "answer": answer, "cpu_s": round(spent, 4)})
    rows.sort(key=lambda row: -row["cpu_s"])
    for row in rows:
        print(f"{row['cpu_s'] * 1000:>8.1f} ms {row['items']:>7} items  {row['answer']:<16} {row['source']}")
    worst = rows[0]["cpu_s"]
    print(f"worst {worst * 1000:.0f} ms of CPU (may be {CEILING * 1000:.0f} ms)")
    if target is not None:
        target.write_text(json.dumps({"benchmark": "hostile", "rows": rows}, indent=2) + "\n", "utf-8")
    return 0 if worst < CEILING else 1


if __name__ == "__main__":
    sys.exit(main())
