"""Gift cards: by which code their accounts are found."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
