"""Limits of earning that never count, keep a reward out of reach, or cut a fixed award each time."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from guerdon.rules.definition import Award, Wallet, number_text
from guerdon.rules.difference import Voice
from guerdon.rules.limits import EARNING_PERIODS
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning

_NAMES = ("per_event", *(f"per_{period}" for period in EARNING_PERIODS))


def idle_limits(asked: Asked) -> Iterator[LintWarning]:
    """Find limits of earning that a limit over a longer time makes idle.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    for key, wallet in asked.definition.wallets.items():
        bounds = _bounds(wallet)
        for place, (name, bound) in enumerate(bounds):
            longer = next(((other, most) for other, most in bounds[place + 1 :] if most <= bound), None)
            if longer is not None:
                yield LintWarning(
                    "limit_never_met",
                    f"/wallets/{key}/limits/{name}",
                    f"wallet `{key}`",
                    f"`{name}: {number_text(bound)}` never counts, for "
                    f"`{longer[0]}: {number_text(longer[1])}` is met no later",
                    f"set `{name}` lower, or leave it out",
                )


def rewards_above_balance(asked: Asked) -> Iterator[LintWarning]:
    """Find rewards that cost more than a balance can hold.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    definition = asked.definition
    voice = Voice(definition)
    for key, reward in definition.rewards.items():
        for wallet, price in reward.price.items():
            limits = definition.wallets[wallet].limits
            if limits is not None and limits.balance is not None and price > limits.balance:
                yield LintWarning(
                    "reward_above_balance",
                    f"/rewards/{key}/price/{wallet}",
                    f"reward `{key}`",
                    f"{voice.reward(key)} costs more {wallet} than anybody can save: nothing is earned above "
                    f"a balance of {number_text(limits.balance)}",
                    f"set a price of at most {number_text(limits.balance)}, or a higher `balance`",
                )


def awards_above_limit(asked: Asked) -> Iterator[LintWarning]:
    """Find fixed awards that are more than may ever be earned at once.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    definition = asked.definition
    for key, campaign in definition.campaigns.items():
        for place, effect in enumerate(campaign.then):
            amount = _fixed(effect) if isinstance(effect, Award) else None
            if amount is None or not isinstance(effect, Award):
                continue
            bounds = _bounds(definition.wallets[effect.wallet])
            least = min(bounds, key=lambda one: one[1], default=None)
            if least is not None and amount > least[1]:
                yield LintWarning(
                    "award_above_limit",
                    f"/campaigns/{key}/then/{place}/award/amount",
                    f"campaign `{key}`",
                    f"it awards {number_text(amount)} {effect.wallet}, and `{least[0]}` lets at most "
                    f"{number_text(least[1])} be earned: it is cut each time",
                    f"award {number_text(least[1])}, or set `{least[0]}` of the wallet higher",
                )


def _bounds(wallet: Wallet) -> list[tuple[str, Decimal]]:
    """List what the limits of a wallet are, shortest time first; a balance has no time."""
    limits = wallet.limits
    if limits is None:
        return []
    return [(name, most) for name in _NAMES if (most := getattr(limits, name)) is not None]


def _fixed(effect: Award) -> Decimal | None:
    try:
        return Decimal(str(effect.amount))
    except InvalidOperation:
        return None
