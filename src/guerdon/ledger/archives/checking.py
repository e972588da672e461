"""Checking an archive: with the file and the log's public keys alone, or against the journal as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.infra.columnfiles import open_columns
from guerdon.infra.tx import Tx
from guerdon.ledger.archives.about import About, about_of
from guerdon.ledger.archives.months import COLUMNS, ArchivedMonth, month_rows
from guerdon.ledger.log import Signed
from guerdon.rules.proofs.notes import NoteKey, read_unsigned
from guerdon.rules.proofs.statement import FORM, Line, ProofFile, check_proof

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_BOOKED_AT, _LEAF, _POSITION, _PATH = 6, -3, -2, -1


def check_archive(path: Path, keys: Sequence[NoteKey]) -> int:
    """Check that every row of an archive is in the log whose head it carries, and says what was hashed.

    Args:
        path: the file.
        keys: public keys of the log that are trusted.

    Returns:
        How many rows it has.

    Raises:
        Problem: `archive_unknown`, `file_not_found`, `file_broken`, `checkpoint_invalid`,
            `checkpoint_not_signed`, or `archive_differs` naming the first row that does not fit.
    """
    file = open_columns(path, COLUMNS)
    about = about_of(file.about, path)
    last, count = (0, 0), 0
    for rows in file.batches():
        _check_rows(path, count, rows, _proved(path, count, rows, about, keys))
        for place, row in enumerate(rows, count + 1):
            if tuple(row[:2]) <= last:
                raise _differs(path, place, row, "it stands after one that comes later, or twice")
            if f"{row[_BOOKED_AT]:%Y-%m}" != about.month:
                raise _differs(path, place, row, f"it was not booked in {about.month}")
            last = (row[0], row[1])
        count += len(rows)
    if not count:
        raise Problem("archive_differs", f"{path} is empty, and no month is that has an archive")
    return count


def compare_archive(tx: Tx, program_id: int, path: Path) -> int:
    """Hold an archive against the journal, row by row, every column.

    Args:
        tx: bound to the tenant, repeatable read.
        program_id: whose journal.
        path: the file; `check_archive` was content with it.

    Returns:
        How many rows both have.

    Raises:
        Problem: `archive_differs` naming the first row that one of them has otherwise, or not at all.
    """
    file = open_columns(path, COLUMNS)
    about = about_of(file.about, path)
    head = read_unsigned(about.checkpoint)
    begins = datetime.strptime(about.month, "%Y-%m").replace(tzinfo=UTC)
    month = ArchivedMonth(begins.date(), file.count)
    signed = Signed(head.size, about.checkpoint, begins)
    mine = chain.from_iterable(file.batches())
    live = chain.from_iterable(month_rows(tx, program_id, signed, month))
    count = 0
    for count, (row, stored) in enumerate(zip_longest(mine, live), 1):
        if row is None:
            raise _differs(path, count, stored, "it is in the journal and not in the file")
        if stored is None:
            raise _differs(path, count, row, "it is in the file and not in the journal")
        wrong = [one.name for one, a, b in zip(COLUMNS, row, stored, strict=True) if a != b]
        if wrong:
            raise _differs(path, count, row, f"the journal says otherwise in {', '.join(wrong)}")
    return count


def read_rows(path: Path) -> Iterator[tuple[Any, ...]]:
    """Read an archive row by row.

    Args:
        path: the file.

    Yields:
        Rows as `COLUMNS` names them, without the path to the root.

    Raises:
        Problem: `file_not_found`, `file_broken`.
    """
    for rows in open_columns(path, COLUMNS).batches():
        for row in rows:
            yield row[:_PATH]


def _proved(
    path: Path, before: int, rows: Sequence[tuple[Any, ...]], about: About, keys: Sequence[NoteKey]
) -> Iterator[tuple[Any, ...]]:
    """Let the very code that checks a member's proof check them all at once."""
    lines = tuple(Line(row[_LEAF], row[_POSITION], tuple(step.hex() for step in row[_PATH])) for row in rows)
    try:
        checked = check_proof(msgspec.json.encode(ProofFile(FORM, about.checkpoint, lines)), keys)
    except Problem as problem:
        place = problem.faults[0].pointer.split("/")[2:3] if problem.faults else []
        if problem.code != "proof_fails" or not place:
            raise
        row = int(place[0])
        raise _differs(path, before + row + 1, rows[row], "it is not in the log that was signed") from None
    if checked.checkpoint.origin != about.log:
        raise Problem("archive_unknown", f"{path} carries the head of another log")
    for one in checked.lines:
        yield (one.seq, one.kind, one.wallet, one.effective_at, one.amount)


def _check_rows(
    path: Path, before: int, rows: Sequence[tuple[Any, ...]], proved: Iterator[tuple[Any, ...]]
) -> None:
    for place, (row, leaf) in enumerate(zip(rows, proved, strict=True), before + 1):
        _, seq, _, kind, wallet, effective_at, booked_at, amount, *_ = row
        said = (seq, kind, wallet, (effective_at - _EPOCH) // _MICROSECOND, amount)
        booked = msgspec.json.decode(row[_LEAF])[6]
        if said != leaf or (booked_at - _EPOCH) // _MICROSECOND != booked:
            raise _differs(path, place, row, "its columns do not say what was hashed")


def _differs(path: Path, place: int, row: Sequence[Any], why: str) -> Problem:
    return Problem("archive_differs", f"{path}, row {place} (account {row[0]}, number {row[1]}): {why}")
