"""What members post, like and report, the names they chose, and what they share."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
