"""Members' own pages: addresses that were lost can be ended."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
