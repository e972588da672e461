"""Coupon batches and shared codes, what is known of single codes, and how far a reward has come."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
