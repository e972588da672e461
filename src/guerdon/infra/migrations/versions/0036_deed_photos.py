"""Photos that show deeds."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
