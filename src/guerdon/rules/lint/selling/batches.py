"""What a batch of codes can cost before anybody uses one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from guerdon.rules.coupons.standing import Terms
from guerdon.rules.definition import Definition, Discount


@dataclass(frozen=True, slots=True)
class Exposure:
    """How much codes can take off carts at most, as far as anything bounds it."""

    uses: int | None
    """All uses together; None where nothing bounds them."""
    each: Decimal | None
    """Money that one use takes at most; None where only the cart bounds it."""
    together: Decimal | None
    """Money that all uses take at most."""
    budget: Decimal | None
    """The reward's own budget, which counts what is granted and none of these codes, where they exceed it."""
    total: Decimal | None
    """The same of the reward's own limit in total."""
    by_anybody: bool
    """Whether one person can use a code again and again."""


def exposure_of(definition: Definition, reward: str, size: int, terms: Terms) -> Exposure:
    """Say how much codes can take off carts.

    Args:
        definition: the live one.
        reward: what the codes stand for.
        size: how many codes; 1 for a shared one.
        terms: how they are used.

    Returns:
        The bounds.
    """
    written = definition.rewards.get(reward)
    uses = _uses(size, terms)
    each = _each(written.discount if written is not None else None)
    together = None if uses is None or each is None else uses * each
    if terms.money is not None:
        on_codes = size * terms.money
        together = on_codes if together is None else min(together, on_codes)
    limits = written.limits if written is not None else None
    budget = limits.budget.money if limits is not None and limits.budget is not None else None
    total = limits.total if limits is not None else None
    return Exposure(
        uses=uses,
        each=each,
        together=together,
        budget=budget if budget is not None and (together is None or together > budget) else None,
        total=Decimal(total) if total is not None and (uses is None or uses > total) else None,
        by_anybody=terms.uses is None and terms.money is None and not terms.needs_member,
    )


def _uses(size: int, terms: Terms) -> int | None:
    of_codes = None if terms.uses is None else size * terms.uses
    in_total = [one.at_most for one in terms.counted if one.of == "total" and one.per == "all_time"]
    return min([*in_total, *([of_codes] if of_codes is not None else [])], default=None)


def _each(discount: Discount | None) -> Decimal | None:
    if discount is None:
        return None
    amounts = [discount.amount] if discount.steps is None else [step.amount for step in discount.steps]
    known = [amount for amount in amounts if amount is not None]
    repeats = (
        discount.every is not None or discount.buy is not None or discount.of not in ("order", "shipping")
    )
    if len(known) == len(amounts) and not repeats:
        most = max(known)
        return most if discount.at_most is None else min(most, discount.at_most)
    return discount.at_most
