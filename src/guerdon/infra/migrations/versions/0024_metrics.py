"""Metrics of every kind, and how far accounts are counted."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
