"""What our own history knows beside events: requests, promises of checkouts, names of redemptions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.rules.events import (
    Adjust,
    CancelRedemption,
    Capture,
    EndTier,
    Event,
    GiveTier,
    ReceiveUnits,
    Redeem,
    SendUnits,
    TakeCapture,
    Use,
)
from guerdon.rules.orders import OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.reading import RETURNS, SentEvent, read_event, returning
from guerdon.rules.sent import ReturnAsked

SOURCE: Final = "guerdon"
ENROLLED: Final = "member.enrolled"
CREDITED: Final = "guerdon.receive_credit"
"""Store credit that somebody made of a gift card: cards are nobody's, and are no part of a history."""
_MARK: Final = b'{"asked":"'
_FACT: Final = "fact"
"""A line around an event that was sent."""
_KINDS: Final[Mapping[str, Any]] = {
    "guerdon.redeem": Redeem,
    "guerdon.cancel_redemption": CancelRedemption,
    "guerdon.use_redemption": Use,
    "guerdon.adjust": Adjust,
    "guerdon.give_tier": GiveTier,
    "guerdon.end_tier": EndTier,
    "guerdon.send": SendUnits,
    "guerdon.receive": ReceiveUnits,
    CREDITED: ReceiveUnits,
    "guerdon.take_capture": TakeCapture,
    ENROLLED: None,
}


class Made(msgspec.Struct, frozen=True, array_like=True):
    """A redemption as it was made then; here it gets another number."""

    number: int
    campaign: str
    reward: str


class Beside(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of an event beside what it says."""

    made: tuple[Made, ...] = ()
    """Redemptions that came of it, in their order."""
    capture: Capture | None = None
    """What the checkout promised that this order confirms."""
    order: tuple[str, str] | None = None
    """Source and id of the order for which a checkout was confirmed after it was known."""


NOTHING: Final = Beside()


class Line(NamedTuple):
    """A line of our own history, read."""

    sent: SentEvent
    event: Event
    beside: Beside


class _Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    asked: str
    id: str
    time: datetime
    data: msgspec.Raw
    subject: str | None = None
    beside: Beside = NOTHING


class _Fact(msgspec.Struct):
    """An event as a line of a history."""

    id: str
    source: str
    type: str
    time: datetime
    data: msgspec.Raw
    subject: str | None = None
    channel: str = ""
    store: str = ""


_LINES: Final = msgspec.json.Decoder(_Asked)
_FACTS: Final = msgspec.json.Decoder(_Fact)
_ORDERS: Final = msgspec.json.Decoder(OrderInput, float_hook=Decimal)
_RETURNS: Final = msgspec.json.Decoder(ReturnAsked, float_hook=Decimal)


def account_name(account_id: int) -> str:
    """Name a stored account as histories do.

    Args:
        account_id: which.

    Returns:
        Such as `external:acc_01h8xj3q0abcd`.
    """
    return f"external:{number_text('acc', account_id)}"


def is_replayed(event_type: str) -> bool:
    """Tell whether something that the engine was asked is done again in a backtest.

    Args:
        event_type: as stored.

    Returns:
        True for enrolments, redemptions, adjustments, transfers and what checkouts took; False for time,
        which passes by itself, and for what moves nothing.
    """
    return event_type in _KINDS


def own_line(asked: tuple[str, str, datetime], subject: str | None, data: bytes, beside: Beside) -> bytes:
    """Write what the engine was asked as a line of a history.

    Args:
        asked: what, such as `guerdon.redeem`; the stored event's id; and when, UTC.
        subject: of `account_name`; None for a guest.
        data: the command as stored, JSON.
        beside: what else is known of it.

    Returns:
        One line without its end.
    """
    kind, event_id, at = asked
    return msgspec.json.encode(_Asked(kind, event_id, at, msgspec.Raw(data), subject, beside))


def fact_line(named: tuple[str, datetime], line: bytes, beside: Beside) -> bytes:
    """Write an event that was sent together with what is known beside it.

    Args:
        named: its id and the instant at which it takes its turn, UTC.
        line: the event as any history has it.
        beside: what else is known of it.

    Returns:
        One line without its end.
    """
    return msgspec.json.encode(_Asked(_FACT, *named, msgspec.Raw(line), None, beside))


def event_in(raw: bytes) -> bytes:
    """Take the event out of a line that `fact_line` wrote.

    Args:
        raw: any line of a history.

    Returns:
        The event; other lines as they are.
    """
    if not raw.startswith(_MARK):
        return raw
    try:
        return bytes(_LINES.decode(raw).data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw


def read_own(raw: bytes, program: Program) -> Line | None:
    """Read a line that `own_line` or `fact_line` wrote.

    Args:
        raw: any line of a history of ours.
        program: reads events.

    Returns:
        The event as if it had been sent, what is to be decided, what else is known; None for another line.

    Raises:
        Problem: `stored_body_unreadable`, and what `read_event` raises.
    """
    if not raw.startswith(_MARK):
        return None
    try:
        line = _LINES.decode(raw)
        if line.asked == _FACT:
            return _read_fact(line, program)
        kind = _KINDS[line.asked]
        command = msgspec.json.decode(line.data, type=kind) if kind is not None else None
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise Problem("stored_body_unreadable", "what is stored of this request cannot be read") from error
    sent = SentEvent(line.id, SOURCE, line.asked, line.time, line.subject, "system", "", {})
    event = Event(
        line.asked, line.time, line.time, SOURCE, line.id, channel="system", data={}, command=command
    )
    return Line(sent, event, line.beside)


def _read_fact(line: _Asked, program: Program) -> Line:
    fact = _FACTS.decode(line.data)
    if fact.type not in RETURNS and line.beside.capture is None:
        return Line(*read_event(bytes(line.data), program, None, own=True), line.beside)
    place = (fact.id, fact.source, fact.type, fact.time, fact.subject, fact.channel, fact.store)
    if fact.type in RETURNS:
        sent = SentEvent(*place, _RETURNS.decode(fact.data))
        return Line(sent, returning(sent, line.time), line.beside)
    # It carries what campaigns multiply, which nobody may send, and is dated by the quote that promised it.
    given = _ORDERS.decode(fact.data)
    order = read_order(given, program.order_settings, fact.channel, fact.store)
    event = Event(
        fact.type,
        fact.time,
        line.time,
        fact.source,
        fact.id,
        channel=order.channel,
        store=order.store,
        order=order,
        capture=line.beside.capture,
    )
    return Line(SentEvent(*place, given), event, line.beside)
