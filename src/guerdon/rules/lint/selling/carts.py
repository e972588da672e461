"""Carts that cost the shop more than they bring: gifts, amounts off and free shipping without a minimum."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

from guerdon.rules.definition import Discount, Gift
from guerdon.rules.difference import Voice
from guerdon.rules.expressions import EXACT, EvaluationError, Expression
from guerdon.rules.limits import NO_LIMITS
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.lint.generosity import scope_of_order
from guerdon.rules.program import Program
from guerdon.rules.promotions import Promotion

_MONEY = frozenset({f"cart.{name}" for name in ("net", "subtotal", "total", "earning_base")})


def gifts_over_minimum(asked: Asked) -> Iterator[LintWarning]:
    """Find gifts that are worth as much as the cart that gets them.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each whose cart's size alone decides.
    """
    voice = Voice(asked.definition)
    for at, key, effect, promotion in _effects(asked):
        if not isinstance(effect, Gift) or not effect.worth:
            continue
        worth = effect.worth * effect.quantity
        if _may_have(asked.program, promotion, worth):
            yield LintWarning(
                "gift_exceeds_minimum",
                f"/campaigns/{key}/then/{at}/gift",
                f"campaign `{key}`",
                f"A cart of {voice.money(worth)} gets a gift that is worth {voice.money(worth)}.",
                "Ask for a minimum above it, such as `when: cart.net >= …`.",
            )


def amounts_over_minimum(asked: Asked) -> Iterator[LintWarning]:
    """Find amounts off that pay a whole cart, again and again.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each that neither a minimum nor a limit bounds.
    """
    voice = Voice(asked.definition)
    for at, key, effect, promotion in _effects(asked):
        if not isinstance(effect, Discount) or effect.amount is None or effect.of != "order":
            continue
        if promotion.limits == NO_LIMITS and _may_have(asked.program, promotion, effect.amount):
            yield LintWarning(
                "amount_pays_cart",
                f"/campaigns/{key}/then/{at}/discount/amount",
                f"campaign `{key}`",
                f"A cart of {voice.money(effect.amount)} costs nothing, for everybody and every time.",
                "Ask for a minimum, such as `when: cart.net >= …`, or set `limits`.",
            )


def free_shipping(asked: Asked) -> Iterator[LintWarning]:
    """Find free shipping for every cart, however small and however far it goes.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each campaign that gives it to all carts and without bounds.
    """
    for at, key, effect, promotion in _effects(asked):
        if not isinstance(effect, Discount) or effect.of != "shipping" or effect.at_most is not None:
            continue
        written = asked.definition.campaigns[key]
        chosen = (written.when, written.audience, written.schedule, written.channels, written.stores)
        if effect.percent == 100 and promotion.limits == NO_LIMITS and not any(chosen):
            yield LintWarning(
                "shipping_always_free",
                f"/campaigns/{key}/then/{at}/discount",
                f"campaign `{key}`",
                "Every cart is sent for nothing, the smallest and the one that goes farthest too.",
                "Ask for a minimum, such as `when: cart.net >= …`, or set `at_most`.",
            )


def _effects(asked: Asked) -> Iterator[tuple[int, str, object, Promotion]]:
    """List what campaigns of carts do: place, campaign, effect as written, and the same compiled."""
    compiled = {one.source.key: one for one in asked.program.promotions.automatic}
    for key, campaign in asked.definition.campaigns.items():
        promotion = compiled.get(key)
        for at, effect in enumerate(campaign.then):
            if promotion is not None:
                yield at, key, effect, promotion


def _may_have(program: Program, promotion: Promotion, size: Decimal) -> bool:
    """Tell whether a cart of some size has it; what depends on more than the cart's size is not judged."""
    conditions = [one for one in (promotion.when, promotion.audience) if one is not None]
    if any(not one.reads <= _MONEY for one in conditions):
        return False
    scope = scope_of_order(program, "checkout", size)

    def holds(condition: Expression) -> bool:
        try:
            with localcontext(EXACT):
                return bool(condition(scope))
        except EvaluationError:
            return False

    return all(map(holds, conditions))
