"""Months of the journal that moved into archives, and what is carried forward from them."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
