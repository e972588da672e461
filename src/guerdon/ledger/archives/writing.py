"""Writing an archive: whole, read again and checked before it has its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from guerdon.base.errors import Problem
from guerdon.infra.columnfiles import write_columns
from guerdon.infra.postgres.folder import sync_folder
from guerdon.infra.tx import Tx
from guerdon.ledger.archives.about import FORM
from guerdon.ledger.archives.checking import check_archive
from guerdon.ledger.archives.months import COLUMNS, ArchivedMonth, month_rows
from guerdon.ledger.log import Signed, list_keys


class Archive(NamedTuple):
    """A file that was written."""

    path: Path
    rows: int


def write_archive(
    tx: Tx, program: tuple[int, str], signed: Signed, month: ArchivedMonth, folder: Path
) -> Archive:
    """Write a month of a journal with the proof of each transaction.

    Args:
        tx: bound to the tenant, repeatable read.
        program: its number, and its log's name.
        signed: a head that covers the month.
        month: which.
        folder: where; the file is called after the month.

    Returns:
        The file: on the disk, and checked as `check_archive` does after it was read again.

    Raises:
        Problem: `archive_not_logged`, `file_exists`, `file_unwritable`, `parquet_not_installed`, and what
            `check_archive` raises.
    """
    program_id, origin = program
    target = folder / f"{month.name}.parquet"
    if target.exists():
        raise Problem("file_exists", f"{target} is there already")
    about = {"format": FORM, "log": origin, "month": month.name, "checkpoint": signed.note}
    draft = folder / f".{target.name}.part"
    rows = month_rows(tx, program_id, signed, month)
    count = write_columns(draft, COLUMNS, json.dumps(about).encode(), rows)
    keys = [key.note_key for key in list_keys(tx, program_id)]
    if check_archive(draft, keys) != count or count != month.transactions:
        raise Problem("archive_differs", f"{draft} does not have all rows of the month")
    draft.rename(target)
    sync_folder(folder)
    return Archive(target, count)
