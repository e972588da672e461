"""Walks through whole tables in bounded memory."""

from guerdon.infra.walks.walk import Row, Walk, read_every_instant

__all__ = ["Row", "Walk", "read_every_instant"]
