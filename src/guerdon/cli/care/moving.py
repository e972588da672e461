"""`guerdon retention move`: months that are in checked files leave the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from guerdon.cli.care.months import Books, all_books, check_same, past_date
from guerdon.cli.opening import opened_house
from guerdon.cli.options import Data, Json, takes
from guerdon.cli.showing import counted, show_json, show_note
from guerdon.ledger.archives import (
    ROWS_AT_ONCE,
    ArchivedMonth,
    Recorded,
    check_told,
    count_recorded,
    file_hash,
    move_some,
    next_accounts,
    note_moved,
    record_archive,
)
from guerdon.ledger.log import Signed


@dataclass(frozen=True, slots=True)
class MoveOptions:
    """What the command takes."""

    before: Annotated[
        str, typer.Option(metavar="DATE", help="Months that ended by then, UTC.", show_default=False)
    ]
    to: Annotated[str, typer.Option(metavar="DIR", help="Where the files are, or go.", show_default=False)]
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which months would move.")] = False
    data: Data = None
    json: Json = False


class _Month(NamedTuple):
    """A month of a journal that is to move, or began to."""

    name: str
    there: ArchivedMonth | None
    """What of it is in the journal."""
    recorded: Recorded | None


@takes(MoveOptions)
def move_months(options: MoveOptions) -> int:
    """Move old months of each program's journal out of the database, into files that prove themselves.

    A month's file is written, or checked where it is there already, and held against the journal row by row.
    Then its hash is recorded, and what the file covers leaves the journal, a few thousand rows at a time
    beside a running engine. Sums, hashes and decisions stay, so balances, statements, returns and proofs are
    answered as before. Keep the files: `guerdon verify --archives DIR` reads them, and so does
    `guerdon retention restore`. It can be stopped at any moment, and run again.
    """
    before, target = past_date(options.before, datetime.now(UTC)), Path(options.to)
    done: list[dict[str, object]] = []
    with opened_house(options.data, made=False) as house:
        for books in all_books(house, target):
            for said in _move(books, before, dry_run=options.dry_run):
                done.append(said)
                if not options.json:
                    show_note(f"{said['file']}: {said['words']}")
    if options.json:
        show_json([{key: value for key, value in said.items() if key != "words"} for said in done])
    elif not done:
        show_note(f"nothing that was booked in months that ended by {options.before} is left to move")
    return 0


def _move(books: Books, before: datetime, *, dry_run: bool) -> list[dict[str, object]]:
    months = _months(books, before)
    if not months:
        return []
    if dry_run:
        return [_said(books, one, "would move") for one in months]
    signed = books.signed()
    with books.one_look() as tx:
        ends = [one.there.ends for one in months if one.there is not None]
        check_told(tx, books.program_id, max(ends, default=before))
    states = _recorded(books, signed, months)
    left = _emptied(books)
    with books.as_owner() as tx:
        note_moved(tx, books.program_id, datetime.now(UTC))
    told = [_said(books, one, state) for one, state in zip(months, states, strict=True)]
    words = f"{counted(left, 'transaction')} left the journal"
    return [*told, {"file": str(books.folder), "transactions": left, "state": "left", "words": words}]


def _months(books: Books, before: datetime) -> list[_Month]:
    """List what is to move: closed months, and those that began to."""
    there = {one.name: one for one in books.closed(before)}
    recorded = books.recorded()
    begun = [name for name, one in recorded.items() if one.moved_at is None]
    months = [_Month(name, there.get(name), recorded.get(name)) for name in sorted({*there, *begun})]
    return [one for one in months if one.recorded is None or one.recorded.moved_at is None]


def _recorded(books: Books, signed: Signed, months: list[_Month]) -> list[str]:
    """Make sure of each month's file, and record it."""
    states = []
    for one in months:
        path = books.path_of(one.name)
        if one.recorded is not None and _has_begun(books, one.recorded):
            check_same(path, one.recorded)
            books.check(one.name)
            states.append("checked, recorded before")
            continue
        assert one.there is not None, "a month of which nothing moved is in the journal"
        digest = file_hash(path) if path.exists() else None
        state = books.written(signed, one.there)
        with books.as_owner() as tx:
            file = (path, digest or file_hash(path))
            record_archive(tx, books.program_id, one.there, file, datetime.now(UTC))
        states.append(f"{state}, recorded")
    return states


def _has_begun(books: Books, recorded: Recorded) -> bool:
    with books.one_look() as tx:
        return count_recorded(tx, books.program_id, recorded) < recorded.transactions


def _emptied(books: Books) -> int:
    """Let go of what recorded months cover, each step in a transaction of its own."""
    left = after = 0
    while True:
        with books.one_look() as tx:
            accounts = next_accounts(tx, books.program_id, after)
        if not accounts:
            return left
        while True:
            with books.as_owner() as tx:
                count = move_some(tx, books.program_id, accounts)
            left += count
            if count < ROWS_AT_ONCE:
                break
        after = accounts[-1]


def _said(books: Books, month: _Month, state: str) -> dict[str, object]:
    count = month.there.transactions if month.there is not None else 0
    path = books.path_of(month.name)
    words = f"{counted(count, 'transaction')}, {state}"
    return {"file": str(path), "transactions": count, "state": state, "words": words}
