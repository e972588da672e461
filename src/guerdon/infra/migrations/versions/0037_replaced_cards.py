"""Gift cards in whose place others came."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
