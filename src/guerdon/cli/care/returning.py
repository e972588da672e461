"""`guerdon retention restore` and `guerdon retention proof`: what moved, back again or by itself."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from guerdon.base.errors import Problem
from guerdon.cli.care.months import Books, all_books, check_same
from guerdon.cli.opening import opened_house
from guerdon.cli.options import Data, Json, takes
from guerdon.cli.showing import counted, show_json, show_note
from guerdon.ledger.archives import (
    ROWS_AT_ONCE,
    bring_back,
    forget_months,
    parcels,
    prove_archived,
    read_rows,
)


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What the command takes."""

    source: Annotated[
        str, typer.Option("--from", metavar="DIR", help="Where the files are.", show_default=False)
    ]
    since: Annotated[
        str,
        typer.Option(metavar="MONTH", help="The first month that comes back, such as 2025-03."),
    ] = "0001-01"
    data: Data = None
    json: Json = False


@takes(RestoreOptions)
def restore_months(options: RestoreOptions) -> int:
    """Bring months that moved back into the database, out of their files.

    All of them, or those since a month: what is later than a month in the journal is there as well. Each file
    must be the one that was recorded, and each row the transaction that the log has. It can be stopped at any
    moment, and run again.
    """
    since = _month(options.since)
    done: dict[str, int] = {}
    with opened_house(options.data, made=False) as house:
        for books in all_books(house, Path(options.source)):
            months = [one for one in books.recorded().values() if one.month >= since]
            for month in months:
                check_same(books.path_of(month.name), month)
                books.check(month.name)
            if months:
                done[str(books.folder)] = _restore(books, [one.name for one in months], since)
    if options.json:
        show_json(done)
    else:
        for folder, count in done.items():
            show_note(f"{folder}: {counted(count, 'transaction')} came back into the journal")
        if not done:
            show_note("nothing that moved is there to come back")
    return 0


def _restore(books: Books, names: list[str], since: date) -> int:
    files = [read_rows(books.path_of(name)) for name in names]
    rows: Iterator[tuple[Any, ...]] = heapq.merge(*files, key=lambda row: row[:2])
    count = 0
    for parcel in parcels(rows, ROWS_AT_ONCE):
        with books.as_owner() as tx:
            count += bring_back(tx, books.program_id, parcel)
    with books.as_owner() as tx:
        forget_months(tx, books.program_id, since)
    return count


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise Problem("date_invalid", f"--since is a month such as 2025-03, not {text!r}") from None


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """What the command takes."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="The archive.", show_default=False)]
    transaction: Annotated[
        str, typer.Option(metavar="ID", help="The transaction's id, a UUID.", show_default=False)
    ]


@takes(ProofOptions)
def write_proof(options: ProofOptions) -> int:
    """Write the proof of one transaction out of the file of its month, for `guerdon proof verify`.

    No database is asked: the file alone proves that the transaction is in the log.
    """
    try:
        number = UUID(options.transaction)
    except ValueError:
        raise Problem("transaction_not_found", "a transaction's id is a UUID") from None
    proof = msgspec.json.encode(prove_archived(Path(options.file), number)).decode()
    sys.stdout.write(f"{proof}\n")
    return 0
