"""The two halves of a merge, each a decision about one account."""

from __future__ import annotations

from datetime import datetime

import msgspec

from guerdon.base.errors import Problem
from guerdon.rules import lots
from guerdon.rules.contents import Carried, Contents
from guerdon.rules.decision import Entry
from guerdon.rules.draft import Draft
from guerdon.rules.entries import moved_entries
from guerdon.rules.events import LeaveFor, TakeIn
from guerdon.rules.merging.joining import (
    joined_badges,
    joined_buckets,
    joined_counters,
    joined_takings,
    joined_tier,
)
from guerdon.rules.owing import repay
from guerdon.rules.reaching.merging import joined_challenges
from guerdon.rules.state import Lot, WalletState
from guerdon.rules.tickets import without_tickets
from guerdon.rules.tiers import changed

_EMPTY = WalletState()


def leave_for(draft: Draft, command: LeaveFor) -> None:
    """Let all that an account has go to another one.

    Args:
        draft: the decision about the account that is merged.
        command: where to.

    Raises:
        Problem: `same_account`, or `account_has_checkout` while an open checkout holds something of it.
    """
    if command.to_account == draft.before.account.account_id:
        raise Problem.at("/into", "same_account", "an account cannot be merged into itself")
    if draft.holds:
        until = max(hold.expires_at for hold in draft.holds.values())
        detail = (
            "an open checkout holds something of this account: confirm or cancel it,"
            f" or wait until it lapses at {until.isoformat()}"
        )
        raise Problem("account_has_checkout", detail)
    repay(draft)
    for key, wallet in sorted(draft.wallets.items()):
        given = lots.sort_lots(wallet.lots or (), "earned_first")
        moved = moved_entries(given, -1, "transit") if given else ()
        _post(draft, key, moved, -wallet.debt, command.to_account)
        draft.wallets[key] = WalletState(lots=())
    for key, ladder in draft.program.ladders.items():
        held, base = draft.tiers.get(key), ladder.tiers[0].key
        if held is not None and held.level != base:
            draft.tier_changes.append(changed(ladder, (held.level, base), draft.now, "merged"))
    draft.buckets, draft.tiers, draft.counters, draft.badges, draft.takings = {}, {}, {}, {}, {}
    draft.challenges = {}


def take_in(draft: Draft, command: TakeIn) -> None:
    """Let all that another account had arrive: lots with their dates, counts, limits, tiers and badges.

    Args:
        draft: the decision about the account that stays.
        command: from where, and what.

    Raises:
        Problem: `balance_too_large`.
    """
    contents = command.contents
    for key, carried in sorted(contents.wallets.items()):
        _take_wallet(draft, key, carried, command.from_account)
    draft.challenges = joined_challenges(draft, contents)
    draft.buckets = joined_buckets(draft.buckets, contents.buckets, draft.program.metrics.values())
    draft.counters = joined_counters(draft.counters, without_tickets(draft.program, contents.counters))
    draft.badges = joined_badges(draft.badges, contents.badges)
    draft.takings = joined_takings(draft.takings, contents.takings)
    _join_tiers(draft, contents)
    _join_clocks(draft, contents.last_occurred_at)


def _take_wallet(draft: Draft, key: str, carried: Carried, from_account: int) -> None:
    if not draft.fits(key, sum(lot.remaining for lot in carried.lots)):
        raise Problem("balance_too_large", f"the wallet {key} cannot hold what both accounts have")
    wallet = draft.wallets.get(key, _EMPTY)
    ends = [one for one in (wallet.idle_expires_at, carried.idle_expires_at) if one is not None]
    # Merging is no activity: the later of both ends stays as it is.
    idle = max(ends, default=None)
    entries: list[Entry] = []
    gone: list[Lot] = []
    for lot in carried.lots:
        entries.append(Entry("member", lot.remaining, lot.available_at, lot.expires_at))
        if min(lot.expires_at or lots.NEVER, idle or lots.NEVER) <= draft.now:
            # This account's clock is ahead of the other one's.
            gone.append(lot)
        else:
            wallet = lots.add(wallet, lot, draft.now, draft.program.spending_order)
    if entries:
        entries.append(Entry("transit", -sum(lot.remaining for lot in carried.lots)))
    wallet = msgspec.structs.replace(wallet, debt=wallet.debt + carried.debt, idle_expires_at=idle)
    draft.wallets[key] = lots.recount(wallet, draft.now)
    _post(draft, key, tuple(entries), carried.debt, from_account)
    if gone:
        draft.post("expire", key, moved_entries(gone, -1, "expired"), effective_at=draft.now)


def _post(draft: Draft, wallet: str, moved: tuple[Entry, ...], owed: int, other_account: int) -> None:
    """Post what moves in one wallet: units, and what is owed."""
    debt = (Entry("owed", -owed), Entry("transit", owed)) if owed else ()
    if moved or debt:
        draft.post("merge", wallet, (*moved, *debt), other_account=other_account)


def _join_tiers(draft: Draft, contents: Contents) -> None:
    zone, now = draft.program.zone, draft.now
    for key, ladder in draft.program.ladders.items():
        mine, theirs = draft.tiers.get(key), contents.tiers.get(key)
        joined = joined_tier(ladder, (mine, theirs), draft.counts(), zone, now)
        before = mine.level if mine is not None else ladder.tiers[0].key
        if joined.level != before:
            draft.tier_changes.append(changed(ladder, (before, joined.level), now, "merged"))
        draft.tiers[key] = joined
    for key, theirs in contents.tiers.items():
        # Of a ladder that is not there any more nothing is worked out; what was reached on it is kept.
        draft.tiers.setdefault(key, theirs)


def _join_clocks(draft: Draft, last_occurred_at: datetime | None) -> None:
    account = draft.before.account
    latest = [one for one in (account.last_occurred_at, last_occurred_at) if one is not None]
    account = msgspec.structs.replace(account, last_occurred_at=max(latest, default=None))
    draft.before = msgspec.structs.replace(draft.before, account=account)
