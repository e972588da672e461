"""Sums by day that pages show, kept by a reader of the outbox: no page looks at the journal."""

from guerdon.insight.rollups.keeper import Keeper

__all__ = ["Keeper"]
