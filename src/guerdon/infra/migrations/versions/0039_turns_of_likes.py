"""What likes brought goes with the post and comes again with it, as the post's own does."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
