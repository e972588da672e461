"""Ledger, redemptions, events and their keys, outbox, quarantine."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
