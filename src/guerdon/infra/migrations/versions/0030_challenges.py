"""How far accounts are with challenges."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
