"""Prizes of challenges that bring more than what is spent on them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

from guerdon.base.exact import currency_digits, scaled_decimal
from guerdon.rules.definition import Award, Challenge, Definition, Grant, number_text
from guerdon.rules.difference import Voice
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.lint.generosity import reward_worth, unit_worths

_SPENT: Final = frozenset({"order.net", "order.earning_base", "order.subtotal", "order.total"})


def dear_prizes(asked: Asked) -> Iterator[LintWarning]:
    """Find challenges that come again and again and bring more than was spent for them.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    definition = asked.definition
    voice = Voice(definition)
    for key, one in definition.challenges.items():
        spent = one.every if one.every is not None else one.goal if one.repeatable else None
        metric = definition.metrics[one.metric] if one.metric is not None else None
        if metric is None or not isinstance(spent, Decimal) or str(metric.value or "").strip() not in _SPENT:
            continue
        worth = _worth(definition, one)
        if worth >= spent:
            yield LintWarning(
                "prize_worth_more",
                f"/challenges/{key}/prize",
                f"challenge `{key}`",
                f"The challenge `{key}` brings {voice.money(worth)} for every {voice.money(spent)} of "
                f"`{one.metric}`, as often as somebody likes.",
                f"Make the prize smaller than {number_text(spent)}, or limit how often it may be had.",
            )


def _worth(definition: Definition, one: Challenge) -> Decimal:
    """Add up what a prize is worth at least, in money; nothing where it can be had so often only."""
    limits = one.limits
    if any(each is not None for each in (limits.per_account, limits.per_member, limits.total, limits.budget)):
        return Decimal(0)
    worths, total = unit_worths(definition), Fraction(0)
    for effect in one.prize:
        if isinstance(effect, Award):
            amount = str(effect.amount).strip()
            is_number = amount.replace(".", "", 1).isdigit()
            total += Fraction(amount) * worths.get(effect.wallet, 0) if is_number else 0
        elif isinstance(effect, Grant):
            total += reward_worth(definition.rewards[effect.reward])
    cents = currency_digits(definition.currency)
    return scaled_decimal(int(total * 10**cents), cents)
