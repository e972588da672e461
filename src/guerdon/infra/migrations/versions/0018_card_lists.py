"""Gift cards are listed by an index, however many there are."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
