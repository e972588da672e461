"""Events as they are stored become the facts that were decided upon once more."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.events import StoredEvent
from guerdon.engine.returns.captures import capture_key
from guerdon.members.crypto import MemberKey
from guerdon.rules.event_data import read_data
from guerdon.rules.events import (
    ARRIVED,
    LEFT,
    Adjust,
    BlockCard,
    CancelRedemption,
    Capture,
    Choose,
    ClaimCard,
    EmptyCard,
    EndTier,
    Event,
    GiveTier,
    JoinChallenge,
    LeaveChallenge,
    LeaveFor,
    LoadCard,
    PayWithCard,
    ReceiveUnits,
    Redeem,
    RefundCard,
    ReplaceCard,
    Send,
    SendUnits,
    TakeCapture,
    TakeIn,
    TakePlace,
    Tick,
    Use,
)
from guerdon.rules.orders import OrderInput, read_order
from guerdon.rules.own_events import PAYS, declared_data, has_order
from guerdon.rules.program import Program
from guerdon.rules.reading import RETURNS, SentEvent, return_hash, returning
from guerdon.rules.referrals.giving import given_as_order
from guerdon.rules.sent import ReturnAsked

USE = "guerdon.use_redemption"
_COMMANDS: Mapping[str, Any] = {
    "guerdon.redeem": Redeem,
    "guerdon.cancel_redemption": CancelRedemption,
    "guerdon.choose_redemption": Choose,
    "guerdon.join_challenge": JoinChallenge,
    "guerdon.leave_challenge": LeaveChallenge,
    "guerdon.adjust": Adjust,
    "guerdon.give_tier": GiveTier,
    "guerdon.end_tier": EndTier,
    "guerdon.send": SendUnits,
    "guerdon.receive": ReceiveUnits,
    LEFT: LeaveFor,
    ARRIVED: TakeIn,
    "guerdon.tick": Tick,
    "guerdon.take_capture": TakeCapture,
    "member.enrolled": None,
    USE: Use,
    "guerdon.send_redemption": Send,
    "guerdon.load_card": LoadCard,
    "guerdon.pay_with_card": PayWithCard,
    "guerdon.refund_card": RefundCard,
    "guerdon.empty_card": EmptyCard,
    "guerdon.block_card": BlockCard,
    "guerdon.claim_card": ClaimCard,
    "guerdon.replace_card": ReplaceCard,
    "guerdon.take_place_of_card": TakePlace,
    "guerdon.receive_credit": ReceiveUnits,
}
_FRACTION = re.compile(r"-?\d+(\.\d+)?(E[+-]?\d+)?")
_NO_KEY = (None,) * 5


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact's body as it is stored."""

    id: str
    source: str
    type: str
    occurred_at: datetime
    subject: str | None
    channel: str
    store: str
    data: msgspec.Raw
    capture: Capture | None = None
    """What a checkout promised that this order confirms."""


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of what the engine itself was asked."""

    type: str
    data: msgspec.Raw


_SENT = msgspec.json.Decoder(Sent)
_OWN = msgspec.json.Decoder(Own)
_ORDERS = msgspec.json.Decoder(OrderInput, float_hook=Decimal)
_ASKED = msgspec.json.Decoder(ReturnAsked, float_hook=Decimal)
_OBJECTS = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)

Difference = tuple[str, Any, Any]
"""What differs, what was expected, what is there."""


class KeyRow(NamedTuple):
    """What makes an event one and the same, as stored; all None where there is no row."""

    program_id: int | None
    source: str | None
    id: str | None
    order_id: str | None
    body_hash: bytes | None


class Fact(NamedTuple):
    """A stored event, read."""

    event: Event
    again: Event | None
    """Read once more with texts that look like fractions as numbers, where that makes a difference."""
    body: bytes
    is_whole: bool
    """False where part of it was sealed away and can be opened no more."""
    sent: Sent | None
    """None for what the engine itself was asked."""


def is_own(stored: StoredEvent) -> bool:
    """Tell the engine's own events from those that were sent.

    Args:
        stored: the event.

    Returns:
        True for commands.
    """
    return stored.id == "" and stored.type in _COMMANDS


Priced = Callable[[int], Program | None]
"""Gives the version that priced a checkout."""


def read_fact(program: Program, stored: StoredEvent, key: MemberKey | None, priced: Priced) -> Fact:
    """Read a stored event as it was decided upon.

    Args:
        program: the version that decided.
        stored: the event.
        priced: gives the version that priced a checkout, by whose settings its order is read.
        key: of the person it is about, None where there is none.

    Returns:
        The fact.

    Raises:
        Problem: `stored_body_unreadable` and what reading bodies raises.
    """
    try:
        if is_own(stored):
            return _read_own(stored)
        sealed = stored.sealed is not None
        body = stored.text
        if stored.sealed is not None and key is not None:
            body = zlib.decompress(key.open(f"event:{stored.event_id}", stored.sealed))
        sent = _SENT.decode(body)
        if sent.capture is not None:
            program = priced(sent.capture.version) or program
        return _read_sent(program, stored.booked_at, (body, sent), is_whole=not sealed or key is not None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, zlib.error) as error:
        raise Problem("stored_body_unreadable", type(error).__name__) from error


def _read_own(stored: StoredEvent) -> Fact:
    own = _OWN.decode(stored.text)
    kind = _COMMANDS.get(own.type)
    at = stored.booked_at
    event = Event(own.type, at, at, source="guerdon", channel="system")
    if kind is not None:
        event = msgspec.structs.replace(event, command=msgspec.json.decode(own.data, type=kind))
    return Fact(event, None, stored.text, True, None)


def _read_sent(program: Program, booked_at: datetime, read: tuple[bytes, Sent], *, is_whole: bool) -> Fact:
    body, sent = read
    event = Event(
        sent.type, sent.occurred_at, booked_at, sent.source, sent.id, channel=sent.channel, store=sent.store
    )
    readings: list[Event] = []
    if sent.type in RETURNS:
        asked = _ASKED.decode(sent.data)
        told = SentEvent(
            sent.id, sent.source, sent.type, sent.occurred_at, sent.subject, sent.channel, sent.store, asked
        )
        return Fact(returning(told, booked_at), None, body, is_whole, sent)
    if has_order(sent.type):
        given = _ORDERS.decode(sent.data)
        for one in _both(given, _numbered_order(given)):
            order = read_order(one, program.order_settings, sent.channel, sent.store)
            readings.append(
                msgspec.structs.replace(
                    event, order=order, channel=order.channel, store=order.store, capture=sent.capture
                )
            )
    else:
        wanted = declared_data(program.definition, sent.type)
        data = _OBJECTS.decode(sent.data)
        given_so = given_as_order(sent.type, sent.id, program.order_settings)
        event = msgspec.structs.replace(event, order=given_so)
        free = {name: value for name, value in data.items() if name in wanted and wanted[name].type == "any"}
        readings += [
            msgspec.structs.replace(event, data=read_data(seen, wanted))
            for seen in _both(data, {**data, **_numbered(free)})
        ]
    return Fact(readings[0], readings[1] if len(readings) > 1 else None, body, is_whole, sent)


def _both(one: Any, other: Any) -> tuple[Any, ...]:
    return (one,) if one == other else (one, other)


def _numbered_order(order: OrderInput) -> OrderInput:
    if not order.attributes and not any(line.attributes for line in order.lines):
        return order
    lines = tuple(
        msgspec.structs.replace(line, attributes=_numbered(dict(line.attributes))) for line in order.lines
    )
    return msgspec.structs.replace(order, attributes=_numbered(order.attributes), lines=lines)


def _numbered(value: Any) -> Any:
    """Read fractions as numbers: a stored body writes them as texts, and does not tell which they were."""
    if isinstance(value, dict):
        return {name: _numbered(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_numbered(one) for one in value]
    if isinstance(value, str) and ("." in value or "E" in value) and _FRACTION.fullmatch(value):
        return Decimal(value)
    return value


def fact_differences(stored: StoredEvent, key: KeyRow, fact: Fact, program_id: int) -> list[Difference]:
    """Compare an event's columns, and the row of its key, with its body.

    Args:
        stored: the event.
        key: the row of its key.
        fact: what was read.
        program_id: the account's program.

    Returns:
        What differs.
    """
    event = fact.event
    order_id = event.order.id if event.order is not None else None
    wanted: list[Difference] = [
        ("type", event.type, stored.type),
        ("source", event.source, stored.source),
        ("id", event.id, stored.id),
        ("order_id", order_id, stored.order_id),
        ("channel", event.channel, stored.channel),
        ("store", event.store, stored.store),
        ("occurred_at", event.occurred_at, stored.occurred_at),
    ]
    if fact.sent is None:
        return _differing([*wanted, ("its key", _own_key(fact, program_id), tuple(key))])
    if key == _NO_KEY:
        return _differing([*wanted, ("its key", "one", "none")])
    paid = order_id if event.type in PAYS else None
    own = number_text("mem", stored.member_id) if stored.member_id is not None else None
    wanted += [
        ("program_id of its key", program_id, key.program_id),
        ("source of its key", event.source, key.source),
        ("id of its key", event.id, key.id),
        ("order_id of its key", paid, key.order_id),
    ]
    is_return = event.type in RETURNS
    digest = return_hash(fact.body) if is_return else hashlib.sha256(fact.body).digest()
    if fact.is_whole and not (stored.account_id == 0 and may_be_shortened(fact)):
        wanted.append(("subject of its body", own, fact.sent.subject))
        wanted.append(("body_hash of its key", digest.hex(), (key.body_hash or b"").hex()))
    return _differing(wanted)


def _own_key(fact: Fact, program_id: int) -> tuple[Any, ...]:
    """Give the key that an event of the engine's own has: none, but where its order leads to it."""
    command = fact.event.command
    if not isinstance(command, TakeCapture) or not command.order:
        return _NO_KEY
    return (program_id, *capture_key(command), None, hashlib.sha256(fact.body).digest())


def may_be_shortened(fact: Fact) -> bool:
    """Tell whether attributes may have been left out of a guest's order, which nothing stored says.

    Args:
        fact: a guest's order.

    Returns:
        False where attributes are there, so that none were left out.
    """
    order = fact.event.order
    return order is not None and not order.attributes and not any(line.attributes for line in order.lines)


def _differing(found: list[Difference]) -> list[Difference]:
    return [one for one in found if one[1] != one[2]]


def event_key(stored: StoredEvent) -> str:
    """Name an event as findings do.

    Args:
        stored: the event.

    Returns:
        Its account and id.
    """
    return key_of(stored.account_id, stored.event_id)


def key_of(account_id: int, event_id: UUID) -> str:
    """Name a row by account and event.

    Args:
        account_id: 0 for guests.
        event_id: the event.

    Returns:
        Both as people see them.
    """
    return f"{number_text('acc', account_id)} {event_id}"
