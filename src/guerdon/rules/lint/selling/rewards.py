"""Rewards that nobody can have, and coupons that are cheaper to buy than to be without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from guerdon.rules.definition import Definition, Reward
from guerdon.rules.difference import Voice
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning


def closed_rewards(asked: Asked) -> Iterator[LintWarning]:
    """Find rewards that are never open, or open in an order that makes no sense.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each wrong day.
    """
    for key, reward in asked.definition.rewards.items():
        for code, name, reason, advice in _closed(reward):
            yield LintWarning(code, f"/rewards/{key}/{name}", f"reward `{key}`", reason, advice)


def _closed(reward: Reward) -> Iterator[tuple[str, str, str, str]]:
    opens, public, until = reward.opens, reward.public_at, reward.until
    if reward.stock == 0 or reward.seats == 0:
        name = "stock" if reward.stock == 0 else "seats"
        yield "reward_never_had", name, f"Nobody can have it: its `{name}` is 0.", "Say how many there are."
    if opens is not None and public is not None and _begin(public) < _begin(opens):
        detail = "It is there for everybody before it opens for its tiers."
        yield "reward_public_first", "public_at", detail, "Let `public_at` follow `opens`."
    first = opens if opens is not None else public
    if first is not None and until is not None and _end(until) <= _begin(first):
        detail = f"Nobody can have it: it opens on {first.isoformat()} and is over on {until.isoformat()}."
        yield "reward_never_had", "until", detail, "Give it a later end."
    if first is not None and reward.at is not None and _end(reward.at) <= _begin(first):
        detail = f"It takes place on {reward.at.isoformat()}, before it can be had on {first.isoformat()}."
        yield "reward_never_had", "at", detail, "Open it before it takes place."


def _begin(moment: date | datetime) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min)


def _end(moment: date | datetime) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment + timedelta(days=1), time.min)


def unreached_rewards(asked: Asked) -> Iterator[LintWarning]:
    """Find rewards for tiers that nobody has ever come to.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each whose tiers all lie above what anybody reached.
    """
    figures = asked.figures
    if figures is None:
        return
    above: dict[str, bool] = {}
    for ladder, written in asked.definition.ladders.items():
        found = [figures.metrics.get(metric) for metric in written.climbed_by]
        highest = [one.highest for one in found if one is not None]
        if len(highest) == len(found) and written.reached_by == "every":
            above |= {
                f"{ladder}.{name}": any(
                    one > most for one, most in zip(written.least(name), highest, strict=False)
                )
                for name in written.tiers
            }
    for key, reward in asked.definition.rewards.items():
        named = [
            [far for name, far in above.items() if tier in (name, name.partition(".")[2])]
            for tier in reward.tiers
        ]
        if named and all(some and all(some) for some in named):
            yield LintWarning(
                "reward_for_nobody",
                f"/rewards/{key}/tiers",
                f"reward `{key}`",
                f"It is for {', '.join(reward.tiers)} only, and nobody has ever come there.",
                "Add a tier that people hold, or begin that tier lower.",
            )


def cheap_coupons(asked: Asked) -> Iterator[LintWarning]:
    """Find coupons that take more off than the units that buy them would pay.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each with a fixed amount whose wallets all say what a unit pays.
    """
    definition = asked.definition
    voice = Voice(definition)
    for key, reward in definition.rewards.items():
        amount = reward.discount.amount if reward.discount is not None else None
        paid = _paid(definition, reward)
        if amount is None or paid is None or amount <= paid:
            continue
        yield LintWarning(
            "coupon_under_worth",
            f"/rewards/{key}/discount/amount",
            f"reward `{key}`",
            f"{voice.prices(reward.price.items())} pay {voice.money(paid)} at checkout, and "
            f"buy a coupon that takes {voice.money(amount)} off.",
            "That may be meant; everybody will buy the coupon instead of paying with units.",
        )


def _paid(definition: Definition, reward: Reward) -> Decimal | None:
    worths = [(definition.wallets[wallet].worth, units) for wallet, units in reward.price.items()]
    if not worths or any(worth is None for worth, _ in worths):
        return None
    return sum((worth * units for worth, units in worths if worth is not None), Decimal(0))
