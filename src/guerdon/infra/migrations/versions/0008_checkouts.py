"""Checkouts, and what they hold of accounts and of shared counters."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
