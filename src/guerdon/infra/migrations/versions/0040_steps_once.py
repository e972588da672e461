"""Steps of services are noted once."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
