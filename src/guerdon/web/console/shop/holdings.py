"""What a member has beside units: open carts, coupons and rewards with how they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from guerdon.engine.looking.carts import carts_of
from guerdon.infra.tx import Tx
from guerdon.rewards.redemptions import Page, list_redemptions
from guerdon.web.console.opened import Opened
from guerdon.web.console.shop.checkouts import Cart, show_carts
from guerdon.web.console.shop.rewards import Taken, show_taken
from guerdon.web.console.visits import Visit

_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is shown of it."""

    carts: list[Cart]
    taken: list[Taken]
    """The latest takings of rewards, whatever became of them."""
    more: bool
    """Whether there are older ones."""


def load_holdings(tx: Tx, visit: Visit, opened: Opened, account_id: int) -> Holdings:
    """Load what an account has beside units.

    Args:
        tx: bound to the tenant.
        visit: for the instant and the language.
        opened: the program.
        account_id: whose.

    Returns:
        Carts and takings.
    """
    program_id = opened.live.program_id
    carts = carts_of(tx, program_id, account_id, visit.now)
    taken = list_redemptions(tx, program_id, Page(_SHOWN + 1, account_id=account_id))
    return Holdings(
        carts=show_carts(tx, opened, carts, visit.saying),
        taken=show_taken(tx, opened, taken[:_SHOWN]),
        more=len(taken) > _SHOWN,
    )
