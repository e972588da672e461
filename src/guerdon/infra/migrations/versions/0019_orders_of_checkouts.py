"""The order that a checkout becomes, by which its end is found."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
