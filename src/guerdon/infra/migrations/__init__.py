"""Bringing a database to the newest schema."""

from guerdon.infra.migrations.runner import migrate

__all__ = ["migrate"]
