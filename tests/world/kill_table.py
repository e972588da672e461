"""The table of kills: a line for each in a file, and sums by kind."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Row:
    """One kill."""

    kind: str
    engines: int
    """Processes on the database at the time."""
    in_flight: int
    carts: int
    """How many of these were about checkouts and returns."""
    lost: int
    doubled: int
    torn: int
    seconds: float
    """From the kill until the engine was ready again."""
    is_cold: bool = True
    """Whether what was killed started from nothing, so that its time counts."""


@dataclass
class Report:
    rows: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def keep(file: Path, rows: Iterable[Row], seed: int) -> None:
    """Add kills to a file of many runs, at once: a run may be ended at any time.

    Args:
        file: JSON, one kill a line.
        rows: the kills.
        seed: of their siege.
    """
    with file.open("a", encoding="utf-8") as kept:
        kept.writelines(json.dumps({"seed": seed, **asdict(row)}) + "\n" for row in rows)


def load_kept(files: Iterable[Path]) -> Report:
    """Read what several runs kept.

    Args:
        files: written by `keep`.

    Returns:
        All their kills.
    """
    report = Report()
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            kept = json.loads(line)
            del kept["seed"]
            report.rows.append(Row(**kept))
    return report


def report_kills(report: Report) -> str:
    """Write the table.

    Args:
        report: of `run_kills`.

    Returns:
        A line for each kind, and the faults.
    """
    lines = ["kind             times  in flight    carts     lost  doubled  torn  seconds: median, most"]
    for kind, engines in dict.fromkeys((row.kind, row.engines) for row in report.rows):
        rows = [row for row in report.rows if (row.kind, row.engines) == (kind, engines)]
        flying = f"{min(row.in_flight for row in rows)}–{max(row.in_flight for row in rows)}"
        carts = f"{min(row.carts for row in rows)}–{max(row.carts for row in rows)}"
        sums = [sum(getattr(row, name) for row in rows) for name in ("lost", "doubled", "torn")]
        seconds = [row.seconds for row in rows if row.is_cold] or [0.0]
        counts = f"{sums[0]:9}{sums[1]:9}{sums[2]:6}"
        name = kind if engines == 1 else f"{kind} of {engines}"
        times = f"{statistics.median(seconds):10.1f}{max(seconds):8.1f}"
        lines.append(f"{name:15}{len(rows):7}{flying:>11}{carts:>9}{counts}{times}")
    in_all = [sum(getattr(row, name) for row in report.rows) for name in ("lost", "doubled", "torn")]
    lines.append(f"{'all':15}{len(report.rows):7}{'':20}{in_all[0]:9}{in_all[1]:9}{in_all[2]:6}")
    return "\n".join([*lines, *report.faults[:20]])
