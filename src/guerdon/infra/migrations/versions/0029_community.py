"""What members post, like and report, the names they chose, and what they share."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
