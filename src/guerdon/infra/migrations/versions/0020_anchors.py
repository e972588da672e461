"""What was told to chains and time-stamp authorities about the logs."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
