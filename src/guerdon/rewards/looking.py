"""How much counters of codes have left, looked at without a lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from guerdon.infra.tx import Tx
from guerdon.members.standing import Wanted, load_standing
from guerdon.programs.counters import load_counters
from guerdon.programs.holds import ask_lapsed, ask_open
from guerdon.rules.limits import Draw

_NOTHING = Decimal(0)


def load_room(
    tx: Tx, program_id: int, draws: Sequence[Draw], account_id: int, now: datetime
) -> tuple[Callable[[Draw], Decimal], frozenset[str]]:
    """Look up how much counters have left.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        draws: the counters with their bounds.
        account_id: whose own counters are meant; 0 for nobody's.
        now: holds that are over by then do not count.

    Returns:
        Draw → what it has left; and the counters that open carts hold something of.
    """
    shared = sorted({draw.counter for draw in draws if draw.shared})
    used = load_counters(tx, program_id, shared)
    held: frozenset[str] = frozenset()
    if shared:
        for hold in ask_lapsed(tx, program_id, shared, now)().values():
            used[hold.name] = used.get(hold.name, _NOTHING) - hold.amount
        held = ask_open(tx, program_id, shared, now)()
    own = sorted({draw.counter for draw in draws if not draw.shared})
    if own and account_id:
        used |= load_standing(tx, Wanted([account_id], frozenset(), None, set(own)))[account_id].counters
    return (lambda draw: draw.bound - used.get(draw.counter, _NOTHING)), held
