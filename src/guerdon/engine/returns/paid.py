"""An order as it was paid, read again from what is stored of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from guerdon.engine.events import StoredEvent
from guerdon.members.crypto import MemberKey
from guerdon.rules.decision import Decision, Returned
from guerdon.rules.event_data import read_data
from guerdon.rules.events import Capture, Event, PaidOrder
from guerdon.rules.orders import OrderInput, read_order
from guerdon.rules.own_events import declared_data
from guerdon.rules.pinned import with_campaigns_of
from guerdon.rules.program import Program
from guerdon.rules.referrals.giving import given_as_order

Recorded = Callable[[int], Program]
"""Gives a version as it was."""


class _Body(msgspec.Struct):
    source: str
    id: str
    type: str
    occurred_at: datetime
    channel: str
    store: str
    data: msgspec.Raw
    capture: Capture | None = None


_BODIES = msgspec.json.Decoder(_Body)
_ORDERS = msgspec.json.Decoder(OrderInput, float_hook=Decimal)
_OBJECTS = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def read_paid(
    stored: StoredEvent, recorded: Recorded, key: MemberKey | None, later: Sequence[StoredEvent] = ()
) -> PaidOrder:
    """Read an order that was paid.

    Args:
        stored: the event that paid it.
        recorded: gives a version as it was.
        key: of the person who bought; without it attributes that were sealed are left out.
        later: what its checkout took after the order was known.

    Returns:
        The order with what was decided on it; its returns are not read here.
    """
    body = stored.text
    if stored.sealed is not None and key is not None:
        body = zlib.decompress(key.open(f"event:{stored.event_id}", stored.sealed))
    said = _BODIES.decode(body)
    decision = stored.decided
    program = deciding(recorded, stored.version, said.capture)
    data, order = {}, given_as_order(said.type, said.id, program.order_settings)
    if order is None:
        order = read_order(_ORDERS.decode(said.data), program.order_settings, said.channel, said.store)
    else:
        data = read_data(_OBJECTS.decode(said.data), declared_data(program.definition, said.type))
    event = Event(
        said.type,
        said.occurred_at,
        stored.booked_at,
        said.source,
        said.id,
        channel=order.channel,
        store=order.store,
        order=order,
        data=data,
        capture=said.capture,
    )
    captures: list[tuple[Capture, Decision]] = [] if said.capture is None else [(said.capture, decision)]
    captures += map(_taken, later)
    return PaidOrder(
        event_id=str(stored.event_id),
        program=program,
        event=event,
        decision=decision,
        member_id=stored.member_id if stored.account_id else _taken_of(later),
        is_guests=not stored.account_id,
        captures=tuple(captures),
        priced_by={one.version: deciding(recorded, stored.version, one) for one, _ in captures},
    )


def deciding(recorded: Recorded, version: int, capture: Capture | None) -> Program:
    """Give the program that decided an order.

    Args:
        recorded: gives a version as it was.
        version: the one that stood.
        capture: what the order's checkout promised, whose version's campaigns decided; None without one.

    Returns:
        The program.
    """
    program = recorded(version)
    return program if capture is None else with_campaigns_of(program, recorded(capture.version))


def since_last(later: Iterable[StoredEvent], returns: Collection[UUID]) -> frozenset[str]:
    """Tell which checkouts took something for an order since something last came back of it.

    Args:
        later: the events in which checkouts took something.
        returns: the events of the returns so far.

    Returns:
        The checkouts.
    """
    last = max(returns, default=None)
    fresh = (one for one in later if last is None or one.event_id > last)
    return frozenset(_taken(one)[0].checkout for one in fresh)


def _taken_of(later: Sequence[StoredEvent]) -> int | None:
    """Tell whose checkout took something for an order of nobody's."""
    return next((one.member_id for one in later if one.account_id), None)


class _Own(msgspec.Struct):
    data: msgspec.Raw


class _Taking(msgspec.Struct):
    capture: Capture


def _taken(stored: StoredEvent) -> tuple[Capture, Decision]:
    own = msgspec.json.decode(stored.text, type=_Own)
    return msgspec.json.decode(own.data, type=_Taking).capture, stored.decided


def returned_of(stored: StoredEvent) -> Returned:
    """Read what an earlier return undid.

    Args:
        stored: the event of the return.

    Returns:
        What it undid.
    """
    returned = stored.decided.returned
    assert returned is not None, "a return's decision says what came back"
    return returned
