"""The files that a backtest leaves: report.json, report.html, accounts.csv and the first rejected lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.insight.backtest.page import render_page
from guerdon.insight.backtest.run import Backtest, Reject
from guerdon.rules.comparison import Side, compare
from guerdon.rules.report import account_rows

REJECTS_SHOWN: Final = 100
SECOND: Final = "second"

_COLUMNS: Final = ("account", "wallet", "issued", "spent", "expired", "outstanding")


def write_report(folder: Path, done: Sequence[Backtest], names: Sequence[str] = ("first", "second")) -> None:
    """Write a backtest's files, and where there are two, those of the second in a folder of its own.

    Args:
        folder: made where it is missing; files of an earlier backtest are replaced.
        done: one backtest, or two of the same history to be compared.
        names: what the definitions are called.

    Raises:
        Problem: `report_not_written`.
    """
    report, second = done[0].report, None
    if len(done) > 1:
        second = done[1].report
        sides = [Side(one.program, one.tally) for one in done]
        report = {**report, "comparison": compare(*sides)}
        _write(folder / SECOND, done[1], second, render_page(second))
    _write(folder, done[0], report, render_page(report, second, names))


def _write(folder: Path, backtest: Backtest, report: dict[str, Any], page: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(report, indent=2, ensure_ascii=False)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")
        (folder / "report.html").write_text(page, encoding="utf-8")
        with (folder / "accounts.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(_COLUMNS)
            rows.writerows(account_rows(backtest.program, backtest.tally))
        _write_rejects(folder / "rejects.ndjson", backtest.rejects[:REJECTS_SHOWN])
    except OSError as error:
        raise Problem("report_not_written", f"{folder} cannot be written: {error.strerror}") from None


def reject_view(reject: Reject) -> dict[str, Any]:
    """Show a rejected line as JSON.

    Args:
        reject: the line and why.

    Returns:
        File, line, code, detail and the wrong places.
    """
    errors = [{"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in reject.errors]
    return {
        "file": reject.file,
        "line": reject.line,
        "code": reject.code,
        "detail": reject.detail,
        "errors": errors,
    }


def _write_rejects(path: Path, rejects: Iterable[Reject]) -> None:
    lines = [msgspec.json.encode(reject_view(one)) + b"\n" for one in rejects]
    if lines:
        path.write_bytes(b"".join(lines))
    else:
        path.unlink(missing_ok=True)
