"""Keys of access tokens and tickets, from the first that took another's place."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
