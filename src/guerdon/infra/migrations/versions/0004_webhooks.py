"""Cursors of the outbox, webhooks with their messages and deliveries, order hooks."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
