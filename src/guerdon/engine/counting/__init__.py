"""Metrics counted anew from stored events: for accounts that are behind the live version's definitions."""

from guerdon.engine.counting.keeper import Recounter
from guerdon.engine.counting.recount import Counting, behind, count_from_events, recount

__all__ = ["Counting", "Recounter", "behind", "count_from_events", "recount"]
