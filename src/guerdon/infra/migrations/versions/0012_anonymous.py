"""Who opened a guest's checkout, so that no key holds all there is."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
