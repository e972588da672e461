"""Witnesses of the logs, and the logs that this house witnesses."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
