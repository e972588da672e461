"""What pricing sees beside the cart: who buys, what limits have left, which coupons were given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.rules.limits import Draw, use_draws
from guerdon.rules.metrics import Value
from guerdon.rules.program import Program
from guerdon.rules.promotions import CHECKOUT, Promotion
from guerdon.rules.scope import AccountView, EventView, MemberView, ProgramView, Scope, WalletView

_NONE = Decimal(0)
_NOBODY = MemberView()


class GivenCoupon(msgspec.Struct, frozen=True):
    """A coupon code of the cart as it stands."""

    reward: str
    """The reward that it is for; empty where the code is not known."""
    problem: str = ""
    """Why it cannot be used, such as `coupon_used` or `coupon_expired`; empty where it can."""
    detail: str = ""
    remaining: int | None = None
    """Money that is left on it, minor units; None where it is not that kind."""
    uses: tuple[Draw, ...] = ()
    """Counters that one use draws 1 from."""
    money: Draw | None = None
    """The counter that what it takes off is drawn from."""


class View(msgspec.Struct, frozen=True):
    """What pricing sees beside the cart. An empty one is that of a guest."""

    account: AccountView = AccountView(0, "", {}, _NOBODY, 0, {}, ())
    member: MemberView = _NOBODY
    member_id: int | None = None
    metrics: Mapping[str, Value] = {}
    wallets: Mapping[str, WalletView] = {}
    used: Mapping[str, Decimal] = {}
    """What has been drawn from counters (`rules.limits`), own and shared, without this cart's own holds."""
    coupons: Mapping[str, GivenCoupon] = {}
    """By code, for codes that the cart gives; one that is missing here is not known."""
    stock: Mapping[str, int] = {}
    """Pieces left by sku, for gifts; what is missing here is not counted."""
    units_off: tuple[tuple[str, int], ...] = ()
    """Wallet and minor units that its units take off, where `spending.as` is `discount`."""
    source: str = ""
    """Of the cart, as `event.source`."""

    def room(self, draw: Draw) -> Decimal:
        """Tell how much can still be drawn from a counter.

        Args:
            draw: the counter with its bound.

        Returns:
            What is left of it.
        """
        return draw.bound - self.used.get(draw.counter, _NONE)


def view_of(scope: Scope, member_id: int | None, used: Mapping[str, Decimal], **more: Any) -> View:
    """Make the view of an account out of what its events see.

    Args:
        scope: of the account at the instant of pricing, as `rules.draft` makes it.
        member_id: who buys; None where the account itself does.
        used: what has been drawn from counters, own and shared.
        more: `coupons`, `stock`, `units_off`, `source` as `View` has them.

    Returns:
        The view.
    """
    return View(
        account=scope.account,
        member=scope.member,
        member_id=member_id,
        metrics=scope.metrics,
        wallets=scope.wallets,
        used=used,
        **more,
    )


def scope_of(program: Program, view: View, where: tuple[str, str], at: datetime) -> Scope:
    """Make what conditions see, apart from the cart.

    Args:
        program: the program.
        view: who buys.
        where: channel and store.
        at: the instant of pricing.

    Returns:
        A scope without `cart`, `order` and `line`.
    """
    scope = Scope()
    scope.event = EventView(CHECKOUT, at, view.source, *where, {})
    scope.account, scope.member = view.account, view.member
    # Expressions name declared metrics only, and these are made when read.
    scope.metrics = view.metrics  # type: ignore[assignment]  # read like the other kind
    scope.wallets = view.wallets
    scope.program = ProgramView(program.key, program.currency)
    scope.store = where[1]
    scope.now = at
    return scope


def draws_of(program: Program, promotion: Promotion, view: View, at: datetime) -> tuple[Draw, ...]:
    """List the counters that one use of a promotion draws 1 from.

    Args:
        program: for its calendar.
        promotion: what is used.
        view: who buys, and which coupons were given.
        at: the instant, whose local day chooses the period.

    Returns:
        The draws; the budget is not among them.
    """
    if promotion.source.code:
        return view.coupons[promotion.source.code].uses
    return use_draws(promotion.limits, promotion.source.owner, view.member_id, program.zone.day_of(at))
