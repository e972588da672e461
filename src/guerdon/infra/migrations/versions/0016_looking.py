"""Lists that people look through find their rows by an index, however many there are."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
