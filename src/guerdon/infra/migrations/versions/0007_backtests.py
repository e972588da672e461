"""Backtests that were asked for in the console, and the files that they left."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
