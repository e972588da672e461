"""`guerdon retention`: months of the journal as files that prove themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from guerdon.base.errors import Problem
from guerdon.cli.opening import opened_house
from guerdon.cli.options import Data, Json, takes
from guerdon.cli.showing import counted, show_json, show_note
from guerdon.infra.tx import Tx
from guerdon.ledger.archives import (
    ArchivedMonth,
    check_archive,
    closed_months,
    compare_archive,
    write_archive,
)
from guerdon.ledger.log import Signed, list_keys, origin_of, sign_head
from guerdon.programs.programs import LiveVersion, list_programs
from guerdon.programs.tenants import Tenant, list_tenants
from guerdon.rules.proofs.notes import NoteKey
from guerdon.wiring import House

app = typer.Typer(
    name="retention", help="Write old months of the journal into files, and check them.", no_args_is_help=True
)
_ONE_LOOK: Final = (
    "set transaction isolation level repeatable read, read only; set local statement_timeout = 0;"
    " set local idle_in_transaction_session_timeout = 0"
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
    before, target = _date(options.before), Path(options.to)
    if before > datetime.now(UTC):
        raise Problem("date_invalid", "--before lies in the future: a month that goes on is not over")
    done: list[dict[str, object]] = []
    with opened_house(options.data, made=False) as house:
        for tenant, live in _programs(house):
            months = _months(house, tenant, live, before)
            signed = None if options.dry_run or not months else _signed(house, tenant, live)
            folder = target / tenant.key / live.key
            for month in months:
                path = folder / f"{month.name}.parquet"
                state = "would be written"
                if signed is not None:
                    state = _written(house, (tenant, live, signed), month, folder)
                done.append({"file": str(path), "transactions": month.transactions, "state": state})
                if not options.json:
                    show_note(f"{path}: {counted(month.transactions, 'transaction')}, {state}")
    if options.json:
        show_json(done)
    elif not done:
        show_note(f"nothing was booked in months that ended by {options.before}")
    return 0


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


def _date(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Problem("date_invalid", f"--before is a date such as 2025-01-01, not {text!r}") from None


def _programs(house: House) -> Iterator[tuple[Tenant, LiveVersion]]:
    with house.database.transaction_as("lookup") as lookup:
        tenants = list_tenants(lookup)
    for tenant in tenants:
        with house.database.transaction(tenant.tenant_id) as tx:
            programs = list_programs(tx)
        yield from ((tenant, live) for live in programs)


@contextmanager
def _one_look(house: House, tenant: Tenant) -> Iterator[Tx]:
    with house.database.transaction(tenant.tenant_id) as tx:
        tx.execute(_ONE_LOOK)
        yield tx


def _months(house: House, tenant: Tenant, live: LiveVersion, before: datetime) -> list[ArchivedMonth]:
    with _one_look(house, tenant) as tx:
        return closed_months(tx, live.program_id, before)


def _signed(house: House, tenant: Tenant, live: LiveVersion) -> Signed:
    """Let the log catch up and sign it, so that the head covers what is booked."""
    while house.log.catch_up():
        pass
    with house.database.transaction(tenant.tenant_id) as tx:
        signer, origin = house.signer(tenant.tenant_id), origin_of(tx, live.key)
        return sign_head(tx, signer, live.program_id, origin, datetime.now(UTC))


def _written(
    house: House, where: tuple[Tenant, LiveVersion, Signed], month: ArchivedMonth, folder: Path
) -> str:
    tenant, live, signed = where
    path = folder / f"{month.name}.parquet"
    with _one_look(house, tenant) as tx:
        state = "checked, it was there"
        if path.exists():
            check_archive(path, [key.note_key for key in list_keys(tx, live.program_id)])
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_archive(tx, (live.program_id, origin_of(tx, live.key)), signed, month, folder)
            state = "written and checked"
        compare_archive(tx, live.program_id, path)
    return state
