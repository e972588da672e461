"""Conversions of wallets that are given up: a kind of transaction and a book of the program's own."""

from __future__ import annotations

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the SQL file beside."""
    run_beside(__file__)
