"""What taking a reward fixes: money for a cause with the shop's share, a warranty's end, an access."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from guerdon.base.calendar import Span
from guerdon.base.exact import round_scaled, scaled_decimal
from guerdon.rules.draft import Draft
from guerdon.rules.events import Redeem
from guerdon.rules.limits import Draw, key_part
from guerdon.rules.owing import free
from guerdon.rules.particulars import NOTHING_FIXED, Gift, Particulars
from guerdon.rules.parts import Reward

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PLENTY = Decimal(10) ** 15
"""More than any cause is ever given."""
_ONE = Decimal(1)


def cause_draws(cause: str, match_at_most: Decimal | None = None) -> tuple[Draw, Draw, Draw, Draw]:
    """Give the counters of a cause's running total.

    Args:
        cause: the cause's key.
        match_at_most: money that the shop puts on top in all, whole units; None without end.

    Returns:
        Money that members gave, money that the shop put on top, donations that stand, and receipts written;
        the last one never goes down. All accounts share them.
    """
    owner = f"cause/{key_part(cause)}"
    bound = PLENTY if match_at_most is None else match_at_most
    return (
        Draw(f"{owner}/given", PLENTY, shared=True),
        Draw(f"{owner}/matched", bound, shared=True),
        Draw(f"{owner}/donations", PLENTY, shared=True),
        Draw(f"{owner}/receipts", PLENTY, shared=True),
    )


def draws_of_gift(gift: Gift | None) -> tuple[Draw, ...]:
    """List the counters that a donation adds to.

    Args:
        gift: what a reward gives to a cause, None for any other.

    Returns:
        The counters.
    """
    return () if gift is None else cause_draws(gift.cause, gift.match_at_most)


def fix(draft: Draft, reward: Reward, command: Redeem, asked: Reward) -> Particulars:
    """Fix what a taking comes to, and add it to the running total of its cause.

    Args:
        draft: the decision.
        reward: what is given out.
        command: how many, and what a warranty is for.
        asked: what was asked for: the reward itself, or the one that it was chosen of.

    Returns:
        What is fixed.
    """
    fixed = NOTHING_FIXED
    if asked.key != reward.key:
        fixed = msgspec.structs.replace(fixed, chosen_from=asked.key)
    if reward.gift is not None:
        fixed = _donate(draft, reward.gift, command.quantity, fixed)
    if reward.kind == "warranty":
        fixed = _warrant(draft, reward, command, fixed)
    if reward.kind == "access":
        starts_at, ends_at = access_span(draft, reward)
        fixed = msgspec.structs.replace(fixed, starts_at=starts_at, ends_at=ends_at)
    if reward.partner:
        points = None if reward.gives is None else reward.gives * command.quantity
        fixed = msgspec.structs.replace(fixed, partner=reward.partner, partner_points=points)
    return fixed


def _donate(draft: Draft, gift: Gift, quantity: int, fixed: Particulars) -> Particulars:
    given_to, matched_by, donations, receipts = draws_of_gift(gift)
    digits = draft.program.digits
    given = scaled_decimal(gift.minor * quantity, digits)
    # The last share of a bounded match is a part.
    room = max(draft.room(matched_by), Decimal(0))
    matched = scaled_decimal(round_scaled(min(given * gift.match, room), digits, "half_up"), digits)
    matched = min(matched, room)
    number = int(PLENTY - draft.room(receipts)) + 1
    for draw, amount in ((given_to, given), (matched_by, matched), (donations, _ONE), (receipts, _ONE)):
        draft.room(draw)
        draft.draw(draw, amount)
    return msgspec.structs.replace(
        fixed, cause=gift.cause, given=given, matched=matched, receipt=f"{gift.cause}-{number:06d}"
    )


def take_back(draft: Draft, fixed: Particulars) -> None:
    """Take a donation out of the running total of its cause again, to the cent.

    Args:
        draft: the decision.
        fixed: as it was taken.
    """
    if fixed.cause:
        given_to, matched_by, donations, _ = cause_draws(fixed.cause)
        for draw, amount in ((given_to, fixed.given), (matched_by, fixed.matched), (donations, _ONE)):
            free(draft, draw, amount)


def _warrant(draft: Draft, reward: Reward, command: Redeem, fixed: Particulars) -> Particulars:
    covers, taken_at = command.covers, draft.event.occurred_at
    starts_at = taken_at if covers is None or covers.ends_at is None else covers.ends_at
    ends_at = None if reward.adds is None else draft.program.zone.after(starts_at, reward.adds)
    return msgspec.structs.replace(fixed, covers=covers, starts_at=starts_at, ends_at=ends_at)


def access_span(draft: Draft, reward: Reward) -> tuple[datetime, datetime | None]:
    """Tell from when until when an access holds that is taken now.

    Args:
        draft: the decision.
        reward: the access.

    Returns:
        When it opens, and when it is over: when everybody has it, when the reward is, or when its own time
        is; None without end.
    """
    taken_at = draft.event.occurred_at
    ends = [_instant(draft, one) for one in (reward.public_at, reward.until) if one is not None]
    if reward.valid is not None:
        ends.append(draft.program.zone.after(taken_at, reward.valid))
    return taken_at if reward.opens is None else _instant(draft, reward.opens), min(ends, default=None)


def _instant(draft: Draft, local: datetime) -> datetime:
    return local.replace(tzinfo=draft.program.zone.info).astimezone(UTC)


def code_of(draft: Draft, reward: Reward) -> str:
    """Draw the code that a redemption has.

    Args:
        draft: the decision.
        reward: what is given out.

    Returns:
        The code; empty where the reward has none.
    """
    if reward.code is None:
        return ""
    before, letters, after = reward.code
    return before + draft.chance.letters(letters, CODE_ALPHABET) + after


def valid_until(draft: Draft, valid: Span | None) -> datetime | None:
    """Tell until when what is given out now can be used.

    Args:
        draft: the decision.
        valid: for how long; None without end.

    Returns:
        The instant at which its time is over.
    """
    return draft.program.zone.after(draft.event.occurred_at, valid) if valid is not None else None
