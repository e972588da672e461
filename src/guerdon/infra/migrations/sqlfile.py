"""Running the SQL file that lies beside a revision."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import psycopg
from alembic import op

from guerdon.base.errors import Problem
from guerdon.infra.migrations.statements import split_statements
from guerdon.infra.tx import Tx


def run_beside(revision_file: str) -> None:
    """Run `NNNN_name.sql` beside `NNNN_name.py`, one command a statement.

    Args:
        revision_file: the revision's `__file__`.

    Raises:
        Problem: `migration_failed` with file, line and PostgreSQL's words.
    """
    path = Path(revision_file).with_suffix(".sql")
    connection = cast(Tx, op.get_bind().connection.driver_connection)
    try:
        statements = split_statements(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Problem("migration_failed", f"{path.name}, {error}") from error
    for statement in statements:
        try:
            # Straight to the driver: SQLAlchemy would read percent signs as parameters.
            connection.execute(statement.text.encode("utf-8"), prepare=False)
        except psycopg.Error as error:
            raise Problem("migration_failed", f"{path.name}, line {statement.line}: {error}") from error
