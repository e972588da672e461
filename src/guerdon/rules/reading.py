"""Reading an event: from the bytes of one CloudEvent to the fact that `step` decides upon."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, NoReturn

import msgspec

from guerdon.base.calendar import FIRST_INSTANT, LAST_INSTANT
from guerdon.base.errors import Problem
from guerdon.rules.event_data import read_data
from guerdon.rules.events import Event, ReturnOrder
from guerdon.rules.orders import OrderInput, read_order
from guerdon.rules.own_events import SOURCE, TAKEN_BACK, TYPES, declared_data, has_order
from guerdon.rules.program import Program
from guerdon.rules.referrals.giving import given_as_order
from guerdon.rules.sent import LeftLine, ReturnAsked, ReturnInput

TEXT_LENGTH: Final = 200
EARLY_AT_MOST: Final = timedelta(hours=24)
"""How far a sender's clock may run ahead of ours."""

RETURNS: Final = frozenset({"order.returned", "order.cancelled", "order.edited", *TAKEN_BACK})
"""Events that say what came back of an order, or of what was given as one is."""
_OUR_OWN: Final = frozenset({"tier.reached", "badge.earned", "challenge.completed", "checkout"})
_EVENT_TYPE: Final = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*")
_PLACE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_FIELD: Final = re.compile(r"(?:required|unknown) field `(.*)`$", re.DOTALL)
_MICROSECOND: Final = timedelta(microseconds=1)
_NUL: Final = b"\\u0000"
_TIME: Final = re.compile(rb'"occurred_at":"[^"]*"')
_ORDER: Final = b'"order.'


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CloudEvent 1.0 as it is sent, its data not looked into yet."""

    id: str
    source: str
    type: str
    time: datetime
    specversion: str = "1.0"
    subject: str | None = None
    channel: str | None = None
    """Where it happened; an order may say so itself."""
    store: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


class _OrderEnvelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same with an order in it: nearly all events are of this form, and are decoded in one go."""

    id: str
    source: str
    type: str
    time: datetime
    data: OrderInput
    specversion: str = "1.0"
    subject: str | None = None
    channel: str | None = None
    store: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None


class SentEvent(msgspec.Struct, frozen=True):
    """A CloudEvent as it was sent, read and exact."""

    id: str
    source: str
    type: str
    occurred_at: datetime
    """UTC."""
    subject: str | None
    """A member reference, or None for a guest's order."""
    channel: str
    store: str
    data: OrderInput | ReturnAsked | Mapping[str, Any]


class _Clock(msgspec.Struct):
    time: datetime


_NAMES: Final = msgspec.json.Decoder(ReturnAsked, float_hook=Decimal)
_RETURNED: Final = msgspec.json.Decoder(ReturnInput, float_hook=Decimal)
_CLOCKS: Final = msgspec.json.Decoder(_Clock)
_ENVELOPES: Final = msgspec.json.Decoder(Envelope)
_ORDERS: Final = msgspec.json.Decoder(OrderInput, float_hook=Decimal)
_ORDER_ENVELOPES: Final = msgspec.json.Decoder(_OrderEnvelope, float_hook=Decimal)
_OBJECTS: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_LOOSE: Final = msgspec.json.Decoder(float_hook=str)
_BODIES: Final = msgspec.json.Encoder(order="deterministic")


def read_event(
    raw: bytes, program: Program, booked_at: datetime | None, *, own: bool = False
) -> tuple[SentEvent, Event]:
    """Read one event and check all of it that needs no account.

    Args:
        raw: UTF-8 JSON of one CloudEvent.
        program: whose currency, settings and declared event types apply.
        booked_at: the receiving instant, UTC; None books the event at its own time, as history is.
        own: whether events that the engine's own rooms make are taken: from them, and in a history.

    Returns:
        The event as it was sent, and the fact to decide upon.

    Raises:
        Problem: `invalid_json`, `invalid_utf8`, `nesting_too_deep`, `nul_character`, `missing_field`,
            `unknown_field`, `wrong_type`, `decimal_invalid`, `time_invalid`, `time_without_offset`,
            `time_out_of_range`, `time_in_future`, `specversion_unsupported`, `content_type_unsupported`,
            `text_length`, `event_type_invalid`, `reserved_type`, `reserved_source`, `subject_missing`, and
            what `read_order` and `read_data` raise.
    """
    envelope = _opened(raw)
    if _NUL in raw:
        _refuse_nul(raw)
    occurred_at = _instant(envelope.time, booked_at)
    _check_envelope(envelope)
    if not own:
        _refuse_own(envelope)
        # A history tells what was approved elsewhere.
        if booked_at is not None:
            _refuse_unproved(envelope.type, program)
    channel, store = envelope.channel or "", envelope.store or ""
    order, data = None, {}
    body: OrderInput | ReturnAsked | Mapping[str, Any]
    if envelope.type in RETURNS:
        return _read_return(envelope, occurred_at, booked_at)
    if has_order(envelope.type):
        bought = envelope.data
        order_sent = bought if isinstance(bought, OrderInput) else _decoded(bytes(bought), _ORDERS, "/data")
        _refuse_factors(order_sent, "/data")
        body, order = order_sent, read_order(order_sent, program.order_settings, channel, store)
    else:
        assert isinstance(envelope, Envelope)
        body = _decoded(bytes(envelope.data), _OBJECTS, "/data") if envelope.data else {}
        data = read_data(body, declared_data(program.definition, envelope.type))
        order = given_as_order(envelope.type, envelope.id, program.order_settings)
    sent = SentEvent(
        envelope.id, envelope.source, envelope.type, occurred_at, envelope.subject, channel, store, body
    )
    return sent, Event(
        type=envelope.type,
        occurred_at=occurred_at,
        booked_at=booked_at or occurred_at,
        source=envelope.source,
        id=envelope.id,
        channel=order.channel if order is not None else channel,
        store=order.store if order is not None else store,
        order=order,
        data=data,
    )


def _read_return(
    envelope: Envelope | _OrderEnvelope, occurred_at: datetime, booked_at: datetime | None
) -> tuple[SentEvent, Event]:
    """Read what came back of an order: a return, a cancelled order, or an order as it is after an edit."""
    asked = _asked(envelope)
    if not asked.id:
        asked = msgspec.structs.replace(asked, id=envelope.id)
    _check_length(asked.order, "/data/order")
    _check_length(asked.id, "/data/id")
    channel, store = envelope.channel or "", envelope.store or ""
    sent = SentEvent(
        envelope.id, envelope.source, envelope.type, occurred_at, envelope.subject, channel, store, asked
    )
    return sent, returning(sent, booked_at or occurred_at)


def returning(sent: SentEvent, booked_at: datetime) -> Event:
    """Make the fact that something came back of an order.

    Args:
        sent: the return as it is kept.
        booked_at: the receiving instant, UTC.

    Returns:
        The fact; gathering adds the order.
    """
    assert isinstance(sent.data, ReturnAsked)
    return Event(
        sent.type,
        sent.occurred_at,
        booked_at,
        sent.source,
        sent.id,
        channel=sent.channel,
        store=sent.store,
        command=ReturnOrder(sent.data),
    )


def _asked(envelope: Envelope | _OrderEnvelope) -> ReturnAsked:
    data = envelope.data
    if envelope.type not in ("order.returned", *TAKEN_BACK):
        is_cancelled = envelope.type == "order.cancelled"
        order = data if isinstance(data, OrderInput) else _order_or_return(bytes(data))
        if isinstance(order, ReturnAsked):
            if is_cancelled:
                return ReturnAsked(order.order, order.id, all=True, refund_shipping=True)
            if order.left is None:
                detail = "an edited order says which lines are `left`, or is sent as it is now"
                raise Problem.at("/data/left", "missing_field", detail)
            return ReturnAsked(order.order, order.id, left=order.left)
        if is_cancelled:
            return ReturnAsked(order.id, all=True, refund_shipping=True)
        left = tuple(LeftLine(line.id, line.quantity, line.price, line.subtotal) for line in order.lines)
        return ReturnAsked(order.id, left=left)
    if isinstance(data, OrderInput):
        # It reads as an order as well; what is no part of a return is named.
        data = msgspec.Raw(_BODIES.encode(data))
    asked: ReturnInput = _decoded(bytes(data), _RETURNED, "/data")
    return ReturnAsked(asked.order, asked.id, asked.lines, asked.all, asked.refund_shipping)


def _order_or_return(data: bytes) -> OrderInput | ReturnAsked:
    """Read an order, or what names one, as a return is kept."""
    said: dict[str, Any] = _decoded(data, _OBJECTS, "/data")
    if "order" in said:
        named: ReturnAsked = _decoded(data, _NAMES, "/data")
        return named
    order: OrderInput = _decoded(data, _ORDERS, "/data")
    return order


def _opened(raw: bytes) -> Envelope | _OrderEnvelope:
    """Decode an event, in one go where it is an order."""
    if _ORDER in raw:
        try:
            whole: _OrderEnvelope = _ORDER_ENVELOPES.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # the envelope's own decoder, and then the order's, find the place and say it
        else:
            if has_order(whole.type):
                return whole
    envelope: Envelope = _decoded(raw, _ENVELOPES, "")
    return envelope


def decode_cart(raw: bytes) -> OrderInput:
    """Decode a cart.

    Args:
        raw: UTF-8 JSON of the cart.

    Returns:
        The cart as sent.

    Raises:
        Problem: what `read_event` raises about JSON and fields; pointers begin at the cart.
    """
    sent: OrderInput = _decoded(raw, _ORDERS, "")
    if _NUL in raw:
        _refuse_nul(raw)
    _refuse_factors(sent, "")
    return sent


def _refuse_factors(order: OrderInput, pointer: str) -> None:
    """Take no multipliers of points from outside: campaigns give them, and a checkout keeps them."""
    for place, line in enumerate(order.lines):
        if line.factors:
            detail = "unknown field `factors`: campaigns say what points are multiplied by"
            raise Problem.at(f"{pointer}/lines/{place}/factors", "unknown_field", detail)
    if order.gift_cards and pointer:
        detail = "codes of gift cards belong to carts; say in `payments` what a gift card paid"
        raise Problem.at(f"{pointer}/gift_cards", "unknown_field", detail)


def clock_of(raw: bytes) -> int | None:
    """Look at an event's time alone, to put events in order before they are read.

    Args:
        raw: UTF-8 JSON of one CloudEvent, which may well be broken.

    Returns:
        Microseconds since 1970, or None where there is no time that `read_event` would accept.
    """
    try:
        at = _CLOCKS.decode(raw).time
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if at.tzinfo is None or not FIRST_INSTANT <= at < LAST_INSTANT:
        return None
    return (at.astimezone(UTC) - FIRST_INSTANT) // _MICROSECOND


def instant_of(clock: int) -> datetime:
    """Give the instant that `clock_of` wrote as a number.

    Args:
        clock: microseconds since 1970.

    Returns:
        The instant, UTC.
    """
    return FIRST_INSTANT + clock * _MICROSECOND


def canonical_body(sent: SentEvent) -> bytes:
    """Write an event so that two that say the same are the same bytes, however they were spaced and ordered.

    Args:
        sent: the event.

    Returns:
        Compact JSON with a fixed order of keys; absent fields are left out and decimals keep their digits.
    """
    return _BODIES.encode(sent)


def body_hash(sent: SentEvent) -> bytes:
    """Digest an event, to tell a retry from another event with the same id.

    Args:
        sent: the event.

    Returns:
        SHA-256 of the canonical body, 32 bytes.
    """
    return hashlib.sha256(_BODIES.encode(sent)).digest()


def return_hash(body: bytes) -> bytes:
    """Digest a return: it is one and the same whenever it is told.

    Args:
        body: as `canonical_body` writes it.

    Returns:
        SHA-256 of the body without its time, 32 bytes.
    """
    return hashlib.sha256(_TIME.sub(b"", body, count=1)).digest()


def subject_key(subject: str) -> str:
    """Name the account that a reference means in a history, where nobody has been enrolled by hand.

    Args:
        subject: a member reference as sent; a bare text is an external id.

    Returns:
        The reference with its kind, such as `external:4711`.
    """
    kind, colon, _ = subject.partition(":")
    if colon and kind in {"card", "email", "phone", "external"}:
        return subject
    return subject if subject.startswith("mem_") else f"external:{subject}"


def _check_envelope(envelope: Envelope | _OrderEnvelope) -> None:
    if envelope.specversion != "1.0":
        raise Problem.at("/specversion", "specversion_unsupported", "expected CloudEvents `1.0`")
    if envelope.datacontenttype not in (None, "application/json"):
        raise Problem.at("/datacontenttype", "content_type_unsupported", "expected `application/json`")
    _check_length(envelope.id, "/id")
    _check_length(envelope.source, "/source")
    _check_length(envelope.type, "/type")
    _check_length(envelope.subject, "/subject")
    _check_length(envelope.channel, "/channel")
    _check_length(envelope.store, "/store")
    _check_type(envelope.type)
    is_order = has_order(envelope.type)
    if envelope.subject is None and not is_order:
        raise Problem.at("/subject", "subject_missing", "only `order.*` events may be about nobody")
    if is_order and not envelope.data:
        raise Problem.at("/data", "missing_field", "an `order.*` event carries the order in `data`")


def _refuse_own(envelope: Envelope | _OrderEnvelope) -> None:
    if envelope.type in TYPES:
        detail = f"`{envelope.type}` is made by the engine itself, when it has happened here"
        raise Problem.at("/type", "reserved_type", detail)
    if envelope.source.startswith(SOURCE):
        detail = f"sources that begin with `{SOURCE}` are the engine's own; name your shop or your app"
        raise Problem.at("/source", "reserved_source", detail)


def _refuse_unproved(event_type: str, program: Program) -> None:
    kind = program.definition.events.get(event_type)
    if kind is not None and kind.evidence != "none":
        raise Problem.at("/type", "evidence_needed", "somebody has to approve this; send it to `…/deeds`")


@lru_cache(maxsize=1024)
def _check_type(event_type: str) -> None:
    if event_type.startswith("guerdon.") or event_type in _OUR_OWN:
        raise Problem.at("/type", "reserved_type", "events of this type are made by the engine itself")
    if _EVENT_TYPE.fullmatch(event_type) is None:
        detail = "expected lower-case words joined by dots, such as `item.recycled`"
        raise Problem.at("/type", "event_type_invalid", detail)


def _check_length(text: str | None, pointer: str) -> None:
    if text is not None and not 0 < len(text) <= TEXT_LENGTH:
        raise Problem.at(pointer, "text_length", f"expected 1 to {TEXT_LENGTH} characters")


def _instant(at: datetime, booked_at: datetime | None) -> datetime:
    if at.tzinfo is None:
        detail = "expected an offset, such as `2026-11-21T10:00:00Z`"
        raise Problem.at("/time", "time_without_offset", detail)
    # Compared before it is converted: the year 9999 west of Greenwich has no UTC.
    if not FIRST_INSTANT <= at < LAST_INSTANT:
        detail = f"expected a time from {FIRST_INSTANT.year} to before {LAST_INSTANT.year}"
        raise Problem.at("/time", "time_out_of_range", detail)
    if booked_at is not None and at > booked_at + EARLY_AT_MOST:
        raise Problem.at("/time", "time_in_future", "the event's time is more than 24 hours ahead")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _refuse_nul(raw: bytes) -> None:
    # An escaped backslash before `u0000` is an innocent text, so look at the decoded ones.
    if _holds_nul(_LOOSE.decode(raw)):
        raise Problem("nul_character", "texts cannot hold the character U+0000")


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(one) for key, one in value.items())
    return isinstance(value, list) and any(_holds_nul(one) for one in value)


def _decoded(raw: bytes, decoder: Any, base: str) -> Any:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        _refuse_shape(str(error), decoder.type, base)
    except msgspec.DecodeError as error:
        raise Problem.at(base, "invalid_json", str(error)) from None
    except UnicodeDecodeError:
        raise Problem.at(base, "invalid_utf8", "expected UTF-8") from None
    except RecursionError:
        raise Problem.at(base, "nesting_too_deep", "brackets are nested too deeply") from None


def _refuse_shape(message: str, shape: Any, base: str) -> NoReturn:
    """Turn the decoder's message into a code and a JSON pointer."""
    match = _PLACE.match(message)
    what, path = (match["what"], match["path"] or "") if match is not None else (message, "")
    pointer = base + "".join("/" + (name or place) for name, place in _STEP.findall(path))
    named = _FIELD.search(what)
    if named is not None and "missing" in what:
        raise Problem.at(f"{pointer}/{named[1]}", "missing_field", f"the field `{named[1]}` is missing")
    if named is not None:
        place = f"{pointer}/{named[1]}".replace("\n", " ")[:TEXT_LENGTH]
        raise Problem.at(place, "unknown_field", _unknown(named[1], shape))
    code = "wrong_type"
    if "decimal" in what and "Invalid" in what:
        code = "decimal_invalid"
    elif "RFC3339" in what:
        code = "time_invalid"
    raise Problem.at(pointer, code, what)


def _unknown(name: str, shape: Any) -> str:
    known = sorted({*getattr(shape, "__struct_fields__", ())})
    near = get_close_matches(name[:60], known, n=1)
    return f"unknown field `{name[:60]}`" + (f"; did you mean `{near[0]}`?" if near else "")
