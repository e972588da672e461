"""What holds between the parts of a definition: whatever is named exists, and figures fit their wallets."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import get_currency_precision

from guerdon.rules.definition.campaigns import Budget, Campaign
from guerdon.rules.definition.canonical import leaves
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.effects import Award, Badge, EffectPart, Grant, Multiply, Redeem
from guerdon.rules.definition.rewards import Reward
from guerdon.rules.definition.scalars.problems import listing, nearest_to
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import places_of
from guerdon.rules.definition.source.tree import join
from guerdon.rules.definition.wallets import NOTHING


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold, and where."""

    pointer: str
    code: str
    detail: str
    expected: str = ""
    nearest: str = ""
    at_key: bool = False
    """Whether it is the key that is wrong, and not its value."""


def check_references(definition: Definition) -> Iterator[Finding]:
    """Check what holds between the parts of a definition.

    Args:
        definition: as the models took it.

    Yields:
        What does not hold.
    """
    yield from _languages(definition)
    for key, campaign in definition.campaigns.items():
        yield from _campaign(definition, campaign, f"/campaigns/{key}")
    for key, reward in definition.rewards.items():
        yield from _reward(definition, reward, f"/rewards/{key}")
    yield from _money_wallets(definition)
    yield from _kept_wallets(definition)
    yield from _lanes(definition)
    yield from _retired(definition)
    yield from _retired_rewards(definition)


def known_findings(
    kind: str, name: str, known: Collection[str], pointer: str, *, at_key: bool = False
) -> Iterator[Finding]:
    """Check that something that is named exists.

    Args:
        kind: what it is, such as `wallet`.
        name: how it is named.
        known: the names that exist.
        pointer: JSON pointer to the name.
        at_key: whether the name is a key.

    Yields:
        A finding, with the nearest name that exists, where it does not.
    """
    if name in known:
        return
    nearest = nearest_to(name, sorted(known))
    expected = listing(known)
    hint = (
        f"did you mean '{nearest}'?" if nearest else f"known are {expected}" if known else "none is declared"
    )
    yield Finding(
        pointer, f"unknown_{kind}", f"there is no {kind} '{name}'; {hint}", expected, nearest, at_key
    )


def _languages(definition: Definition) -> Iterator[Finding]:
    languages = definition.languages
    for at, language in enumerate(languages):
        if language in languages[:at]:
            yield Finding(f"/languages/{at}", "duplicate_language", f"'{language}' stands here a second time")
    for pointer, value in leaves(definition):
        if isinstance(value, Text) and value.translations:
            given = [language for language, _ in value.translations]
            for language in given:
                yield from known_findings(
                    "language", language, languages, join(pointer, language), at_key=True
                )
            if languages[0] not in given:
                detail = f"the text in '{languages[0]}', the program's first language, is missing"
                yield Finding(pointer, "missing_translation", detail, languages[0])


def _money_wallets(definition: Definition) -> Iterator[Finding]:
    """Wallets of money keep the currency's places, a unit is worth 1, and gift cards have one wallet."""
    places = get_currency_precision(definition.currency)
    money = {key: one for key, one in definition.wallets.items() if one.tender != "points"}
    for key, wallet in money.items():
        if wallet.scale != places:
            detail = f"a wallet of money keeps the {places} decimal places of {definition.currency}"
            yield Finding(f"/wallets/{key}/scale", "money_wallet_scale", detail, str(places))
        if wallet.worth is not None and wallet.worth != 1:
            detail = "a unit of a wallet of money is worth 1; leave `worth` out"
            yield Finding(f"/wallets/{key}/worth", "money_wallet_worth", detail, "1")
    credit = [key for key, one in money.items() if one.tender == "store_credit"]
    if definition.returns.gift_cards_to == "store_credit" and len(credit) != 1:
        detail = "what gift cards paid can become store credit where there is one wallet of that tender"
        yield Finding("/returns/gift_cards_to", "store_credit_unclear", detail)
    cards = [key for key, one in money.items() if one.tender == "gift_card"]
    for key in cards[1:]:
        detail = f"gift cards keep their money in the wallet '{cards[0]}'; there can be no second one"
        yield Finding(f"/wallets/{key}/tender", "second_gift_card_wallet", detail)
    for key, reward in definition.rewards.items() if cards else ():
        if reward.kind == "gift_card":
            yield from _card_reward(definition, reward, f"/rewards/{key}")


def _kept_wallets(definition: Definition) -> Iterator[Finding]:
    """What is not spent buys nothing and pays nothing."""
    kept = {key: one for key, one in definition.wallets.items() if not one.spendable}
    detail = "units of this wallet are not spent: it says `spendable: false`"
    for key, wallet in kept.items():
        if wallet.worth is not None or wallet.tender != "points":
            name = "worth" if wallet.worth is not None else "tender"
            yield Finding(f"/wallets/{key}/{name}", "wallet_not_spendable", detail)
    for key, reward in definition.rewards.items() if kept else ():
        for paid in reward.price:
            if paid in kept:
                yield Finding(f"/rewards/{key}/price/{paid}", "wallet_not_spendable", detail, at_key=True)


def _card_reward(definition: Definition, reward: Reward, pointer: str) -> Iterator[Finding]:
    if not reward.worth:
        detail = "say with `worth` how much money is on this gift card"
        yield Finding(f"{pointer}/worth", "gift_card_worth", detail)
    else:
        yield from money_findings(definition, reward.worth, f"{pointer}/worth")
    if reward.code is not None:
        detail = "gift cards have codes of their own, which nobody can guess; leave `code` out"
        yield Finding(f"{pointer}/code", "gift_card_code", detail)


def _campaign(definition: Definition, campaign: Campaign, pointer: str) -> Iterator[Finding]:
    if campaign.lane is not None:
        yield from known_findings("lane", campaign.lane, definition.lanes, f"{pointer}/lane")
    if campaign.limits.budget is not None:
        yield from budget_findings(definition, campaign.limits.budget, f"{pointer}/limits/budget")
    for at, effect in enumerate(campaign.then):
        yield from effect_findings(definition, effect, f"{pointer}/then/{at}/{effect.effect}")


def effect_findings(definition: Definition, effect: EffectPart, pointer: str) -> Iterator[Finding]:
    """Check what an effect names.

    Args:
        definition: the whole definition.
        effect: the effect.
        pointer: JSON pointer to it.

    Yields:
        What does not hold.
    """
    if isinstance(effect, Award | Multiply):
        yield from known_findings("wallet", effect.wallet, definition.wallets, f"{pointer}/wallet")
    if isinstance(effect, Multiply):
        for at, campaign in enumerate(effect.of or ()):
            yield from known_findings("campaign", campaign, definition.campaigns, f"{pointer}/of/{at}")
    if isinstance(effect, Badge):
        yield from known_findings("badge", effect.badge, definition.badges, f"{pointer}/badge")
    if isinstance(effect, Grant | Redeem):
        yield from known_findings("reward", effect.reward, definition.rewards, f"{pointer}/reward")
    if isinstance(effect, Redeem):
        reward = definition.rewards.get(effect.reward)
        if reward is not None and not reward.price:
            detail = f"the reward '{effect.reward}' has no price to pay; grant it instead"
            yield Finding(f"{pointer}/reward", "reward_without_price", detail)


def money_findings(definition: Definition, amount: Decimal, pointer: str) -> Iterator[Finding]:
    """Check that an amount of money can be paid in the program's currency.

    Args:
        definition: the whole definition.
        amount: in whole units of the currency.
        pointer: JSON pointer to it.

    Yields:
        A finding where it has too many decimal places.
    """
    places = get_currency_precision(definition.currency)
    if places_of(amount) > places:
        yield Finding(pointer, "too_many_decimals", f"{definition.currency} has {places} decimal places")


def budget_findings(definition: Definition, budget: Budget, pointer: str) -> Iterator[Finding]:
    """Check the amounts of a budget.

    Args:
        definition: the whole definition.
        budget: the budget.
        pointer: JSON pointer to it.

    Yields:
        What does not hold.
    """
    if budget.money is not None:
        yield from money_findings(definition, budget.money, f"{pointer}/money")
    for wallet, units in (budget.units or {}).items():
        yield from units_findings(definition, wallet, units, f"{pointer}/units/{wallet}")


def units_findings(definition: Definition, wallet: str, units: Decimal, pointer: str) -> Iterator[Finding]:
    """Check units of a wallet that a document names as a key.

    Args:
        definition: as the models took it.
        wallet: its key.
        units: whole units.
        pointer: where the figure stands.

    Yields:
        A wallet that is not there, or places that it does not keep.
    """
    yield from known_findings("wallet", wallet, definition.wallets, pointer, at_key=True)
    kept = definition.wallets.get(wallet)
    if kept is not None and places_of(units) > kept.scale:
        yield Finding(
            pointer, "too_many_decimals", f"the wallet '{wallet}' keeps {kept.scale} decimal places"
        )


def _reward(definition: Definition, reward: Reward, pointer: str) -> Iterator[Finding]:
    if reward.lane is not None:
        yield from known_findings("lane", reward.lane, definition.lanes, f"{pointer}/lane")
    for wallet, units in reward.price.items():
        yield from units_findings(definition, wallet, units, f"{pointer}/price/{wallet}")
    holders: dict[str, list[str]] = {}
    for ladder, entry in definition.ladders.items():
        for tier in entry.tiers:
            holders.setdefault(tier, []).append(ladder)
            holders.setdefault(f"{ladder}.{tier}", []).append(ladder)
    for at, tier in enumerate(reward.tiers):
        yield from known_findings("tier", tier, holders, f"{pointer}/tiers/{at}")
        if len(holders.get(tier, ())) > 1:
            detail = f"several ladders have a tier '{tier}'; write '{holders[tier][0]}.{tier}'"
            yield Finding(f"{pointer}/tiers/{at}", "ambiguous_tier", detail)
    if reward.limits.budget is not None:
        yield from budget_findings(definition, reward.limits.budget, f"{pointer}/limits/budget")


def _retired(definition: Definition) -> Iterator[Finding]:
    for key, conversion in definition.retired.wallets.items():
        pointer = f"/retired/wallets/{key}"
        if key in definition.wallets:
            detail = f"the wallet '{key}' still stands under 'wallets'; what is retired stands only here"
            yield Finding(pointer, "retired_and_kept", detail, at_key=True)
        if conversion.into != NOTHING:
            yield from known_findings("wallet", conversion.into, definition.wallets, f"{pointer}/into")
        elif conversion.into in definition.wallets:
            detail = "'nothing' gives units up, and a wallet is called so too; call the wallet otherwise"
            yield Finding(f"{pointer}/into", "ambiguous_conversion", detail)
        if (conversion.rate is None) != (conversion.into == NOTHING):
            detail = (
                "units that turn into nothing have no rate"
                if conversion.into == NOTHING
                else f"say with `rate` how many {conversion.into} each unit of '{key}' becomes"
            )
            yield Finding(pointer, "conversion_rate", detail)


def _retired_rewards(definition: Definition) -> Iterator[Finding]:
    for key in definition.retired.rewards:
        if key in definition.rewards:
            detail = f"the reward '{key}' still stands under 'rewards'; what is retired stands only here"
            yield Finding(f"/retired/rewards/{key}", "retired_and_kept", detail, at_key=True)


def _lanes(definition: Definition) -> Iterator[Finding]:
    for key, lane in definition.lanes.items():
        if lane.within is not None:
            yield from known_findings("lane", lane.within, definition.lanes, f"/lanes/{key}/within")
        seen, up = {key}, lane.within
        while up is not None and up in definition.lanes and up not in seen:
            seen.add(up)
            up = definition.lanes[up].within
        if up in seen:
            detail = f"the lane '{key}' stands within itself"
            yield Finding(f"/lanes/{key}/within", "lane_within_itself", detail)
