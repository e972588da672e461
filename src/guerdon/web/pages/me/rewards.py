"""Rewards as a member sees them: those that can be had, those nearly, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.engine.commands import RedeemReward
from guerdon.engine.looking.offers import Looker, load_offers
from guerdon.infra.tx import Tx
from guerdon.members.identities import member_ref
from guerdon.rules.offering import Offer
from guerdon.rules.program import Reward
from guerdon.web.console.chart import stitch_length, stitches
from guerdon.web.pages.me.acting import Asked, tell
from guerdon.web.pages.me.reader import Reader

_HIDDEN: Final = frozenset({"reward_not_for_sale", "reward_over", "reward_not_for_member"})
_ELSEWHERE: Final = frozenset({"warranty"})
"""Kinds of which more has to be said than this page asks."""
_NO_REWARD: Final = Problem("reward_not_found", "there is no such reward")


@dataclass(frozen=True, slots=True)
class RewardView:
    """A reward on the page."""

    key: str
    kind: str
    name: str
    place: str
    at: date | None
    """Local day of an event, with its time where one is written."""
    price: str
    """Empty where it costs nothing."""
    state: str
    """`open`, `missing` (units alone are missing) or `closed`."""
    why: str
    """Why it cannot be had now; empty where it can."""
    length: int
    """Of the seam towards its price, in the drawing's units."""
    share: Decimal
    """How much of the price there is, of 1."""
    choices: tuple[tuple[str, str], ...]
    """What can be chosen, each with its name."""
    says: bool
    """Whether any words may be said of it."""
    at_least: int
    at_most: int | None
    can_wait: bool
    """Whether one can stand in line for it."""


@dataclass(frozen=True, slots=True)
class Taking:
    """What somebody asks for."""

    reward: str
    quantity: str
    choice: str
    once: str


def load_reward_views(tx: Tx, reader: Reader) -> list[RewardView]:
    """Load the rewards that are for a member.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        Those that can be had first, then those to which least is missing, then the others.
    """
    order = ("open", "missing", "closed")
    views = [
        _view(reader, reader.program.rewards[key], offer)
        for key, offer in _offers(tx, reader).items()
        if offer.is_seen and offer.reason not in _HIDDEN
    ]
    return sorted(views, key=lambda one: (order.index(one.state), -one.share))


def load_reward_view(tx: Tx, reader: Reader, key: str) -> RewardView:
    """Load one reward.

    Args:
        tx: bound to the tenant.
        reader: who looks.
        key: the reward.

    Returns:
        As it stands now.

    Raises:
        Problem: `reward_not_found`, also where it is not for them.
    """
    offer = _offers(tx, reader).get(key)
    if offer is None or not offer.is_seen or offer.reason in _HIDDEN:
        raise _NO_REWARD
    return _view(reader, reader.program.rewards[key], offer)


async def redeem(reader: Reader, view: RewardView, asked: Taking) -> int:
    """Take a reward; the same form twice is one taking.

    Args:
        reader: who takes it.
        view: the reward.
        asked: what the form said.

    Returns:
        The redemption's number.

    Raises:
        Problem: `quantity_invalid` or `choice_missing`, at its field; what the engine refuses.
    """
    if not (asked.quantity.isascii() and asked.quantity.isdigit() and 0 < int(asked.quantity[:5]) <= 1000):
        raise Problem.at("/quantity", "quantity_invalid", "expected a whole number from 1 to 1000")
    if view.choices and not asked.choice:
        raise Problem.at("/choice", "choice_missing", "say what is chosen of this reward")
    form = {"quantity": asked.quantity, "choice": asked.choice}
    said = await tell(
        reader,
        RedeemReward,
        Asked("take", asked.reward, asked.once, form),
        member=member_ref(reader.taker.member_id),
        reward=asked.reward,
        quantity=int(asked.quantity),
        choice=asked.choice,
        by=f"member:{reader.ref}",
    )
    return parse_number("red", str(said.redemptions[0]["id"])) or 0


def _offers(tx: Tx, reader: Reader) -> dict[str, Offer]:
    taker = reader.taker
    looker = Looker(taker.program_id, taker.program, taker.account_id, taker.member_id)
    return load_offers(tx, looker, reader.now) if taker.program.rewards else {}


def _view(reader: Reader, reward: Reward, offer: Offer) -> RewardView:
    written = reader.program.definition.rewards[reward.key]
    share = _share(offer, reward)
    state = "closed" if offer.reason or reward.kind in _ELSEWHERE else "missing" if offer.missing else "open"
    voice = reader.opened.voice
    return RewardView(
        key=reward.key,
        kind=reward.kind,
        name=voice.reward(reward.key),
        place=voice.text(written.place) if written.place is not None else "",
        at=written.at,
        price=reader.price(offer.price),
        state=state,
        why=_why(reader, reward, offer),
        length=stitch_length(stitches(share, Decimal(1))),
        share=share,
        choices=choices_of(reader, reward),
        says=not reward.choices and reward.kind in ("product", "experience", "service"),
        at_least=reward.at_least,
        at_most=reward.at_most,
        can_wait=reward.has_line and offer.reason == "out_of_stock",
    )


def choices_of(reader: Reader, reward: Reward) -> tuple[tuple[str, str], ...]:
    """List what can be chosen of a reward.

    Args:
        reader: in whose language.
        reward: the reward.

    Returns:
        Each with its name.
    """
    named = reader.opened.voice.reward if reward.kind == "choice" else str
    return tuple((one, named(one)) for one in reward.choices)


def _share(offer: Offer, reward: Reward) -> Decimal:
    """Tell how much of what is lacked most is there."""
    shares = [Decimal(1)]
    for wallet, missing in offer.missing.items():
        wanted = max(_wanted(offer.price, wallet, reward.at_least), missing)
        shares.append(1 - Decimal(missing) / wanted)
    return min(shares)


def _wanted(price: Mapping[str, int], wallet: str, count: int) -> int:
    return price.get(wallet, 0) * count


def _why(reader: Reader, reward: Reward, offer: Offer) -> str:
    say, zone = reader.say, reader.zone
    if offer.reason == "reward_cooling" and offer.ready_at is not None:
        return reader.text("again_from", time=say.moment(offer.ready_at, zone))
    if offer.reason == "reward_not_yet":
        opens = reward.opens or reward.public_at
        return reader.text("from_day", day=say.day_long(opens)) if opens is not None else reader.text("later")
    if offer.reason == "reward_not_for_tier":
        names = {reader.opened.tier(*_tier(reader, one)) for one in reward.tiers}
        return reader.text("for_tiers", tiers=", ".join(sorted(names)))
    if offer.reason:
        return reader.texts.get(f"why_{offer.reason}", reader.texts["later"])
    if offer.missing:
        return reader.text("more_needed", units=reader.price(offer.missing))
    return reader.texts["ask_the_shop"] if reward.kind in _ELSEWHERE else ""


def _tier(reader: Reader, named: str) -> tuple[str, str]:
    ladder, dot, tier = named.partition(".")
    if dot:
        return ladder, tier
    found = (key for key, one in reader.program.ladders.items() if any(t.key == named for t in one.tiers))
    return next(found, ""), named
