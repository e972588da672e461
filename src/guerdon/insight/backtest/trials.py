"""Backtests that people asked for: waiting, running, and what came of them, with the files that are kept."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from psycopg.types.json import Jsonb

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx

LEASE: Final = timedelta(seconds=30)
"""How long a backtest counts as alive after the process that has it was last heard of."""
KEPT: Final = 30
"""Backtests that are kept for each program; older ones go with their files."""
State = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
Source = Literal["stored", "file"]
OPEN: Final = frozenset({"waiting", "running"})
_PREFIX: Final = "bt"
# Whoever had it is gone: nothing has to be written for that to be seen.
_STATE: Final = """case when state in ('waiting', 'running') and leased_until < %(now)s then 'interrupted'
    else state end"""
_COLUMNS: Final = f"""backtest_id, program_id, {_STATE}, source, file_name, titles, asked_by, asked_at,
    begun_at, ended_at, stop_asked, part, done, total, problem_code, problem_detail, figures"""
_SELECT: Final = f"select {_COLUMNS} from backtests"  # noqa: S608 - columns of ours
_INSERT: Final = """
insert into backtests (backtest_id, program_id, once, state, source, file_name, titles, texts, asked_by,
    asked_at, leased_until)
values (%s, %s, %s, 'waiting', %s, %s, %s, %s, %s, %s, %s)
on conflict (tenant_id, program_id, once) do nothing
"""
_HEARD: Final = """
update backtests set leased_until = %(until)s, state = case when %(part)s = '' then state else 'running' end,
    begun_at = case when %(part)s = '' then begun_at else coalesce(begun_at, %(now)s) end,
    part = %(part)s, done = %(done)s, total = %(total)s
where backtest_id = %(backtest)s and state in ('waiting', 'running')
returning stop_asked
"""
_END: Final = """
update backtests set state = %s, ended_at = %s, problem_code = %s, problem_detail = %s, figures = %s
where backtest_id = %s and state in ('waiting', 'running')
"""
_OLD: Final = """
select backtest_id from backtests
where program_id = %s and (state not in ('waiting', 'running') or leased_until < %s)
order by backtest_id desc offset %s
"""


class NewTrial(NamedTuple):
    """A backtest that somebody asks for."""

    backtest_id: int
    program_id: int
    once: str
    """The form's own word: sent twice, it asks once."""
    source: Source
    file_name: str
    titles: Sequence[str]
    texts: Sequence[str]
    """One definition, or two to be compared, the one that is compared with first."""
    asked_by: str
    now: datetime


class Trial(NamedTuple):
    """A backtest as it stands."""

    backtest_id: int
    program_id: int
    state: State
    source: Source
    file_name: str
    titles: Sequence[str]
    asked_by: str
    asked_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    stop_asked: bool
    part: str
    """What it is at: a word such as `reading`, empty before it begins."""
    done: int
    total: int
    """0 where it is not known."""
    problem_code: str
    problem_detail: str
    figures: Mapping[str, Any]
    """The report's first figures, once it is done."""

    @property
    def shown_id(self) -> str:
        """The id as people see it."""
        return number_text(_PREFIX, self.backtest_id)

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return self.state in OPEN


class Progress(NamedTuple):
    """How far a backtest has come."""

    part: str = ""
    done: int = 0
    total: int = 0


class Ending(NamedTuple):
    """What came of a backtest."""

    state: Literal["done", "failed", "cancelled"]
    problem: Problem | None = None
    figures: Mapping[str, Any] = {}
    files: Mapping[str, bytes] = {}


def parse_id(text: str) -> int:
    """Read a backtest's id as people see it.

    Args:
        text: what was typed.

    Returns:
        The id.

    Raises:
        Problem: `backtest_not_found`.
    """
    number = parse_number(_PREFIX, text)
    if number is None:
        raise Problem("backtest_not_found", "There is no such backtest.")
    return number


def add_trial(tx: Tx, new: NewTrial) -> tuple[int, bool]:
    """Store that somebody asks for a backtest, and let the oldest of the program go.

    Args:
        tx: bound to the tenant.
        new: what is asked.

    Returns:
        The backtest's id, and whether it is new: False where this form was sent before.
    """
    values = (new.source, new.file_name, list(new.titles), list(new.texts), new.asked_by, new.now)
    made = tx.execute(_INSERT, (new.backtest_id, new.program_id, new.once, *values, new.now + LEASE)).rowcount
    if made:
        old = [row[0] for row in tx.execute(_OLD, (new.program_id, new.now, KEPT))]
        _forget(tx, old)
        return new.backtest_id, True
    statement = "select backtest_id from backtests where program_id = %s and once = %s"
    row = tx.execute(statement, (new.program_id, new.once)).fetchone()
    assert row is not None
    return int(row[0]), False


def list_trials(tx: Tx, program_id: int, now: datetime) -> list[Trial]:
    """List a program's backtests, newest first.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        now: tells which were interrupted.

    Returns:
        All that are kept.
    """
    statement = f"{_SELECT} where program_id = %(program)s order by backtest_id desc"
    return [Trial(*row) for row in tx.execute(statement, {"program": program_id, "now": now})]


def get_trial(tx: Tx, program_id: int, backtest_id: int, now: datetime) -> Trial:
    """Give one backtest.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        backtest_id: which.
        now: tells whether it was interrupted.

    Returns:
        The backtest.

    Raises:
        Problem: `backtest_not_found`.
    """
    statement = f"{_SELECT} where program_id = %(program)s and backtest_id = %(backtest)s"
    values = {"program": program_id, "backtest": backtest_id, "now": now}
    row = tx.execute(statement, values).fetchone()
    if row is None:
        raise Problem("backtest_not_found", "There is no such backtest.")
    return Trial(*row)


def note_progress(tx: Tx, backtest_id: int, progress: Progress, now: datetime) -> bool:
    """Say that a backtest is alive, and how far it has come.

    Args:
        tx: bound to the tenant.
        backtest_id: which.
        progress: how far; without a part it still waits.
        now: the instant.

    Returns:
        Whether it should go on: False where somebody wants it stopped, or it was deleted.
    """
    values = {"backtest": backtest_id, "now": now, "until": now + LEASE, **progress._asdict()}
    row = tx.execute(_HEARD, values).fetchone()
    return row is not None and not row[0]


def end_trial(tx: Tx, backtest_id: int, ending: Ending, now: datetime) -> None:
    """Write down what came of a backtest.

    Args:
        tx: bound to the tenant.
        backtest_id: which.
        ending: what came of it, with the files to keep.
        now: when.
    """
    problem = ending.problem
    said = (problem.code, problem.detail[:2000]) if problem is not None else ("", "")
    values = (ending.state, now, *said, Jsonb(dict(ending.figures)), backtest_id)
    if not tx.execute(_END, values).rowcount:
        return
    for name, body in ending.files.items():
        tx.execute(
            "insert into backtest_files (backtest_id, name, size, body) values (%s, %s, %s, %s)",
            (backtest_id, name, len(body), zlib.compress(body)),
        )


def ask_stop(tx: Tx, program_id: int, backtest_id: int) -> None:
    """Ask whoever runs a backtest to stop it.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        backtest_id: which.
    """
    tx.execute(
        "update backtests set stop_asked = true where program_id = %s and backtest_id = %s"
        " and state in ('waiting', 'running')",
        (program_id, backtest_id),
    )


def remove_trial(tx: Tx, program_id: int, backtest_id: int, now: datetime) -> None:
    """Delete a backtest that is over, with its files.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        backtest_id: which.
        now: tells whether it was interrupted.

    Raises:
        Problem: `backtest_not_found`, or `backtest_under_way`.
    """
    if get_trial(tx, program_id, backtest_id, now).is_open:
        raise Problem("backtest_under_way", "This backtest is under way. Stop it first.")
    _forget(tx, [backtest_id])


def list_files(tx: Tx, backtest_id: int) -> list[tuple[str, int]]:
    """List the files that a backtest left.

    Args:
        tx: bound to the tenant.
        backtest_id: which.

    Returns:
        Names and sizes in bytes, by name.
    """
    statement = "select name, size from backtest_files where backtest_id = %s order by name"
    return [(row[0], row[1]) for row in tx.execute(statement, (backtest_id,))]


def load_file(tx: Tx, backtest_id: int, name: str) -> bytes:
    """Load a file that a backtest left.

    Args:
        tx: bound to the tenant.
        backtest_id: which.
        name: of the file.

    Returns:
        Its bytes.

    Raises:
        Problem: `backtest_file_not_found`.
    """
    statement = "select body from backtest_files where backtest_id = %s and name = %s"
    row = tx.execute(statement, (backtest_id, name)).fetchone()
    if row is None:
        raise Problem("backtest_file_not_found", "This backtest left no such file.")
    return zlib.decompress(row[0])


def load_texts(tx: Tx, program_id: int, backtest_id: int) -> list[str]:
    """Load the definitions that a backtest tried.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        backtest_id: which.

    Returns:
        One text or two.

    Raises:
        Problem: `backtest_not_found`.
    """
    statement = "select texts from backtests where program_id = %s and backtest_id = %s"
    row = tx.execute(statement, (program_id, backtest_id)).fetchone()
    if row is None:
        raise Problem("backtest_not_found", "There is no such backtest.")
    return list(row[0])


def _forget(tx: Tx, backtest_ids: Sequence[int]) -> None:
    tx.execute("delete from backtest_files where backtest_id = any(%s::bigint[])", (list(backtest_ids),))
    tx.execute("delete from backtests where backtest_id = any(%s::bigint[])", (list(backtest_ids),))
