"""Invitations, what became of them, and how far occasions are told."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
