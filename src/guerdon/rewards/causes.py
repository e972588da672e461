"""Running totals of causes: what members gave, and what the shop put on top."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

from guerdon.infra.tx import Tx
from guerdon.programs.counters import load_counters
from guerdon.rules.giving import cause_draws

_NOTHING = Decimal(0)


class Total(NamedTuple):
    """What came together for a cause."""

    given: Decimal
    """Money that members gave, in whole units of the currency."""
    matched: Decimal
    """Money that the shop put on top."""
    donations: int
    """How many donations stand."""


def load_totals(tx: Tx, program_id: int, causes: Collection[str]) -> dict[str, Total]:
    """Read the running totals of causes.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        causes: which.

    Returns:
        By cause, those that nobody gave to with nothing.
    """
    draws = {cause: cause_draws(cause) for cause in causes}
    counters = [draw.counter for some in draws.values() for draw in some]
    used = load_counters(tx, program_id, counters)
    return {
        cause: Total(
            used.get(given.counter, _NOTHING),
            used.get(matched.counter, _NOTHING),
            int(used.get(donations.counter, _NOTHING)),
        )
        for cause, (given, matched, donations, _) in draws.items()
    }
