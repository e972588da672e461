"""Tries of members at quizzes."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
