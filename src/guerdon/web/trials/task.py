"""What the process of one backtest is told, does, and says while it does it."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.connect.imports.mapping import load_mapping, map_files
from guerdon.infra.db import Database
from guerdon.infra.linefiles import LineFile
from guerdon.insight.backtest import Backtest, History, Request, open_history, run_backtest, write_report
from guerdon.insight.backtest.stored import NAME, Written, count_events, look_once, write_events
from guerdon.rules.definition import DefinitionError

_SAY_EVERY: Final = 0.25
_REPORT: Final = "report"


class Task(msgspec.Struct, frozen=True):
    """One backtest."""

    folder: str
    """A folder of its own, in which the process runs; what comes of it is in `report`."""
    titles: Sequence[str]
    texts: Sequence[str]
    conninfo: str = ""
    """Of the database, for the stored history; it may hold a password."""
    tenant_id: int = 0
    program_id: int = 0
    file: str = ""
    """A file's name in the folder, for any other history."""
    mapping: str = ""
    """How the file's rows become events; empty where its lines are events."""
    until: datetime | None = None

    @property
    def report(self) -> Path:
        """Where the report's files are."""
        return Path(self.folder) / _REPORT


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the process says of itself, a line each."""

    part: str = ""
    done: int = 0
    total: int = 0
    problem: str = ""
    detail: str = ""
    figures: dict[str, Any] = {}


Say = Callable[[Word], None]


class _Told:
    """Says every now and then how far a part has come."""

    def __init__(self, say: Say, part: str, total: int) -> None:
        self._say, self._part, self._total = say, part, total
        self._done, self._said = 0, 0.0
        self(0)

    def __call__(self, more: int) -> None:
        self._done += more
        if time.monotonic() - self._said >= _SAY_EVERY:
            self._said = time.monotonic()
            self._say(Word(self._part, min(self._done, self._total) if self._total else 0, self._total))


def main() -> int:
    """Do the task that the first line of the standard input tells; end when that input does.

    Returns:
        Exit code: 0 where the report was written.
    """
    task = msgspec.json.decode(sys.stdin.readline(), type=Task)
    # Whoever began this process holds the other end: without them nobody waits for the result.
    threading.Thread(target=_end_with_input, args=(task.folder,), daemon=True).start()
    try:
        _say(Word("done", figures=run_task(task, _say)))
    except DefinitionError as error:
        _say(Word(problem="invalid_definition", detail=error.detail))
        return 1
    except Problem as problem:
        _say(Word(problem=problem.code, detail=problem.detail))
        return 1
    return 0


def run_task(task: Task, say: Say) -> dict[str, Any]:
    """Run a backtest and write its report.

    Args:
        task: what is to be tried on what.
        say: hears how far it has come.

    Returns:
        The first figures of each definition's report.

    Raises:
        Problem: whatever keeps it from being done.
    """
    # Nearly all that is made here lives long or dies at once: looking for circles costs more than it finds.
    gc.set_threshold(100_000, 50, 100)
    folder = Path(task.folder)
    sources, own = _sources(task, folder, say)
    total = sum(one.size if isinstance(one, LineFile) else Path(one).stat().st_size for one in sources)
    history = open_history(sources, folder, _Told(say, "sorting", total))
    done = [_run(task, place, history, own, say) for place in range(len(task.texts))]
    say(Word("writing"))
    write_report(task.report, done, task.titles)
    return {"sides": [_figures(one) for one in done], "unreadable": own.unreadable if own is not None else 0}


def _sources(task: Task, folder: Path, say: Say) -> tuple[Sequence[str | LineFile], Written | None]:
    if not task.file:
        return _stored(task, folder, say)
    if not task.mapping.strip():
        return [task.file], None
    mapping = load_mapping(task.mapping.encode(), "the mapping")
    told = _Told(say, "mapping", Path(task.file).stat().st_size)
    return map_files(mapping, [task.file], folder, told), None


def _stored(task: Task, folder: Path, say: Say) -> tuple[Sequence[LineFile], Written]:
    path = folder / "stored.ndjson"
    with (
        closing(Database(task.conninfo, pool_size=1)) as database,
        database.transaction(task.tenant_id) as tx,
    ):
        look_once(tx)
        total = count_events(tx, task.program_id)
        written = write_events(tx, task.program_id, path, _Told(say, "reading", total))
    if not written.events:
        raise Problem("no_events", "Nothing has happened in this program yet. Try a file of past orders.")
    return [LineFile(NAME, path, path.stat().st_size)], written


def _run(task: Task, place: int, history: History, own: Written | None, say: Say) -> Backtest:
    part = "running" if place == 0 else "comparing"
    request = Request(
        task.texts[place].encode(),
        task.titles[place],
        task.until,
        people=own.people if own is not None else None,
    )
    return run_backtest(request, history, _Told(say, part, history.lines.size))


def _figures(done: Backtest) -> dict[str, Any]:
    report = done.report
    names = ("events", "accounts", "orders", "revenue", "currency", "until", "rejected", "duplicates")
    wallets = {
        key: {name: wallet[name] for name in ("issued", "spent", "expired", "outstanding")}
        for key, wallet in report["wallets"].items()
    }
    return {**{name: report[name] for name in names}, "wallets": wallets}


def _say(word: Word) -> None:
    sys.stdout.write(json.dumps(msgspec.to_builtins(word)) + "\n")
    sys.stdout.flush()


def _end_with_input(folder: str) -> None:
    sys.stdin.read()
    # Nobody is left who would remove it, and people's orders may be in it.
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(3)
