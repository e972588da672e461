"""The Merkle log of each program."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
