"""Accounts that were merged into others, and members who moved from one account to another."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
