"""The audit: everything that is stored is worked out again from the events, and what differs is told."""

from guerdon.engine.audit.run import Audit, Counts, count_ledger

__all__ = ["Audit", "Counts", "count_ledger"]
