"""Who may come in before others: accesses that an account has at an instant, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from guerdon.base.ids import Chance
from guerdon.engine.looking.offers import Looker, load_state
from guerdon.infra.tx import Tx
from guerdon.rewards.redemptions import Page, Redemption, list_redemptions
from guerdon.rules.draft import Draft
from guerdon.rules.events import Event
from guerdon.rules.giving import access_span
from guerdon.rules.limits import NO_LIMITS
from guerdon.rules.offering import why_not_entered
from guerdon.rules.program import Reward
from guerdon.rules.step import exactly
from guerdon.rules.stepping import TAKING

_KIND: Final = "access"
_LATELY: Final = 200
"""Redemptions of accesses that are looked at; nobody has more of them."""


class Entry(NamedTuple):
    """How an access stands for an account."""

    reason: str
    """Why it may not come in: `access_not_taken`, `access_not_yet`, `access_over`, `reward_not_for_tier`,
    `reward_not_for_member`, `reward_not_yet` or `reward_over`; empty where it may."""
    redemption_id: int | None
    """What it took; None for what need not be taken."""
    ends_at: datetime | None
    """When the access is over by itself; None without end."""


def load_entries(tx: Tx, looker: Looker, now: datetime) -> dict[str, Entry]:
    """Tell where an account may come in before others, as things stand now.

    What was bought, or given by a campaign, is had until its end. What is free is for those whom it is for,
    as long as it is for them: with the tier, the access is lost.

    Args:
        tx: bound to the tenant; nothing is locked.
        looker: who, and where.
        now: the instant.

    Returns:
        By key, each reward of the kind `access`.
    """
    asked = {key: one for key, one in looker.program.rewards.items() if one.kind == _KIND}
    if not asked:
        return {}
    taken = _load_taken(tx, looker)
    with exactly():
        draft = Draft(
            looker.program,
            load_state(tx, looker, now),
            Event(TAKING, now, now, source="guerdon", channel="system"),
            Chance(bytes(8)),
        )
        draft.settle()
        return {key: _entry(draft, one, taken.get(key, ()), now) for key, one in asked.items()}


def _load_taken(tx: Tx, looker: Looker) -> Mapping[str, Sequence[Redemption]]:
    page = Page(_LATELY, account_id=looker.account_id, kind=_KIND)
    found: dict[str, list[Redemption]] = {}
    for row in list_redemptions(tx, looker.program_id, page):
        if row.is_open:
            found.setdefault(row.reward, []).append(row)
    return found


def _entry(draft: Draft, reward: Reward, taken: Sequence[Redemption], now: datetime) -> Entry:
    refused = why_not_entered(draft, reward)
    entries = [_taken(row, refused, now) for row in taken]
    if not _must_be_taken(reward):
        _, ends_at = access_span(draft, reward)
        over = ends_at is not None and ends_at <= now
        entries.append(Entry(refused or ("access_over" if over else ""), None, ends_at))
    elif not taken:
        entries.append(Entry(refused or "access_not_taken", None, None))
    return next((one for one in entries if not one.reason), entries[0])


def _taken(row: Redemption, refused: str, now: datetime) -> Entry:
    fixed = row.fixed
    reason = "" if row.price or row.campaign else refused
    if fixed.starts_at is not None and now < fixed.starts_at:
        reason = "access_not_yet"
    elif fixed.ends_at is not None and now >= fixed.ends_at:
        reason = "access_over"
    return Entry(reason, row.redemption_id, fixed.ends_at)


def _must_be_taken(reward: Reward) -> bool:
    """Tell whether only taking an access settles who has it: it has a price, or an end of them."""
    counted = reward.stock is not None or reward.limits != NO_LIMITS or bool(reward.choices)
    return bool(reward.price) or counted or reward.valid is not None or reward.cooling is not None
