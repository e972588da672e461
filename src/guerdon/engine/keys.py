"""What makes a thing happen once: keys of events and orders, and Idempotency-Keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from guerdon.infra.arrays import bigints, byteas, columns, instants, texts, uuids
from guerdon.infra.tx import Tx

KEPT_FOR = timedelta(hours=24)
"""How long an Idempotency-Key is remembered."""

Pair = tuple[str, str]
"""Source and id of an event, source and id of an order, or scope and key of a call."""

# By id alone, which the index begins with, so that the plan does not hang on statistics; sources are told
# apart here.
_KNOWN_EVENTS = """
select source, id, account_id, event_id, body_hash from event_keys
where program_id = %s and id = any(%s::text[])
"""
_KNOWN_ORDERS = """
select source, order_id, account_id, event_id, body_hash from event_keys
where program_id = %s and order_id = any(%s::text[])
"""
_INSERT_KEYS = """
insert into event_keys (program_id, source, id, account_id, event_id, body_hash, order_id)
select %s::bigint, * from unnest(%s::text[], %s::text[], %s::bigint[], %s::uuid[], %s::bytea[], %s::text[])
"""
_KNOWN_CALLS = """
select scope, key, body_hash, answer from idempotency_keys
where tenant_id = %s and key = any(%s::text[]) and made_at > %s
"""
_INSERT_CALLS = """
insert into idempotency_keys (scope, key, body_hash, answer, made_at)
select scope, key, body_hash, answer, made_at
from unnest(%s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::timestamptz[])
    as d (scope, key, body_hash, answer, made_at)
on conflict (tenant_id, scope, key) do update
set body_hash = excluded.body_hash, answer = excluded.answer, made_at = excluded.made_at
where idempotency_keys.made_at <= excluded.made_at - interval '24 hours'
"""
_KEYS = (texts, texts, bigints, uuids, byteas, texts)
_CALLS = (texts, texts, byteas, byteas, instants)


class KnownEvent(NamedTuple):
    """An event that was applied before."""

    account_id: int
    event_id: UUID
    body_hash: bytes


class KnownCall(NamedTuple):
    """A call that was answered before."""

    body_hash: bytes
    answer: bytes


class NewKey(NamedTuple):
    """The key of a new event."""

    source: str
    id: str
    account_id: int
    event_id: UUID
    body_hash: bytes
    order_id: str | None


class NewCall(NamedTuple):
    """A call and its first answer."""

    scope: str
    key: str
    body_hash: bytes
    answer: bytes
    made_at: datetime


def ask_events(tx: Tx, program_id: int, pairs: Collection[Pair]) -> Callable[[], dict[Pair, KnownEvent]]:
    """Ask which events were applied before.

    Args:
        tx: the transaction; the accounts are locked.
        program_id: in which program.
        pairs: sources and ids.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    if not pairs:
        return dict
    cursor = tx.execute(_KNOWN_EVENTS, (program_id, texts(sorted({key for _, key in pairs}))))
    return lambda: {
        (source, key): KnownEvent(*rest) for source, key, *rest in cursor.fetchall() if (source, key) in pairs
    }


def ask_orders(tx: Tx, program_id: int, pairs: Collection[Pair]) -> Callable[[], dict[Pair, KnownEvent]]:
    """Ask which orders were paid before.

    Args:
        tx: the transaction; the accounts are locked.
        program_id: in which program.
        pairs: sources and order ids.

    Returns:
        What reads the answer: orders of these ids, of whatever source. In a pipeline it may be called later.
    """
    if not pairs:
        return dict
    cursor = tx.execute(_KNOWN_ORDERS, (program_id, texts(sorted({order_id for _, order_id in pairs}))))
    return lambda: {(source, name): KnownEvent(*rest) for source, name, *rest in cursor.fetchall()}


def insert_keys(tx: Tx, program_id: int, keys: Sequence[NewKey]) -> None:
    """Store the keys of new events, sorted; another one with the same key is an error of the statement.

    Args:
        tx: the transaction; the accounts are locked.
        program_id: whose.
        keys: of all events of the batch that have one.
    """
    if keys:
        rows = sorted(keys, key=lambda key: (key.source, key.id))
        tx.execute(_INSERT_KEYS, (program_id, *columns(rows, _KEYS)))


def ask_calls(
    tx: Tx, tenant_id: int, pairs: Collection[Pair], now: datetime
) -> Callable[[], dict[Pair, KnownCall]]:
    """Ask which calls were answered before.

    Args:
        tx: the transaction.
        tenant_id: whose.
        pairs: scopes and keys.
        now: calls older than `KEPT_FOR` are forgotten.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    if not pairs:
        return dict
    keys = texts(sorted({key for _, key in pairs}))
    cursor = tx.execute(_KNOWN_CALLS, (tenant_id, keys, now - KEPT_FOR))
    return lambda: {
        (scope, key): KnownCall(*rest) for scope, key, *rest in cursor.fetchall() if (scope, key) in pairs
    }


def insert_calls(tx: Tx, calls: Sequence[NewCall]) -> Callable[[], int]:
    """Store the first answers to calls.

    Args:
        tx: the transaction of their effects.
        calls: any number.

    Returns:
        What reads how many were stored; fewer than given means that another process was first.
    """
    if not calls:
        return lambda: 0
    cursor = tx.execute(_INSERT_CALLS, columns(calls, _CALLS))
    return lambda: cursor.rowcount


def forget_calls(tx: Tx, now: datetime) -> int:
    """Delete calls that are older than they need be remembered.

    Args:
        tx: the transaction.
        now: the instant.

    Returns:
        How many were deleted.
    """
    return tx.execute("delete from idempotency_keys where made_at <= %s", (now - KEPT_FOR,)).rowcount
