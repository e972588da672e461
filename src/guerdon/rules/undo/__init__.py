"""Returns: what an order set off is undone, as it was recorded."""

from guerdon.rules.undo.counts import counts_of
from guerdon.rules.undo.lines import Part, part_left, part_of
from guerdon.rules.undo.reaches import draws_of, metrics_of, redemptions_of
from guerdon.rules.undo.undo import undo
from guerdon.rules.undo.units import decisions_of, ended_lots

__all__ = [
    "Part",
    "counts_of",
    "decisions_of",
    "draws_of",
    "ended_lots",
    "metrics_of",
    "part_left",
    "part_of",
    "redemptions_of",
    "undo",
]
