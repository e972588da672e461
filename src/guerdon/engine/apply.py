"""Writing the difference of two states, set-based; nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from guerdon.base.ids import number_text
from guerdon.engine import keys
from guerdon.engine.checkouts.promise import stamped
from guerdon.engine.checkouts.rows import write_checkouts
from guerdon.engine.events import StoredEvent, insert_events, pack_decision
from guerdon.engine.folding.folded import Applied, Folded
from guerdon.engine.folding.invited import write_referrals
from guerdon.engine.gather import Gathered
from guerdon.engine.intake import compress, order_key
from guerdon.engine.returns.captures import capture_key
from guerdon.engine.returns.rows import insert_returns
from guerdon.engine.showing.notices import notices_of
from guerdon.infra import failpoints, outbox
from guerdon.infra.tx import Tx
from guerdon.ledger.changes import WalletChange
from guerdon.ledger.holds import write_holds
from guerdon.ledger.journal import Guard, Posting, check_guards, post
from guerdon.members.accounts import AccountUpdate, open_accounts, write_accounts
from guerdon.members.challenges import ProgressChange, write_progress
from guerdon.members.merging.moving import write_merge
from guerdon.members.standing import StandingChanges, write_standing
from guerdon.programs.audit import Act, record
from guerdon.programs.counters import ask_take
from guerdon.programs.holds import write_shared_holds
from guerdon.rewards.cards import insert_cards, write_blocks
from guerdon.rewards.merging import move_redemptions
from guerdon.rewards.redemptions import StatusChange, insert_redemptions, set_status, settle_chosen
from guerdon.rules.events import TakeCapture
from guerdon.rules.state import AccountState, Hold, HoldKey

Counted = tuple[Callable[[], int], int]
"""How many rows a statement wrote, and how many it had to."""


class _Checks(NamedTuple):
    guards: list[Guard]
    failed_counters: Callable[[], list[str]]
    statuses: Counted
    calls: Counted
    checkouts: Counted
    progress: Counted
    cards: tuple[Counted, ...]


def apply(tx: Tx, gathered: Gathered, folded: Folded) -> None:
    """Write what a batch came to.

    Args:
        tx: the transaction in which it was gathered.
        gathered: what was read.
        folded: what it came to.

    Raises:
        AssertionError: where a guard in the SQL finds something else than the fold did; the batch must be
            rolled back then.
    """
    if _is_idle(gathered, folded):
        return
    with tx.pipeline():
        checks = _write(tx, gathered, folded)
    failpoints.reach("after_write")
    _check(checks)


def _is_idle(gathered: Gathered, folded: Folded) -> bool:
    return (
        not folded.applied
        and not folded.calls
        and folded.checkouts == gathered.checkouts
        and folded.shared_holds is gathered.shared_holds
        and all(state is _before(gathered, folded, one) for one, state in folded.accounts.items())
    )


def _before(gathered: Gathered, folded: Folded, account_id: int) -> AccountState:
    """Give an account as it was before the batch, or as it was opened in it."""
    known = gathered.accounts.get(account_id)
    return known if known is not None else folded.opened[account_id][1]


def _write(tx: Tx, gathered: Gathered, folded: Folded) -> _Checks:
    program_id = gathered.place.program_id
    opened = open_accounts(tx, program_id, [row for row, _ in folded.opened.values()])
    made = insert_cards(tx, program_id, [folded.cards[one] for one in folded.opened])
    keys.insert_keys(tx, program_id, [_key(one) for one in folded.applied if one.body_hash is not None])
    insert_events(tx, program_id, [_stored(gathered, one) for one in folded.applied])
    write_accounts(tx, _accounts(gathered, folded))
    guards = post(tx, program_id, _postings(gathered, folded), _wallets(gathered, folded))
    standing = _standing(gathered, folded)
    write_standing(tx, program_id, standing)
    progress = write_progress(tx, program_id, standing.challenges)
    insert_redemptions(
        tx,
        program_id,
        [folded.statuses.get(made.redemption_id, made) for one in folded.applied for made in one.redemptions],
    )
    chosen = {one.redemption_id for applied in folded.applied for one in applied.decision.chosen}
    settled = settle_chosen(tx, program_id, [folded.statuses[number] for number in sorted(chosen)])
    changes = [
        StatusChange.of(one)
        for one in folded.statuses.values()
        if one is not gathered.redemptions.get(one.redemption_id) and one.redemption_id not in chosen
    ]
    statuses = set_status(tx, changes)
    calls = [
        keys.NewCall(scope, key, known.body_hash, known.answer, made_at)
        for (scope, key), (known, made_at) in folded.calls.items()
    ]
    stored_calls = keys.insert_calls(tx, calls)
    checkouts = [
        stamped(gathered.place.vault, program_id, row)
        for pair, row in folded.checkouts.items()
        if row is not gathered.checkouts.get(pair)
    ]
    stored_checkouts = write_checkouts(tx, program_id, checkouts)
    blocked = [one for key, one in folded.cards.items() if one is not gathered.cards.get(key, one)]
    blocks = write_blocks(tx, program_id, blocked)
    write_holds(tx, program_id, *_account_holds(gathered, folded))
    insert_returns(tx, folded.returns)
    write_referrals(tx, program_id, folded)
    for merge, by, reason in folded.merges:
        write_merge(tx, program_id, merge)
        move_redemptions(tx, merge.account_id, merge.into_account)
        gone, into = (number_text("acc", one) for one in (merge.account_id, merge.into_account))
        detail = {"into": into, **({"reason": reason} if reason else {})}
        act = Act(merge.merged_at, by, "account.merged", gone, program_id, detail)
        record(tx, act, gathered.place.ids)
    outbox.put(tx, program_id, [_parcel(one) for one in folded.applied])
    # What all accounts share comes last, so that its locks are as short as can be.
    failed = ask_take(tx, program_id, _takings(gathered, folded))
    write_shared_holds(tx, program_id, *_changed(gathered.shared_holds, folded.shared_holds))
    return _Checks(
        guards,
        failed,
        (lambda: statuses() + settled(), len(changes) + len(chosen)),
        (stored_calls, len(calls)),
        (stored_checkouts, len(checkouts)),
        progress,
        ((opened, len(folded.opened)), (made, len(folded.opened)), (blocks, len(blocked))),
    )


def _check(checks: _Checks) -> None:
    check_guards(checks.guards)
    failed = checks.failed_counters()
    if failed:
        raise AssertionError(f"shared counters beyond their bound: {failed}")
    for (written, wanted), fault in (
        (checks.statuses, "a redemption was not as it was gathered"),
        (checks.calls, "another process answered a call with this Idempotency-Key"),
        (checks.checkouts, "a checkout was not as it was gathered"),
        (checks.progress, "progress of a challenge was not as it was gathered"),
        *((one, "a gift card was not as it was gathered, or its number is taken") for one in checks.cards),
    ):
        if written() != wanted:
            raise AssertionError(fault)


def _key(one: Applied) -> keys.NewKey:
    order = order_key(one.item)
    assert one.body_hash is not None
    event = one.event
    source, name = event.source, event.id
    if isinstance(event.command, TakeCapture):
        source, name = capture_key(event.command)
    return keys.NewKey(
        source,
        name,
        one.account_id,
        one.event_id,
        one.body_hash,
        order[1] if order is not None else None,
    )


def _stored(gathered: Gathered, one: Applied) -> StoredEvent:
    event, decision, item = one.event, one.decision, one.item
    body, sealed = one.body, None
    if one.public is not None:
        body, sealed = one.public, _seal(gathered, one)
    return StoredEvent(
        one.account_id,
        one.event_id,
        item.member_id,
        event.type,
        event.source,
        event.id,
        event.order.id if event.order is not None else None,
        event.channel,
        event.store,
        event.occurred_at,
        event.booked_at,
        decision.version,
        decision.late,
        one.first_seq,
        len(decision.transactions),
        compress(body),
        sealed,
        pack_decision(decision),
    )


def _seal(gathered: Gathered, one: Applied) -> bytes | None:
    """Seal the whole body under the key of the person it is about; a guest or an erased person has none."""
    member_id = one.item.member_id
    loaded = gathered.members.by_id.get(member_id) if member_id is not None else None
    key = loaded.open_key(gathered.place.vault) if loaded is not None else None
    return key.seal(f"event:{one.event_id}", compress(one.body)) if key is not None else None


def _accounts(gathered: Gathered, folded: Folded) -> list[AccountUpdate]:
    return [
        AccountUpdate(
            account_id,
            state.last_occurred_at,
            state.last_booked_at,
            folded.next_seq[account_id],
            # Gather has counted whoever was behind.
            gathered.place.program.version,
        )
        for account_id, state in folded.accounts.items()
        if state is not _before(gathered, folded, account_id)
    ]


def _postings(gathered: Gathered, folded: Folded) -> list[Posting]:
    return [
        Posting(
            one.account_id,
            _salt(gathered, folded, one.account_id),
            one.first_seq,
            one.event_id,
            # As the account's clock says, which never runs backwards.
            one.event.booked_at,
            one.decision.transactions,
            one.transaction_ids,
        )
        for one in folded.applied
        if one.decision.transactions
    ]


def _salt(gathered: Gathered, folded: Folded, account_id: int) -> bytes:
    known = gathered.rows.get(account_id)
    return known.salt if known is not None else folded.opened[account_id][0].salt


def _wallets(gathered: Gathered, folded: Folded) -> list[WalletChange]:
    changes = []
    for account_id, state in folded.accounts.items():
        before = _before(gathered, folded, account_id)
        if state.wallets is before.wallets:
            continue
        for key, wallet in state.wallets.items():
            was = before.wallets.get(key)
            if wallet is not was:
                changes.append(WalletChange(account_id, key, was, wallet))
    return changes


def _standing(gathered: Gathered, folded: Folded) -> StandingChanges:
    changes = StandingChanges()
    for account_id, state in folded.accounts.items():
        before = _before(gathered, folded, account_id)
        if state is not before:
            _compare(account_id, before, state, changes)
    return changes


def _compare(account_id: int, before: AccountState, after: AccountState, changes: StandingChanges) -> None:
    if after.buckets is not before.buckets:
        old = before.buckets
        changes.buckets += [
            (account_id, metric, day, bucket)
            for (metric, day), bucket in after.buckets.items()
            if old.get((metric, day)) is not bucket
        ]
    if after.counters is not before.counters:
        changes.counters += [
            (account_id, key, used)
            for key, used in after.counters.items()
            if before.counters.get(key) != used
        ]
    if after.challenges is not before.challenges:
        changes.challenges += [
            ProgressChange(account_id, key, before.challenges.get(key), progress)
            for key, progress in after.challenges.items()
            if before.challenges.get(key) is not progress
        ]
    for ladder, tier in after.tiers.items():
        if before.tiers.get(ladder) != tier:
            changes.tiers.append((account_id, ladder, tier))
    if after.badges is not before.badges:
        changes.badges += [
            (account_id, badge, at) for badge, at in after.badges.items() if before.badges.get(badge) != at
        ]
        changes.lost_badges += [
            (account_id, badge) for badge, at in before.badges.items() if after.badges.get(badge) != at
        ]


def _takings(gathered: Gathered, folded: Folded) -> dict[str, tuple[Decimal, Decimal | None]]:
    if folded.shared is gathered.shared:
        return {}
    takings: dict[str, tuple[Decimal, Decimal | None]] = {}
    for key, used in folded.shared.items():
        delta = used - gathered.shared.get(key, 0)
        if delta:
            takings[key] = (delta, gathered.bounds.get(key))
    return takings


def _account_holds(
    gathered: Gathered, folded: Folded
) -> tuple[list[tuple[int, Hold]], list[tuple[int, Hold]]]:
    gone: list[tuple[int, Hold]] = []
    made: list[tuple[int, Hold]] = []
    for account_id, state in folded.accounts.items():
        before = _before(gathered, folded, account_id).holds
        if state.holds is not before:
            less, more = _changed(before, state.holds)
            gone += [(account_id, hold) for hold in less]
            made += [(account_id, hold) for hold in more]
    return gone, made


def _changed(before: Mapping[HoldKey, Hold], after: Mapping[HoldKey, Hold]) -> tuple[list[Hold], list[Hold]]:
    """Tell which holds are over, and which are new or another than they were."""
    if after is before:
        return [], []
    gone = [hold for key, hold in before.items() if key not in after]
    return gone, [hold for key, hold in after.items() if before.get(key) != hold]


def _parcel(one: Applied) -> outbox.Parcel:
    notices = " ".join(notices_of(one.event.type, one.decision))
    return outbox.Parcel(one.account_id, one.event_id, one.event.booked_at, notices)
