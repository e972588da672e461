"""Events as stored, with what was decided on them; and the quarantine of those that could not be."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.infra.arrays import (
    bigints,
    booleans,
    byteas,
    columns,
    instants,
    integers,
    smallints,
    texts,
    uuids,
)
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.merging.moving import whose_events
from guerdon.rules.decision import Decision

_STREAMED_AT_ONCE = 500
_DECISIONS = msgspec.json.Decoder(Decision)
_ENCODER = msgspec.json.Encoder()
_COLUMNS = """account_id, event_id, member_id, type, source, id, order_id, channel, store, occurred_at,
    booked_at, version, late, first_seq, transactions, body, sealed, decision"""
_INSERT = f"""
insert into events (program_id, {_COLUMNS})
select %s::bigint, * from unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::integer[], %s::boolean[],
    %s::bigint[], %s::smallint[], %s::bytea[], %s::bytea[], %s::bytea[])
"""  # noqa: S608 - a list of columns of ours
_SELECT = f"select {_COLUMNS} from events"  # noqa: S608 - columns of ours
_QUARANTINE = """
insert into quarantine (quarantine_id, program_id, account_id, kind, source, id, occurred_at, booked_at, body,
    sealed, fault, detail)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (quarantine_id) do nothing
"""

_PACKERS = (
    *(bigints, uuids, bigints),
    *(texts,) * 6,
    *(instants, instants),
    *(integers, booleans, bigints, smallints),
    *(byteas,) * 3,
)


class StoredEvent(NamedTuple):
    """An event that was applied."""

    account_id: int
    """0 for a guest's order."""
    event_id: UUID
    member_id: int | None
    type: str
    source: str
    id: str
    order_id: str | None
    channel: str
    store: str
    occurred_at: datetime
    booked_at: datetime
    version: int
    late: bool
    first_seq: int
    """Number of its first transaction in the account's journal."""
    transactions: int
    body: bytes
    """Compressed; without personal and undeclared values."""
    sealed: bytes | None
    """The whole body, compressed and encrypted under the member's key, where something was left out."""
    decision: bytes

    @property
    def decided(self) -> Decision:
        """What was decided."""
        return _DECISIONS.decode(self.decision)

    @property
    def text(self) -> bytes:
        """The body as JSON."""
        return zlib.decompress(self.body)


class Before(NamedTuple):
    """A place in an account's journal."""

    first_seq: int
    transactions: int
    event_id: UUID


class Quarantined(NamedTuple):
    """A command that the engine could not apply."""

    quarantine_id: UUID
    program_id: int
    account_id: int
    kind: str
    source: str
    id: str
    occurred_at: datetime | None
    booked_at: datetime
    body: bytes
    sealed: bytes | None
    fault: str
    """Class of the error."""
    detail: str


class Page(NamedTuple):
    """What a list of events asks for."""

    limit: int
    before: UUID | None = None
    """Only older events: the last one's id is the cursor of the next page."""
    account_id: int | None = None
    type: str = ""
    orders: bool = False
    """Whether only paid orders are listed."""


def marked(vault: Vault, event_id: UUID, decision: Decision) -> Decision:
    """Mark what a decision found of limits and holds, which nothing else that is stored could tell again.

    Args:
        vault: the tenant's keys, without which nobody can make the mark.
        event_id: what was decided upon.
        decision: as `step` gave it.

    Returns:
        The decision with its mark; the same one where it looked at no limit.
    """
    if not (decision.left or decision.held):
        return decision
    found = _ENCODER.encode((decision.left, decision.held) if decision.held else decision.left).decode()
    mark = vault.digest("left", f"{event_id.hex} {found}").hex()[:16]
    return msgspec.structs.replace(decision, mark=mark)


def pack_decision(decision: Decision) -> bytes:
    """Write a decision for storage.

    Args:
        decision: what was decided.

    Returns:
        JSON.
    """
    return _ENCODER.encode(decision)


def insert_events(tx: Tx, program_id: int, events: Sequence[StoredEvent]) -> None:
    """Store events with their decisions.

    Args:
        tx: the transaction; the accounts are locked.
        program_id: whose.
        events: any number.
    """
    if events:
        tx.execute(_INSERT, (program_id, *columns(events, _PACKERS)))


def ask_stored(
    tx: Tx, account_ids: Collection[int], event_ids: Collection[UUID]
) -> Callable[[], dict[UUID, StoredEvent]]:
    """Ask for events by their own ids.

    Args:
        tx: the transaction.
        account_ids: whose.
        event_ids: which.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    if not event_ids:
        return dict
    where = " where account_id = any(%s::bigint[]) and event_id = any(%s::uuid[])"
    cursor = tx.execute(_SELECT + where, (sorted(account_ids), sorted(event_ids)))
    return lambda: {row[1]: StoredEvent(*row) for row in cursor.fetchall()}


def list_events(tx: Tx, program_id: int, page: Page) -> list[StoredEvent]:
    """Give a page of events, newest first.

    Args:
        tx: the transaction.
        program_id: of which program.
        page: which and how many.

    Returns:
        Events with their decisions.
    """
    words: list[str] = ["program_id = %s"]
    values: list[Any] = [program_id]
    for word, value in (
        ("event_id < %s", page.before),
        whose_events(tx, page.account_id),
        ("type = %s", page.type or None),
    ):
        if value is not None:
            words.append(word)
            values.append(value)
    if page.orders:
        # What is given as an order is has an id of one as well.
        words.append("order_id is not null and type like 'order.%%'")
    statement = f"{_SELECT} where {' and '.join(words)} order by event_id desc limit %s"
    return [StoredEvent(*row) for row in tx.execute(statement, (*values, page.limit))]


def stream_events(tx: Tx, program_id: int) -> Iterator[StoredEvent]:
    """Give all events of a program in the order in which they were booked, few in memory at a time.

    Args:
        tx: the transaction, which stays open as long as events are taken.
        program_id: of which program.

    Yields:
        Events with their decisions.
    """
    with tx.cursor(name="program_events") as cursor:
        cursor.itersize = _STREAMED_AT_ONCE
        for row in cursor.execute(f"{_SELECT} where program_id = %s order by event_id", (program_id,)):
            yield StoredEvent(*row)


def stream_of_accounts(
    tx: Tx, account_ids: Collection[int], types: Collection[str], before: Before | None = None
) -> Iterator[StoredEvent]:
    """Give events of some types of accounts, account by account, few in memory at a time.

    Args:
        tx: the transaction, which stays open as long as events are taken.
        account_ids: whose.
        types: of which types.
        before: only events that stand before this one in their account's journal; None gives all.

    Yields:
        Events with their decisions.
    """
    where = "where account_id = any(%s::bigint[]) and type = any(%s::text[])"
    values: list[Any] = [sorted(account_ids), sorted(types)]
    if before is not None:
        where += " and (first_seq, transactions > 0, event_id) < (%s, %s, %s)"
        values += [before.first_seq, before.transactions > 0, before.event_id]
    order = "order by account_id, first_seq, transactions > 0, event_id"
    with tx.cursor(name="events_of_accounts") as cursor:
        cursor.itersize = _STREAMED_AT_ONCE
        for row in cursor.execute(f"{_SELECT} {where} {order}", values):
            yield StoredEvent(*row)


def find_orders(tx: Tx, program_id: int, order_id: str, source: str | None = None) -> list[StoredEvent]:
    """Find the events that paid an order.

    Args:
        tx: the transaction.
        program_id: of which program.
        order_id: the order's id at its source.
        source: which source, or None for all.

    Returns:
        At most one event for each source.
    """
    keys = tx.execute(
        "select account_id, event_id from event_keys where program_id = %s and order_id = %s"
        " and (%s::text is null or source = %s)",
        (program_id, order_id, source, source),
    ).fetchall()
    return list(ask_stored(tx, [key[0] for key in keys], [key[1] for key in keys])().values())


def put_in_quarantine(tx: Tx, one: Quarantined) -> None:
    """Keep a command that could not be applied, for people to look at.

    Args:
        tx: a transaction of its own.
        one: the command and what went wrong.
    """
    tx.execute(_QUARANTINE, one)


def list_quarantine(tx: Tx, program_id: int, limit: int) -> list[Quarantined]:
    """List what lies in quarantine, newest first.

    Args:
        tx: the transaction.
        program_id: of which program.
        limit: how many at most.

    Returns:
        The commands with what went wrong.
    """
    columns = ", ".join(Quarantined._fields)
    where = "where program_id = %s order by quarantine_id desc limit %s"
    statement = f"select {columns} from quarantine {where}"  # noqa: S608 - columns of ours
    return [Quarantined(*row) for row in tx.execute(statement, (program_id, limit))]


def discard_quarantined(tx: Tx, program_id: int, quarantine_id: UUID) -> Quarantined:
    """Take a command out of quarantine for good.

    Args:
        tx: the transaction.
        program_id: of which program.
        quarantine_id: which.

    Returns:
        What lay there.

    Raises:
        Problem: `quarantined_not_found`.
    """
    columns = ", ".join(Quarantined._fields)
    statement = f"delete from quarantine where program_id = %s and quarantine_id = %s returning {columns}"  # noqa: S608 - columns of ours
    row = tx.execute(statement, (program_id, quarantine_id)).fetchone()
    if row is None:
        raise Problem("quarantined_not_found", "there is no such command in quarantine")
    return Quarantined(*row)
