"""Each time that a post brings its author something, and each time that it is taken back."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
