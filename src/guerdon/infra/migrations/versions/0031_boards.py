"""Leaderboards and teams."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
