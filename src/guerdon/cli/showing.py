"""What people see of the command line: tables on the standard output, progress and errors beside it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from guerdon.base.errors import Problem

_FAULTS_SHOWN = 20
_WIDTH_OF_PIPES = 240


def show_error(problem: Problem) -> None:
    """Print a refusal with its code and its wrong places."""
    console_of_errors().print(
        f"error: {problem.detail} [{problem.code}]", markup=False, highlight=False, soft_wrap=True
    )
    faults = [fault for fault in problem.faults if fault.detail != problem.detail]
    for fault in faults[:_FAULTS_SHOWN]:
        line = f"  {fault.pointer or '/'}: {fault.detail} [{fault.code}]"
        console_of_errors().print(line, markup=False, highlight=False, soft_wrap=True)


def show_note(text: str) -> None:
    """Print a sentence beside the result."""
    console_of_errors().print(text, markup=False, highlight=False, soft_wrap=True)


def counted(number: int, noun: str) -> str:
    """Say how many there are of something, such as `1 event` or `1,200 events`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def show_json(value: Any) -> None:
    """Print a result for programs."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print a result for people; figures stand to the right."""
    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        numeric = any(row[place] for row in rows) and all(_is_figure(row[place]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else _WIDTH_OF_PIPES
    console = Console(width=width)
    if title:
        console.print(title, style="bold", markup=False, highlight=False, soft_wrap=True)
    console.print(table, markup=False)


def _is_figure(text: str) -> bool:
    return not text.strip("+-") or text.strip("+-").replace(".", "").replace(",", "").isdigit()


@contextmanager
def told_bytes(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many bytes were gone through; nothing is drawn where nobody looks."""
    console = console_of_errors()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


def read_document(name: str) -> bytes:
    """Read a definition's file."""
    try:
        return Path(name).read_bytes()
    except FileNotFoundError:
        raise Problem("file_not_found", f"there is no file {name}") from None
    except OSError as error:
        raise Problem("file_unreadable", f"{name} cannot be read: {error.strerror}") from None


def console_of_errors() -> Console:
    """Open the standard error as it is at this moment."""
    return Console(stderr=True)
