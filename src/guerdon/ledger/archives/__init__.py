"""Months of the journal as files that prove themselves."""

from guerdon.ledger.archives.checking import check_archive, compare_archive
from guerdon.ledger.archives.months import ArchivedMonth, closed_months
from guerdon.ledger.archives.writing import Archive, write_archive

__all__ = [
    "Archive",
    "ArchivedMonth",
    "check_archive",
    "closed_months",
    "compare_archive",
    "write_archive",
]
