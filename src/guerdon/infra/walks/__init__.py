"""Walks through whole tables in bounded memory."""

from guerdon.infra.walks.walk import Row, Walk

__all__ = ["Row", "Walk"]
