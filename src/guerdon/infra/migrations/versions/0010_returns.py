"""Returns of orders: units that are owed, what came back of which order, and their kinds of transaction."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
