"""Rewards as compiled: what they cost, who may have them, and how often."""

from __future__ import annotations

from decimal import Decimal

from guerdon.base.exact import currency_digits, to_scaled
from guerdon.rules import definition as written
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.compiling.taking import days_of, taking_of, units_of
from guerdon.rules.compiling.wallets import cost_of
from guerdon.rules.definition.campaigns import opening
from guerdon.rules.parts import Reward
from guerdon.rules.promotions import limits_of

_CODE_KINDS = frozenset({"coupon", "discount", "shipping", "gift_card"})
_PLAIN_CODE = ("", 10, "")


def reward_of(work: Compiling, key: str, one: written.Reward) -> Reward:
    """Compile a reward.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.

    Returns:
        The reward.
    """
    opens, until = days_of(work, one)
    budget = one.limits.budget
    if budget is not None and (budget.units or cost_of(one) is None):
        detail = "the budget of a reward is in money, and the reward needs a `cost` or a `worth` for it"
        work.fault(f"/rewards/{key}/limits/budget", "cost_unknown", detail)
    wallets = work.definition.wallets.values()
    is_card = one.kind == "gift_card" and any(wallet.tender == "gift_card" for wallet in wallets)
    # A gift card with money on it has a code that is stored nowhere.
    coded = not is_card and (one.code is not None or one.kind in _CODE_KINDS)
    return Reward(
        key=key,
        kind=one.kind,
        price=units_of(work, one.price, f"/rewards/{key}/price"),
        stock=one.stock if one.stock is not None else one.seats,
        tiers=frozenset(one.tiers),
        valid=span_of(one.valid) if one.valid is not None else None,
        code=(written.code_parts(one.code) if one.code else _PLAIN_CODE) if coded else None,
        limits=limits_of(one.limits),
        cost=cost_of(one),
        opens=opens,
        until=until,
        public_at=None if one.public_at is None else opening(one.public_at),
        choices=one.choices,
        **taking_of(work, key, one),
        money=_money_on(work, key, one),
        loads=to_scaled(one.worth, currency_digits(work.definition.currency)) if is_card and one.worth else 0,
    )


def _money_on(work: Compiling, key: str, one: written.Reward) -> Decimal | None:
    if one.remaining == "lost":
        return None
    discount = one.discount
    if discount is None or discount.amount is None or discount.every or discount.of not in ("order", "lines"):
        detail = "what remains of a coupon is kept where its discount takes an `amount` off an order or lines"
        work.fault(f"/rewards/{key}/remaining", "remaining_without_amount", detail)
        return None
    return discount.amount
