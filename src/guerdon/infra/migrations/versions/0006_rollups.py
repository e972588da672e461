"""Sums of the overview, kept by a reader of the outbox."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
