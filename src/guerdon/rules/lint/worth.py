"""Prices, costs and stacks: where a definition gives away more than it takes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from guerdon.rules.definition import (
    Award,
    Budget,
    Campaign,
    Definition,
    Discount,
    Gift,
    Grant,
    Redeem,
    Reward,
    Wallet,
    number_text,
)
from guerdon.rules.difference import Voice
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning


def cost_of(wallet: Wallet) -> Decimal | None:
    """Say what one unit of a wallet is booked at.

    Args:
        wallet: the wallet.

    Returns:
        Its cost, what it is worth where no cost is named, or None.
    """
    return wallet.cost if wallet.cost is not None else wallet.worth


def rewards_under_cost(asked: Asked) -> Iterator[LintWarning]:
    """Find rewards whose price covers less than they cost.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each, with the price that would cover it.
    """
    definition = asked.definition
    voice = Voice(definition)
    for key, written in definition.rewards.items():
        for at, whom, reward in _priced(key, written):
            booked = _booked(definition, reward)
            if booked is None or reward.cost is None or booked >= reward.cost:
                continue
            wallets = list(reward.price)
            yield LintWarning(
                "reward_under_cost",
                f"{at}/{wallets[0]}" if len(wallets) == 1 else at,
                f"reward `{key}`",
                f"{voice.reward(key)} is paid{whom} with {voice.prices(reward.price.items())}, booked at "
                f"{voice.money(booked)}, and costs {voice.money(reward.cost)}.",
                _fair_price(definition, reward, voice),
            )


def _priced(key: str, reward: Reward) -> Iterator[tuple[str, str, Reward]]:
    """List a reward with each of its prices: where it stands, for whom it is, and the reward at it."""
    yield f"/rewards/{key}/price", "", reward
    for tier, price in reward.price_by_tier.items():
        yield (
            f"/rewards/{key}/price_by_tier/{tier}",
            f" from `{tier}` on",
            reward.model_copy(update={"price": price}),
        )


def _booked(definition: Definition, reward: Reward) -> Decimal | None:
    costs = [(cost_of(definition.wallets[wallet]), units) for wallet, units in reward.price.items()]
    if not costs or any(cost is None for cost, _ in costs):
        return None
    return sum((cost * units for cost, units in costs if cost is not None), Decimal(0))


def _fair_price(definition: Definition, reward: Reward, voice: Voice) -> str:
    (wallet, *others) = reward.price
    cost = cost_of(definition.wallets[wallet])
    if others or not cost or reward.cost is None:
        return "Ask for more units, or lower what it costs."
    fair = -(-Fraction(reward.cost) // Fraction(cost))
    return f"From {voice.units(wallet, str(fair))} on, the price covers the cost."


def stacked_discounts(asked: Asked) -> Iterator[LintWarning]:
    """Find discounts that together take everything.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        One warning where the percentages of coupons and of checkout campaigns that stack reach 100 %.
    """
    definition = asked.definition
    percents = list(_percents(definition))
    rest = Fraction(1)
    for _, percent in percents:
        share = Fraction(percent) / 100
        rest = rest - share if definition.pricing.base == "original" else rest * (1 - share)
    if percents and rest <= 0:
        pointers = [pointer for pointer, _ in percents]
        listed = " + ".join(f"{number_text(percent)} %" for _, percent in percents)
        yield LintWarning(
            "discounts_reach_everything",
            pointers[-1],
            "discounts",
            f"Discounts that may come together take the whole order: {listed}.",
            "Put them into a lane that chooses `best`, give them an `at_most`, or lower them.",
        )


def _percents(definition: Definition) -> Iterator[tuple[str, Decimal]]:
    """List what may stack: each coupon and campaign once, and the greatest of each choosing lane."""
    chosen: dict[str, tuple[str, Decimal]] = {}
    for lane, pointer, percent in _on_all(definition):
        if lane is None or definition.lanes[lane].choose not in ("best", "first"):
            yield pointer, percent
        else:
            chosen[lane] = max(
                chosen.get(lane, (pointer, percent)), (pointer, percent), key=lambda one: one[1]
            )
    yield from chosen.values()


def _on_all(definition: Definition) -> Iterator[tuple[str | None, str, Decimal]]:
    """List the percentages of whole orders with their lane; what shuts out all others stacks with nothing."""
    for key, reward in definition.rewards.items():
        one = reward.discount
        if one is not None and _is_on_all(one) and (not reward.exclusive or one.percent == 100):
            yield reward.lane, f"/rewards/{key}/discount/percent", one.percent or Decimal(0)
    for key, campaign in definition.campaigns.items():
        for at, effect in enumerate(campaign.then):
            if (
                isinstance(effect, Discount)
                and _is_on_all(effect)
                and (not campaign.exclusive or effect.percent == 100)
            ):
                yield (
                    campaign.lane,
                    f"/campaigns/{key}/then/{at}/discount/percent",
                    effect.percent or Decimal(0),
                )


def _is_on_all(discount: Discount) -> bool:
    whole = discount.of == "order" or (discount.of == "lines" and discount.where is None)
    return bool(discount.percent) and discount.at_most is None and whole


def empty_budgets(asked: Asked) -> Iterator[LintWarning]:
    """Find budgets that count nothing.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each budget that none of its campaign's effects draws from.
    """
    definition = asked.definition
    for key, campaign in definition.campaigns.items():
        budget = campaign.limits.budget
        if budget is None:
            continue
        at = f"/campaigns/{key}/limits/budget"
        for pointer, of in _undrawn(definition, campaign, budget):
            yield LintWarning(
                "budget_counts_nothing",
                f"{at}/{pointer}",
                f"campaign `{key}`",
                f"The budget in {of} counts nothing: no effect of the campaign costs any.",
                "Take the budget out, or give the wallets and rewards of this campaign a `cost`.",
            )


def _undrawn(definition: Definition, campaign: Campaign, budget: Budget) -> Iterator[tuple[str, str]]:
    awarded = {effect.wallet for effect in campaign.then if isinstance(effect, Award)}
    costs = [cost_of(definition.wallets[wallet]) for wallet in awarded]
    for effect in campaign.then:
        if isinstance(effect, Grant | Redeem):
            reward = definition.rewards[effect.reward]
            costs.append(reward.cost if reward.cost is not None else reward.worth)
        elif isinstance(effect, Discount):
            costs.append(Decimal(1))
        elif isinstance(effect, Gift):
            costs.append(effect.worth)
    if budget.money is not None and not any(costs):
        yield "money", "money"
    for wallet in budget.units or {}:
        if wallet not in awarded:
            yield f"units/{wallet}", f"units of `{wallet}`"
