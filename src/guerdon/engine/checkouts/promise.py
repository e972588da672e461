"""What a checkout promised, as it is kept until it ends, and the order that comes of it."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from guerdon.base.ids import number_text
from guerdon.engine.checkouts.rows import CheckoutRow
from guerdon.members.crypto import MemberKey, Vault
from guerdon.rules.events import Capture, Event
from guerdon.rules.orders import OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.reading import SentEvent

# Numbers stay numbers: an attribute must not come back as text. A quote is answered again in its own order.
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_COLUMNS = msgspec.json.Encoder()
_STAMP = 16
"""Bytes before what was promised: a keyed hash of the whole row."""
_SHORT = 8_192
"""Bytes of a promise that is kept in memory for a moment; what is sealed never is."""


class Promise(msgspec.Struct, frozen=True):
    """All that confirming takes."""

    order: OrderInput
    """The cart with what is charged for it."""
    channel: str
    store: str
    capture: Capture
    quote: Any
    """The quote as it was answered."""


class ConfirmedEvent(SentEvent, frozen=True):
    """An order that confirms a checkout, as it is stored."""

    capture: Capture


_PROMISES = msgspec.json.Decoder(Promise, float_hook=Decimal)


class _Order(msgspec.Struct):
    id: str


class _Named(msgspec.Struct):
    order: _Order


_NAMES = msgspec.json.Decoder(_Named)


def pack_promise(promise: Promise, key: MemberKey | None, checkout_id: UUID) -> tuple[bytes, bytes | None]:
    """Write a promise for storage; what may say something about a person is sealed.

    Args:
        promise: the whole of it.
        key: of the person it is about, None for a guest: then it is left out.
        checkout_id: the checkout's id.

    Returns:
        What anybody may read, behind room for the stamp; and the whole under the person's key where that is
        not the same.
    """
    order = promise.order
    plain = msgspec.structs.replace(
        order,
        attributes={},
        lines=tuple(msgspec.structs.replace(line, attributes={}) for line in order.lines),
    )
    if plain == order:
        return bytes(_STAMP) + zlib.compress(_ENCODER.encode(promise), 1), None
    public = msgspec.structs.replace(promise, order=plain)
    sealed = None
    if key is not None:
        sealed = key.seal(f"checkout:{checkout_id}", zlib.compress(_ENCODER.encode(promise), 1))
    return bytes(_STAMP) + zlib.compress(_ENCODER.encode(public), 1), sealed


def stamped(vault: Vault, program_id: int, row: CheckoutRow) -> CheckoutRow:
    """Stamp a row, so that whoever changes it behind the engine's back is found out.

    Args:
        vault: the tenant's keys, without which nobody can make the stamp.
        program_id: whose checkout it is.
        row: the row as it is to be stored.

    Returns:
        The row with the stamp of all that it says.
    """
    said = [
        program_id,
        *(one.astimezone(UTC).isoformat() if isinstance(one, datetime) else one for one in row[:-3]),
        row.promised[_STAMP:],
        row.sealed,
        row.event_id,
    ]
    digest = vault.digest("checkout", _COLUMNS.encode(said).decode())
    return row._replace(promised=digest[:_STAMP] + row.promised[_STAMP:])


def read_promise(row: CheckoutRow, key: MemberKey | None = None) -> Promise:
    """Read a promise.

    Args:
        row: the checkout.
        key: of the person it is about; without it what was sealed is left out.

    Returns:
        The promise.
    """
    if row.sealed is not None and key is not None:
        return _unpacked(key.open(f"checkout:{row.checkout_id}", row.sealed))
    packed = row.promised[_STAMP:]
    return _remembered(packed) if len(packed) <= _SHORT else _unpacked(packed)


@lru_cache(maxsize=256)
def _remembered(packed: bytes) -> Promise:
    # A batch reads what it confirms several times: before it locks, and again when it decides.
    return _unpacked(packed)


def _unpacked(packed: bytes) -> Promise:
    return _PROMISES.decode(zlib.decompress(packed))


def promised_order(promised: bytes) -> str:
    """Tell which order a checkout becomes.

    Args:
        promised: as stored.

    Returns:
        The order's id.
    """
    return _NAMES.decode(zlib.decompress(promised[_STAMP:])).order.id


def paid(row: CheckoutRow, promise: Promise, program: Program, now: datetime) -> tuple[ConfirmedEvent, Event]:
    """Make the order that confirms a checkout.

    An unexpired checkout is decided at the instant at which it was priced, so that it comes to what was
    quoted; a late one at the instant of its confirmation.

    Args:
        row: the checkout.
        promise: what it promised.
        program: whose settings read the order.
        now: the receiving instant.

    Returns:
        The order as it is stored, and the fact to decide upon.
    """
    late = now >= row.expires_at
    occurred_at = now if late else row.quoted_at
    capture = promise.capture
    if late and program.definition.checkout.late_confirm == "report":
        capture = msgspec.structs.replace(capture, only_reports=True)
    if late:
        capture = msgspec.structs.replace(capture, tiers={})
    order = promise.order
    sent = ConfirmedEvent(
        id=f"checkout-{row.checkout_id}",
        source=row.source,
        type="order.paid",
        occurred_at=occurred_at,
        subject=number_text("mem", row.member_id) if row.member_id is not None else None,
        channel=promise.channel,
        store=promise.store,
        data=order,
        capture=capture,
    )
    event = Event(
        type="order.paid",
        occurred_at=occurred_at,
        booked_at=now,
        source=sent.source,
        id=sent.id,
        channel=promise.channel,
        store=promise.store,
        order=read_order(order, program.order_settings, promise.channel, promise.store),
        capture=capture,
    )
    return sent, event
