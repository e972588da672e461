"""API keys say when they were last used, what took their place, and how much they may ask."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
