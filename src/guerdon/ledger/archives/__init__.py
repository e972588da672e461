"""Months of the journal as files that prove themselves, and how they leave the journal for them."""

from guerdon.ledger.archives.checking import check_archive, compare_archive, read_rows
from guerdon.ledger.archives.months import ArchivedMonth, closed_months
from guerdon.ledger.archives.moving import (
    ROWS_AT_ONCE,
    Recorded,
    check_told,
    count_recorded,
    file_hash,
    list_recorded,
    move_some,
    next_accounts,
    note_moved,
    record_archive,
)
from guerdon.ledger.archives.proving import prove_archived
from guerdon.ledger.archives.restoring import bring_back, forget_months, parcels
from guerdon.ledger.archives.writing import Archive, write_archive

__all__ = [
    "ROWS_AT_ONCE",
    "Archive",
    "ArchivedMonth",
    "Recorded",
    "bring_back",
    "check_archive",
    "check_told",
    "closed_months",
    "compare_archive",
    "count_recorded",
    "file_hash",
    "forget_months",
    "list_recorded",
    "move_some",
    "next_accounts",
    "note_moved",
    "parcels",
    "prove_archived",
    "read_rows",
    "record_archive",
    "write_archive",
]
