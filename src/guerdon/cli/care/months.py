"""The months of every journal of a house, and the files that they are written into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx, set_tenant
from guerdon.ledger.archives import (
    ArchivedMonth,
    Recorded,
    check_archive,
    closed_months,
    compare_archive,
    file_hash,
    list_recorded,
    write_archive,
)
from guerdon.ledger.log import Signed, list_keys, origin_of, sign_head
from guerdon.programs.programs import LiveVersion, list_programs
from guerdon.programs.tenants import Tenant, list_tenants
from guerdon.wiring import House

_ONE_LOOK: Final = (
    "set transaction isolation level repeatable read, read only; set local statement_timeout = 0;"
    " set local idle_in_transaction_session_timeout = 0"
)


_SETTLED_AFTER: Final = timedelta(hours=1)
"""What was booked in the last moment of a month is written a little later."""


class Books(NamedTuple):
    """The journal of one program, and the folder of its archives."""

    house: House
    tenant: Tenant
    live: LiveVersion
    folder: Path

    @property
    def program_id(self) -> int:
        """Whose journal."""
        return self.live.program_id

    def path_of(self, month: str) -> Path:
        """Where the file of a month is, such as `2025-01`."""
        return self.folder / f"{month}.parquet"

    @contextmanager
    def one_look(self) -> Iterator[Tx]:
        """Read all of it as it is at one moment, however long that takes."""
        with self.house.database.transaction(self.tenant.tenant_id) as tx:
            tx.execute(_ONE_LOOK)
            yield tx

    @contextmanager
    def as_owner(self) -> Iterator[Tx]:
        """Write what nobody else may."""
        with self.house.database.transaction_as("owner") as tx:
            set_tenant(tx, self.tenant.tenant_id)
            yield tx

    def closed(self, before: datetime) -> list[ArchivedMonth]:
        """List the months that ended by an instant and of which something is in the journal."""
        with self.one_look() as tx:
            return closed_months(tx, self.program_id, before)

    def recorded(self) -> dict[str, Recorded]:
        """List the months whose files are recorded, by their names."""
        with self.one_look() as tx:
            return {one.name: one for one in list_recorded(tx, self.program_id)}

    def signed(self) -> Signed:
        """Let the log catch up and sign it, so that the head covers what is booked."""
        while self.house.log.catch_up():
            pass
        with self.house.database.transaction(self.tenant.tenant_id) as tx:
            signer, origin = self.house.signer(self.tenant.tenant_id), origin_of(tx, self.live.key)
            return sign_head(tx, signer, self.program_id, origin, datetime.now(UTC))

    def check(self, month: str) -> None:
        """Check a file by itself: every row of it is in the log."""
        with self.one_look() as tx:
            keys = [key.note_key for key in list_keys(tx, self.program_id)]
            check_archive(self.path_of(month), keys)

    def written(self, signed: Signed, month: ArchivedMonth) -> str:
        """Write a month's file, or check the one that is there, and hold it against the journal."""
        path, state = self.path_of(month.name), "checked, it was there"
        if path.exists():
            self.check(month.name)
        with self.one_look() as tx:
            if not path.exists():
                self._make_folder()
                named = (self.program_id, origin_of(tx, self.live.key))
                write_archive(tx, named, signed, month, self.folder)
                state = "written and checked"
            compare_archive(tx, self.program_id, path)
        return state

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            detail = f"{self.folder} cannot be made, --to is a folder: {error.strerror}"
            raise Problem("file_unwritable", detail) from None


def check_same(path: Path, recorded: Recorded) -> None:
    """Make sure that a file is the one that was recorded; raises `archive_missing` or `archive_differs`."""
    if not path.exists():
        detail = f"{path} is not there, and part of {recorded.name} moved into it: bring the file back"
        raise Problem("archive_missing", detail)
    if file_hash(path) != recorded.file_sha256:
        detail = f"{path} is not the file that was recorded, of SHA-256 {recorded.file_sha256.hex()}"
        raise Problem("archive_differs", detail)


def all_books(house: House, folder: Path) -> Iterator[Books]:
    """Go through the programs of every tenant."""
    with house.database.transaction_as("lookup") as lookup:
        tenants = list_tenants(lookup)
    for tenant in tenants:
        with house.database.transaction(tenant.tenant_id) as tx:
            programs = list_programs(tx)
        yield from (Books(house, tenant, live, folder / tenant.key / live.key) for live in programs)


def past_date(text: str, now: datetime) -> datetime:
    """Read the date of `--before`; raises `date_invalid`."""
    try:
        before = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Problem("date_invalid", f"--before is a date such as 2025-01-01, not {text!r}") from None
    if before > now - _SETTLED_AFTER:
        detail = "--before lies in the future or the last hour: a month that just ended is not closed yet"
        raise Problem("date_invalid", detail)
    return before
