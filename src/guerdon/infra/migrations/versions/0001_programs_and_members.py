"""Tenants, keys, programs, shared counters; accounts, members, identities and standing."""

from guerdon.infra.migrations.sqlfile import run_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the SQL file."""
    run_beside(__file__)
