"""PostgreSQL that Guerdon brings along, starts and stops itself."""

from guerdon.infra.postgres.ending import ending_in_order
from guerdon.infra.postgres.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "ending_in_order"]
