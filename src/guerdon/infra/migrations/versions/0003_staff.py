"""Staff, their sessions, and attempts to sign in."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
