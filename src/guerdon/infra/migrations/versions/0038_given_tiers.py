"""Tiers that operators gave to accounts that became one, and that hold after a higher one ends."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
