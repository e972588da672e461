"""Raffles that were drawn, and their tickets."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
