"""The proof of one transaction out of the file of its month."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from guerdon.base.errors import Problem
from guerdon.infra.columnfiles import open_columns
from guerdon.ledger.archives.about import about_of
from guerdon.ledger.archives.months import COLUMNS
from guerdon.rules.proofs.statement import FORM, Line, ProofFile


def prove_archived(path: Path, transaction_id: UUID) -> ProofFile:
    """Write the proof of a transaction; no database is asked.

    Args:
        path: the file.
        transaction_id: which transaction.

    Returns:
        The proof file, which does not tell whose it is.

    Raises:
        Problem: `transaction_not_found`, and what reading the file raises.
    """
    file = open_columns(path, COLUMNS)
    note = about_of(file.about, path).checkpoint
    for row in (row for rows in file.batches() for row in rows):
        number, (leaf, position, steps) = row[2], row[-3:]
        if number == str(transaction_id):
            return ProofFile(FORM, note, (Line(leaf, position, tuple(step.hex() for step in steps)),))
    raise Problem("transaction_not_found", f"{path} has no transaction {transaction_id}")
