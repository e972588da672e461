"""Whether a reward can be had now, by whom, for how much, and what is missing to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text
from guerdon.rules.draft import Draft
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.limits import Draw, stock_draw
from guerdon.rules.noting import note_inputs
from guerdon.rules.owing import spendable
from guerdon.rules.parts import Reward
from guerdon.rules.program import Program
from guerdon.rules.segments import see_segments
from guerdon.rules.stepping import TAKING
from guerdon.rules.takings import check_cooling, ready_at

SENTENCES = {
    "reward_not_yet": "this reward cannot be had yet",
    "reward_over": "this reward cannot be had any more",
    "reward_called_off": "this was called off and does not take place",
    "reward_not_for_tier": "this reward is for other tiers",
    "reward_not_for_member": "this reward is for others",
    "reward_not_for_sale": "this reward is granted and has no price",
    "choice_missing": "say what is chosen of this reward",
    "choice_unknown": "this cannot be chosen of this reward",
}
"""Why a reward cannot be had, in a sentence for people."""

CHOICE = "choice"
"""The kind of rewards of which others can be chosen."""


class Offer(msgspec.Struct, frozen=True):
    """A reward as one account may see it."""

    price: Mapping[str, int]
    """What one costs it, units by wallet in its scale."""
    missing: Mapping[str, int]
    """What it lacks to take the least that can be taken, by wallet."""
    reason: str
    """Why it cannot take it, beside missing units; empty where it can."""
    is_seen: bool
    """Whether it is for this account at all: what is for another audience is not shown."""
    ready_at: datetime | None
    """From when on it can be taken again; None where that is now."""


def why_not_offered(reward: Reward, held: Collection[str], local: datetime) -> str:
    """Say why somebody cannot have a reward, whatever he has to pay with.

    Args:
        reward: what is wanted.
        held: his tiers, as `tier` and as `ladder.tier`.
        local: the program's local clock, without its zone.

    Returns:
        One of `SENTENCES`, empty where he can. From `public_at` on the tiers do not matter.
    """
    if reward.is_called_off:
        return "reward_called_off"
    if reward.opens is not None and local < reward.opens:
        return "reward_not_yet"
    if reward.until is not None and local > reward.until:
        return "reward_over"
    is_public = reward.public_at is not None and local >= reward.public_at
    if is_public or not reward.tiers:
        waits = reward.public_at is not None and not is_public and not reward.tiers
        return "reward_not_yet" if waits else ""
    return "" if reward.tiers & set(held) else "reward_not_for_tier"


def why_not_chosen(reward: Reward, choice: str) -> str:
    """Say what is wrong with a choice.

    Args:
        reward: what is taken.
        choice: what was chosen, empty where nothing was said.

    Returns:
        One of `SENTENCES`, empty where all is well. A reward without a list takes any words.
    """
    if not reward.choices or choice in reward.choices:
        return ""
    return "choice_unknown" if choice else "choice_missing"


def chosen_of(program: Program, reward: Reward, choice: str) -> Reward | None:
    """Find the reward that is chosen of another.

    Args:
        program: the version that decides.
        reward: what is taken.
        choice: what was chosen.

    Returns:
        The reward, None where the choice is plain words.
    """
    if reward.kind != CHOICE or choice not in reward.choices or choice == reward.key:
        return None
    return program.rewards.get(choice)


def choice_draw(reward: Reward, choice: str) -> Draw | None:
    """Find the counter of what there is of a choice.

    Args:
        reward: what is taken.
        choice: what was chosen.

    Returns:
        The counter, None where there is no end of it.
    """
    stock = reward.stock_by_choice.get(choice)
    if stock is None:
        return None
    of_all = stock_draw(reward.key, stock)
    return msgspec.structs.replace(of_all, counter=f"{of_all.counter}/{choice}")


def price_of(program: Program, reward: Reward, held: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """Tell what one of a reward costs somebody.

    Args:
        program: for the order of its tiers.
        reward: what is wanted.
        held: his tiers by ladder.

    Returns:
        Wallet and units in its scale: the price of the highest tier with one that he has reached.
    """
    if not reward.price_by_tier:
        return reward.price
    for key, ladder in program.ladders.items():
        level = ladder.level_of(held[key]) if key in held else 0
        for tier in reversed(ladder.tiers[: level + 1]):
            for name in (f"{key}.{tier.key}", tier.key):
                if name in reward.price_by_tier:
                    return reward.price_by_tier[name]
    return reward.price


def is_meant(draft: Draft, reward: Reward) -> bool:
    """Tell whether an account is in a reward's audience, and keep what was read for that.

    Args:
        draft: the decision.
        reward: what is wanted.

    Returns:
        True without an audience; False where its expression has no value.
    """
    if reward.audience is None:
        return True
    scope = draft.scope(TAKING)
    see_segments(draft.program.segments_of, scope, TAKING)
    note_inputs(draft, scope, TAKING)
    try:
        return bool(reward.audience.evaluate(scope))
    except EvaluationError:
        return False


def why_not_entered(draft: Draft, reward: Reward) -> str:
    """Say why an account may not come in by an access that is for nothing.

    Args:
        draft: the decision.
        reward: the access.

    Returns:
        One of `SENTENCES`, empty where it may.
    """
    refused = why_not_offered(reward, _held(draft), _local(draft))
    return refused or ("" if is_meant(draft, reward) else "reward_not_for_member")


def price_for(draft: Draft, reward: Reward, quantity: int) -> dict[str, int]:
    """Tell what a reward costs the account of a decision.

    Args:
        draft: the decision.
        reward: what is wanted.
        quantity: how many.

    Returns:
        Units by wallet in its scale.
    """
    held = {key: one.level for key, one in draft.tiers.items()}
    return {wallet: units * quantity for wallet, units in price_of(draft.program, reward, held)}


def check_offer(draft: Draft, reward: Reward, *, granted: bool = False, by_campaign: bool = False) -> None:
    """Make sure that a reward can be had now, and that the account may have it.

    Args:
        draft: the decision.
        reward: what is wanted.
        granted: whether a campaign gives it, on whatever day.
        by_campaign: whether a campaign takes it for the account: then the campaign's own audience is meant.

    Raises:
        Problem: `reward_not_for_tier`, `reward_not_for_member`, `reward_not_yet`, `reward_over` or
            `reward_called_off`.
    """
    if granted:
        reward = msgspec.structs.replace(reward, opens=None, until=None)
    refused = why_not_offered(reward, _held(draft), _local(draft))
    if refused == "reward_not_for_tier":
        raise Problem(refused, "this reward is for the tiers " + ", ".join(sorted(reward.tiers)))
    if refused and (refused == "reward_called_off" or not granted):
        raise Problem(refused, SENTENCES[refused])
    if not (granted or by_campaign or is_meant(draft, reward)):
        raise Problem("reward_not_for_member", SENTENCES["reward_not_for_member"])


def check_for_cart(draft: Draft, reward: Reward) -> Reward:
    """Make sure that one of a reward can come with a cart.

    Args:
        draft: the decision.
        reward: what is wanted.

    Returns:
        The reward with the price that this account pays.

    Raises:
        Problem: what `check_offer`, `check_quantity`, `check_cooling` and `check_balance` raise.
    """
    check_offer(draft, reward)
    check_cooling(draft, reward)
    check_quantity(reward, 1)
    price = price_for(draft, reward, 1)
    check_balance(draft, reward, price)
    return msgspec.structs.replace(reward, price=tuple(price.items()))


def price_pinned(program: Program, reward: Reward) -> dict[str, int]:
    """Tell what a checkout promises of a reward's price.

    Args:
        program: the version that prices.
        reward: of `check_for_cart`.

    Returns:
        The price where others pay another; empty where all pay the same.
    """
    return dict(reward.price) if program.rewards[reward.key].price_by_tier else {}


def as_promised(reward: Reward, price: Mapping[str, int]) -> Reward:
    """Give a reward as a checkout promised it: to this account, for this price.

    Args:
        reward: as it stands.
        price: what was promised, empty for the price of all.

    Returns:
        The reward, whoever it is for and whatever balance it asks for.
    """
    return msgspec.structs.replace(
        reward,
        tiers=frozenset(),
        opens=None,
        until=None,
        public_at=None,
        audience=None,
        needs=(),
        leaves=(),
        price_by_tier={},
        price=tuple(price.items()) or reward.price,
    )


def check_quantity(reward: Reward, quantity: int) -> None:
    """Make sure that so many of a reward can be taken at once.

    Args:
        reward: what is wanted.
        quantity: how many.

    Raises:
        Problem: `quantity_too_small` or `quantity_too_large`, at `/quantity`.
    """
    if quantity < reward.at_least:
        detail = f"at least {reward.at_least} of this reward are taken at once"
        raise Problem.at("/quantity", "quantity_too_small", detail)
    if reward.at_most is not None and quantity > reward.at_most:
        detail = f"at most {reward.at_most} of this reward are taken at once"
        raise Problem.at("/quantity", "quantity_too_large", detail)


def check_balance(draft: Draft, reward: Reward, price: Mapping[str, int]) -> None:
    """Make sure that an account has what a reward asks for before, and keeps what it asks for afterwards.

    Args:
        draft: the decision.
        reward: what is wanted.
        price: units by wallet that it is going to pay.

    Raises:
        Problem: `balance_too_small`.
    """
    for wallets, paid, words in (
        (reward.needs, {}, "are needed to begin with"),
        (reward.leaves, price, "must be left afterwards"),
    ):
        for wallet, units in wallets:
            there = spendable(draft, wallet) - paid.get(wallet, 0)
            if there < units:
                scale = draft.program.scales.get(wallet, 0)
                asked, left = scaled_text(units, scale), scaled_text(max(there, 0), scale)
                detail = f"{asked} of {wallet} {words}, and that would be {left}"
                raise Problem("balance_too_small", detail)


def offer_of(draft: Draft, reward: Reward) -> Offer:
    """Tell how an account sees a reward, by the very rules by which it would take it.

    Args:
        draft: a decision about the account that was settled and changes nothing.
        reward: what is looked at.

    Returns:
        Its price, and what is missing; shared counters are not looked at.
    """
    price = price_for(draft, reward, 1)
    missing: dict[str, int] = {}
    asked = {wallet: units * reward.at_least for wallet, units in price.items()}
    for wallet, units in reward.needs:
        asked[wallet] = max(asked.get(wallet, 0), units)
    for wallet, units in reward.leaves:
        asked[wallet] = max(asked.get(wallet, 0), price.get(wallet, 0) * reward.at_least + units)
    for wallet, units in asked.items():
        lacking = units - spendable(draft, wallet)
        if lacking > 0:
            missing[wallet] = lacking
    is_seen = is_meant(draft, reward)
    ready = ready_at(draft, reward)
    reason = "" if reward.price or reward.is_free else "reward_not_for_sale"
    reason = reason or why_not_offered(reward, _held(draft), _local(draft))
    reason = reason or ("" if is_seen else "reward_not_for_member") or ("reward_cooling" if ready else "")
    return Offer(price, missing, reason, is_seen, ready)


def _held(draft: Draft) -> set[str]:
    return {name for key, one in draft.tiers.items() for name in (one.level, f"{key}.{one.level}")}


def _local(draft: Draft) -> datetime:
    return draft.program.zone.local(draft.now).replace(tzinfo=None)
