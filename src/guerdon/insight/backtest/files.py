"""The files that a backtest leaves: report.json, accounts.csv and the first rejected lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.insight.backtest.run import Backtest, Reject
from guerdon.rules.report import account_rows

REJECTS_SHOWN: Final = 100
SECOND: Final = "second"

_COLUMNS: Final = ("account", "wallet", "issued", "spent", "expired", "outstanding")


def write_report(folder: Path, backtest: Backtest, extra: dict[str, Any] | None = None) -> None:
    """Write a backtest's files.

    Args:
        folder: made where it is missing; files of an earlier backtest are replaced.
        backtest: what came of it.
        extra: more to stand in report.json, such as a comparison.

    Raises:
        Problem: `report_not_written`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        report = json.dumps({**backtest.report, **(extra or {})}, indent=2, ensure_ascii=False)
        (folder / "report.json").write_text(report + "\n", encoding="utf-8")
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
