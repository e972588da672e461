"""`guerdon retention`: months of the journal as files that prove themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from guerdon.base.errors import Problem
from guerdon.cli.care.months import all_books, past_date
from guerdon.cli.care.moving import move_months
from guerdon.cli.care.returning import restore_months, write_proof
from guerdon.cli.opening import opened_house
from guerdon.cli.options import Data, Json, takes
from guerdon.cli.showing import counted, show_json, show_note
from guerdon.ledger.archives import check_archive
from guerdon.rules.proofs.notes import NoteKey

app = typer.Typer(
    name="retention",
    help="Write old months of the journal into files, check them, and move them out of the database.",
    no_args_is_help=True,
)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the command takes."""

    before: Annotated[
        str, typer.Option(metavar="DATE", help="Months that ended by then, UTC.", show_default=False)
    ]
    to: Annotated[str, typer.Option(metavar="DIR", help="Where the files go.", show_default=False)]
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which months there are.")] = False
    data: Data = None
    json: Json = False


@app.command("export")
@takes(ExportOptions)
def export_months(options: ExportOptions) -> int:
    """Write each month of each program's journal into a Parquet file, every transaction with its proof.

    A file gets its name when it is on the disk, was read again and was checked; what is there already is
    checked and left. So it can be stopped at any moment, and run again. Nothing is deleted from the database.
    """
    before, target = past_date(options.before, datetime.now(UTC)), Path(options.to)
    done: list[dict[str, object]] = []
    with opened_house(options.data, made=False) as house:
        for books in all_books(house, target):
            months, recorded = books.closed(before), books.recorded()
            signed = None if options.dry_run or not months else books.signed()
            for month in months:
                state = "would be written"
                if month.name in recorded:
                    state = "left: it is moving, or it came after the month had moved"
                elif signed is not None:
                    state = books.written(signed, month)
                path = books.path_of(month.name)
                done.append({"file": str(path), "transactions": month.transactions, "state": state})
                if not options.json:
                    show_note(f"{path}: {counted(month.transactions, 'transaction')}, {state}")
    if options.json:
        show_json(done)
    elif not done:
        show_note(f"nothing was booked in months that ended by {options.before}")
    return 0


app.command("move")(move_months)
app.command("restore")(restore_months)
app.command("proof")(write_proof)


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the command takes."""

    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Archives.", show_default=False)]
    keys: Annotated[
        list[str],
        typer.Option("--log-key", metavar="KEY", help="A public key of the log.", show_default=False),
    ] = field(default_factory=list)
    json: Json = False


@app.command("check")
@takes(CheckOptions)
def check_files(options: CheckOptions) -> int:
    """Check archives offline: every row is in the log whose head the key signed, and says what was hashed.

    Exit code 1 at the first row that does not fit, which is named.
    """
    if not options.keys:
        raise Problem("log_key_missing", "an archive is worth as much as the key of its log: give --log-key")
    keys = [NoteKey.read(text) for text in options.keys]
    found = {name: check_archive(Path(name), keys) for name in options.files}
    if options.json:
        show_json(found)
    else:
        for name, count in found.items():
            show_note(f"{name}: {counted(count, 'transaction')}, each in the log")
    return 0
