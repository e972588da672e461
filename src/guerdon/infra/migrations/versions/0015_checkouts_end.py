"""Checkouts that nobody paid go after a time."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
