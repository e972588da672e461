"""Counting the metrics of accounts from their events, and finding those that wait for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from guerdon.engine.counting.facts import Read, Reading, facts_of
from guerdon.engine.events import Before, StoredEvent
from guerdon.infra.arrays import bigints
from guerdon.infra.tx import Tx
from guerdon.members.accounts import AccountRow, mark_counted
from guerdon.members.crypto import MemberKey, Vault
from guerdon.members.standing import forget_buckets, write_buckets
from guerdon.members.states import LoadedMembers, load_members
from guerdon.rules.program import Program
from guerdon.rules.recounting import Recounting
from guerdon.rules.state import AccountState, Bucket, Shared, State
from guerdon.rules.step import exactly

Buckets = dict[tuple[str, date], Bucket]

_MERGED = """
select account_id, into_account, arrived_event from account_merges where into_account = any(%s::bigint[])
"""
_CARD = "card"


class Counting(NamedTuple):
    """By what is counted."""

    vault: Vault
    program: Program
    """The version whose metrics are counted."""
    recorded: Callable[[int], Program]
    """Gives a version as it was."""
    since: int
    """The earliest version since which all of these metrics are counted as events come."""
    read: Read
    """Reads stored events."""


def behind(counting: Counting, rows: Iterable[AccountRow]) -> list[AccountRow]:
    """Choose the accounts whose metrics are not all counted.

    Args:
        counting: by what is counted.
        rows: accounts.

    Returns:
        Those that have to be counted before anything is decided about them.
    """
    return [
        one
        for one in rows
        if one.metrics_version < counting.since
        and one.last_booked_at is not None
        and one.kind != _CARD
        and one.merged_into is None
    ]


def recount(tx: Tx, counting: Counting, rows: Collection[AccountRow]) -> dict[int, Buckets]:
    """Count all metrics of accounts anew from their events, and write what they come to.

    Args:
        tx: bound to the tenant; the accounts are locked.
        counting: by what is counted.
        rows: the accounts.

    Returns:
        By account: all of its buckets.
    """
    found = count_from_events(tx, counting, rows)
    forget_buckets(tx, found)
    write_buckets(
        tx,
        [
            (account_id, metric, on, bucket)
            for account_id, buckets in found.items()
            for (metric, on), bucket in buckets.items()
        ],
    )
    mark_counted(tx, found, counting.program.version)
    return found


def count_from_events(
    tx: Tx, counting: Counting, rows: Collection[AccountRow], before: Before | None = None
) -> dict[int, Buckets]:
    """Count all metrics of accounts from their events, and from those of accounts that were merged into them.

    Args:
        tx: bound to the tenant.
        counting: by what is counted.
        rows: the accounts.
        before: only events that stand before this place in the journal of the one account; None counts all.

    Returns:
        By account: the buckets that counting each event as it came would have left.
    """
    metrics = counting.program.metrics_by_event
    done = {one.account_id: Recounting(metrics) for one in rows}
    if not metrics:
        return {account_id: {} for account_id in done}
    own = {one.account_id: one for one in rows}
    for sources, bound in _sources(tx, own, before):
        people = _People(tx, counting.vault, sources)
        reading = Reading(counting.read, counting.recorded, people.key_of)
        with exactly():
            for happened in facts_of(tx, reading, sources, metrics, bound):
                target = sources[happened.stored.account_id]
                state = people.state_of(own[target], happened.stored)
                done[target].count(state, happened.paid, happened.again)
    return {account_id: one.buckets for account_id, one in done.items()}


def _sources(
    tx: Tx, rows: Mapping[int, AccountRow], before: Before | None
) -> Iterable[tuple[dict[int, int], Before | None]]:
    """Tell whose events count for whom: an account's own, and those of accounts that were merged into it."""
    yield {account_id: account_id for account_id in rows}, before
    targets = {account_id: account_id for account_id in rows}
    merged: dict[int, int] = {}
    while targets:
        found = tx.execute(_MERGED, (bigints(sorted(targets)),)).fetchall()
        if before is not None and not merged:
            found = [one for one in found if one[2] < before.event_id]
        targets = {source: targets[into] for source, into, _ in found if source not in merged}
        merged.update(targets)
    if merged:
        yield merged, None


class _People:
    """Who acted, and the keys of what is sealed with theirs; read when first asked for."""

    def __init__(self, tx: Tx, vault: Vault, accounts: Collection[int]) -> None:
        self._tx = tx
        self._vault = vault
        self._accounts = accounts
        self._members: dict[int | None, LoadedMembers] = {}
        self._keys: dict[int, MemberKey | None] = {}

    def _of(self, member_id: int | None) -> LoadedMembers:
        if member_id not in self._members:
            asked = () if member_id is None else (member_id,)
            self._members[member_id] = load_members(self._tx, self._accounts, asked)
        return self._members[member_id]

    def key_of(self, stored: StoredEvent) -> MemberKey | None:
        """Give the key of the person whom an event is about."""
        number = stored.member_id
        if number is None or stored.sealed is None:
            return None
        if number not in self._keys:
            member = self._of(number).by_id.get(number)
            self._keys[number] = member.open_key(self._vault) if member is not None else None
        return self._keys[number]

    def state_of(self, row: AccountRow, stored: StoredEvent) -> State:
        """Give what metrics see of an account beside the event."""
        owner = self._of(None).owners.get(stored.account_id)
        owns = owner.state if owner is not None else None
        if stored.member_id is None or (owns is not None and owns.member_id == stored.member_id):
            acts = owns if stored.member_id is not None else None
        else:
            member = self._of(stored.member_id).by_id.get(stored.member_id)
            acts = member.state if member is not None else None
        account = AccountState(
            row.account_id, kind=row.kind, created_at=row.created_at, owner=owns, members=row.members
        )
        return State(account, acts, Shared())
