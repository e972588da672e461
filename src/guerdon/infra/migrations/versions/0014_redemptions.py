"""What is fixed of a reward when it is taken, and what became of it, by whom and when."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
