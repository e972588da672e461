"""The floor of `ingestion`: hand-written SQL that writes the rows of one earn a transaction.

Honest and small: it takes the same bytes and writes the same rows into the same tables, under the same role
and row-level security, durably, with prepared statements, and one round trip each to find, to lock, to write
and to commit. It knows one campaign by heart: no rules, no checks, no tiers, no settling.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from guerdon.base.ids import IdMaker
from guerdon.infra.tx import Tx, tenant_statement

_PENDING_TO = datetime(2026, 12, 5, 5, tzinfo=UTC)
_EXPIRES = datetime(2027, 12, 1, 5, tzinfo=UTC)
_YEAR = date(2026, 1, 1)

_SUBJECT = "select account_id, member_id from identities where program_id = %s and digest = %s"
_LOCK = "select next_seq, salt from accounts where account_id = %s for update"
_KNOWN = "select 1 from event_keys where program_id = %s and id = %s and source = %s"
_RATE = "select level from tiers where account_id = %s and ladder = 'club'"
_KEY = """
insert into event_keys (program_id, source, id, account_id, event_id, body_hash, order_id)
values (%s, %s, %s, %s, %s, %s, %s)
"""
_EVENT = """
insert into events (program_id, account_id, event_id, member_id, type, source, id, order_id, channel, store,
    occurred_at, booked_at, version, late, first_seq, transactions, body, decision)
values (%s, %s, %s, %s, 'order.paid', %s, %s, %s, 'web', '', %s, %s, 1, false, %s, 1, %s, %s)
"""
_ACCOUNT = """
update accounts set last_occurred_at = %s, last_booked_at = %s, next_seq = next_seq + 1 where account_id = %s
"""
_TRANSACTION = """
insert into transactions (program_id, account_id, seq, transaction_id, kind, wallet, effective_at, booked_at,
    event_id, reason, leaf_hash)
values (%s, %s, %s, %s, 'award', 'points', %s, %s, %s, '', %s)
"""
_ENTRIES = """
insert into entries (account_id, seq, line, wallet, book, amount, available_at, expires_at, source)
values (%s, %s, 0, 'points', 'member', %s, %s, %s, 'base_earn'),
    (%s, %s, 1, 'points', 'issued', %s, null, null, 'base_earn')
"""
_LOT = """
insert into lots (account_id, wallet, expires_at, available_at, remaining) values (%s, 'points', %s, %s, %s)
on conflict (account_id, wallet, expires_at, available_at)
do update set remaining = lots.remaining + excluded.remaining
"""
_WALLET = """
insert into wallets (program_id, account_id, wallet, available, pending, held, changes_at)
values (%s, %s, 'points', 0, %s, 0, %s)
on conflict (account_id, wallet) do update set pending = wallets.pending + excluded.pending
"""
_BUCKET = """
insert into metric_buckets (account_id, metric, bucket_on, total, count) values (%s, 'floor', %s, %s, 1)
on conflict (account_id, metric, bucket_on)
do update set total = metric_buckets.total + excluded.total, count = metric_buckets.count + 1
"""
_OUTBOX = """
insert into outbox (program_id, account_id, event_id, booked_at, notices)
values (%s, %s, %s, %s, '{order.paid,units.awarded}')
"""


class Place(NamedTuple):
    """Where the floor writes."""

    tenant_id: int
    program_id: int
    digests: dict[str, bytes]
    """By subject; whoever writes by hand keeps them plain, so working them out is not counted."""


def write_all(tx: Tx, place: Place, events: Sequence[bytes], ids: IdMaker) -> None:
    """Take events in, one a transaction.

    Args:
        tx: a connection of its own under the application's role.
        place: where.
        events: UTF-8 JSON, each of an order that is new.
        ids: maker of identifiers.
    """
    for raw in events:
        _write(tx, place, raw, ids)


def _write(tx: Tx, place: Place, raw: bytes, ids: IdMaker) -> None:
    sent = json.loads(raw)
    order = sent["data"]
    net = sum((Decimal(line["price"]) * line["quantity"] for line in order["lines"]), Decimal(0))
    with tx.pipeline():
        tx.execute(tenant_statement(place.tenant_id), prepare=False)
        found = tx.execute(_SUBJECT, (place.program_id, place.digests[sent["subject"]]))
        known = tx.execute(_KNOWN, (place.program_id, sent["id"], sent["source"]))
    subject = found.fetchone()
    assert subject is not None
    assert known.fetchone() is None
    account, member = subject
    with tx.pipeline():
        locked = tx.execute(_LOCK, (account,))
        tx.execute(_RATE, (account,))
    row = locked.fetchone()
    assert row is not None
    with tx.pipeline():
        _insert(tx, place, (account, member, *row), (raw, sent, int(net), net), ids)
    tx.commit()


def _insert(tx: Tx, place: Place, who: tuple[Any, ...], what: tuple[Any, ...], ids: IdMaker) -> None:
    account, member, seq, salt = who
    raw, sent, points, net = what
    now, event_id, program = datetime.now(UTC), ids.uuid(), place.program_id
    at, order = datetime.fromisoformat(sent["time"]), sent["data"]["id"]
    decision = json.dumps({"version": 1, "points": points, "campaign": "base_earn"}).encode()
    leaf = hashlib.sha256(b"%s%d%d" % (salt, seq, points)).digest()
    body = hashlib.sha256(raw).digest()
    tx.execute(_KEY, (program, sent["source"], sent["id"], account, event_id, body, order))
    stored = (zlib.compress(raw, 1), decision)
    tx.execute(
        _EVENT,
        (program, account, event_id, member, sent["source"], sent["id"], order, at, now, seq, *stored),
    )
    tx.execute(_ACCOUNT, (at, now, account))
    tx.execute(_TRANSACTION, (program, account, seq, ids.uuid(), at, now, event_id, leaf))
    tx.execute(_ENTRIES, (account, seq, points, _PENDING_TO, _EXPIRES, account, seq, -points))
    tx.execute(_LOT, (account, _EXPIRES, _PENDING_TO, points))
    tx.execute(_WALLET, (program, account, points, _PENDING_TO))
    tx.execute(_BUCKET, (account, _YEAR, net))
    tx.execute(_OUTBOX, (program, account, event_id, now))
