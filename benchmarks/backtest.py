"""A backtest of the whole real year beside the lot deque alone, interleaved; CPU seconds of each part.

The backtest reads 1.47 M lines of 155,848 orders from Parquet by a mapping file and runs earning, tiers,
redemption and expiry (`tests/real/everything.yaml`). The floor (`benchmarks/floors/lot_deque.py`) reads
Parquet, sums baskets and knows one program by heart.

Run it: `python -m benchmarks.backtest [--rounds N] [--json FILE]`.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.floors import lot_deque
from guerdon.connect.imports.mapping import load_mapping, map_files
from guerdon.insight.backtest import Request, open_history, run_backtest, write_report
from tests.real.journey import tables

REAL = Path(__file__).parent.parent / "tests" / "real"
DEFINITION = REAL / "everything.yaml"
MAPPING = REAL / "journey-map.yaml"
PARTS = ("map", "index", "parse", "fold", "report")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def backtested(folder: Path) -> dict[str, Any]:
    """Run one backtest as the command line does, and give CPU seconds by part."""
    began = time.process_time()
    mapping = load_mapping(MAPPING.read_bytes(), MAPPING.name)
    files = map_files(mapping, [str(tables())], folder, None)
    mapped = time.process_time() - began
    history = open_history(files, folder)
    indexed = time.process_time() - began - mapped
    done = run_backtest(Request(DEFINITION.read_bytes(), DEFINITION.name), history)
    written = time.process_time()
    write_report(folder / "out", [done])
    spent = done.timings
    report = spent.report + time.process_time() - written
    seconds = {"map": mapped, "index": indexed, "parse": spent.parse, "fold": spent.fold, "report": report}
    return {"seconds": seconds, "report": done.report}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    gc.set_threshold(100_000, 50, 100)
    rounds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="guerdon-bench-") as name:
            folder = Path(name)
            floor, found = timed(lot_deque.run)
            whole, done = timed(lambda: backtested(folder))  # noqa: B023 - called at once
        points = done["report"]["wallets"]["points"]
        figures = tuple(int(points[key]) for key in ("issued", "spent", "expired", "outstanding"))
        assert figures == tuple(found), "both sides answer the same question"
        rounds.append({"floor": floor, "backtest": whole, **done["seconds"]})
    middle = {key: median(one[key] for one in rounds) for key in rounds[0]}
    ratio = median(one["backtest"] / one["floor"] for one in rounds)
    print("a year of 155,848 orders, 1,469,307 lines: CPU seconds, median of", len(rounds), "rounds")
    print(f"{'lot deque over summed baskets':<34}{middle['floor']:8.2f}")
    print(f"{'backtest (reach: 25)':<34}{middle['backtest']:8.2f}   {ratio:.1f} x the floor")
    for part in PARTS:
        print(f"{'  ' + part:<34}{middle[part]:8.2f}")
    if options.json is not None:
        said = {"rounds": rounds, "median": middle, "ratio": ratio}
        options.json.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
