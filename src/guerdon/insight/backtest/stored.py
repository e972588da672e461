"""The history that a program has itself: its stored events and requests, written to a file for a backtest."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from guerdon.engine.checkouts.promise import promised_order
from guerdon.engine.events import StoredEvent, stream_events
from guerdon.infra.tx import Tx
from guerdon.insight.backtest.own import NOTHING, Beside, Made, account_name, fact_line, is_replayed, own_line
from guerdon.members.states import load_members
from guerdon.rules.events import Capture, TakeCapture
from guerdon.rules.reading import RETURNS
from guerdon.rules.state import MemberState

NAME: Final = "events of this program"
# Nothing is locked, all of it is of one instant, and a long look must not be cut short.
_ONE_LOOK: Final = (
    "set transaction isolation level repeatable read, read only",
    "set local statement_timeout = 0",
)
_PEOPLE_AT_ONCE: Final = 1_000
_TAKING: Final = "guerdon.take_capture"
_CHECKOUT: Final = """
select source, promised from checkouts where account_id = %s and checkout_id = %s and event_id = %s
"""
_TOLD_EVERY: Final = 500


class Written(NamedTuple):
    """What was written."""

    events: int
    """Events and requests in the file."""
    unreadable: int
    """Stored events that could not be read."""
    people: Mapping[str, MemberState]
    """Owners by account name, as they are today."""


class _Sent(msgspec.Struct, frozen=True):
    id: str
    source: str
    type: str
    occurred_at: datetime
    data: msgspec.Raw
    channel: str = ""
    store: str = ""
    capture: Capture | None = None


class _Own(msgspec.Struct, frozen=True):
    type: str
    data: msgspec.Raw


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    source: str
    type: str
    time: datetime
    data: msgspec.Raw
    subject: str | None = None
    channel: str | None = None
    store: str | None = None


_SENT: Final = msgspec.json.Decoder(_Sent)
_OWN: Final = msgspec.json.Decoder(_Own)


def look_once(tx: Tx) -> None:
    """Make a transaction see one instant for as long as it takes.

    Args:
        tx: bound to the tenant, before its first query.
    """
    for statement in _ONE_LOOK:
        tx.execute(statement)


def count_events(tx: Tx, program_id: int) -> int:
    """Count what a program has stored.

    Args:
        tx: bound to the tenant.
        program_id: which.

    Returns:
        Events, the engine's own included.
    """
    row = tx.execute("select count(*) from events where program_id = %s", (program_id,)).fetchone()
    return int(row[0]) if row is not None else 0


def write_events(tx: Tx, program_id: int, path: Path, told: Callable[[int], None]) -> Written:
    """Write a program's stored history as lines that `open_history` reads.

    What was sealed away because it may say something about a person stays sealed.

    Args:
        tx: bound to the tenant, of one instant.
        program_id: which.
        path: a new file.
        told: hears how many events were gone through since it was last told.

    Returns:
        What was written.
    """
    events = unreadable = 0
    accounts: set[int] = set()
    with path.open("xb") as file:
        stream = stream_events(tx, program_id)
        while some := list(islice(stream, _TOLD_EVERY)):
            for stored in some:
                try:
                    line = line_of(stored, _order_of(tx, stored))
                except (msgspec.DecodeError, UnicodeDecodeError, zlib.error):
                    unreadable += 1
                    continue
                if line is not None:
                    events += 1
                    accounts.add(stored.account_id)
                    file.write(line + b"\n")
            told(len(some))
    return Written(events, unreadable, dict(_people(tx, sorted(accounts - {0}))))


def line_of(stored: StoredEvent, order: tuple[str, str] | None = None) -> bytes | None:
    """Write a stored event as a line of a history.

    Args:
        stored: the event.
        order: source and id of the order for which it took what a checkout held; None for any other event.

    Returns:
        A CloudEvent about the account, or a request of ours; None for what a backtest does not repeat.

    Raises:
        msgspec.DecodeError: where its body or its decision cannot be read.
    """
    subject = account_name(stored.account_id) if stored.account_id else None
    made = tuple(Made(one.redemption_id, one.campaign, one.reward) for one in stored.decided.redemptions)
    if stored.id == "":
        if not is_replayed(stored.type):
            return None
        own = _OWN.decode(stored.text)
        asked = (own.type, str(stored.event_id), stored.booked_at)
        return own_line(asked, subject, bytes(own.data), Beside(made, order=order))
    sent = _SENT.decode(stored.text)
    line = msgspec.json.encode(
        _Line(
            sent.id,
            sent.source,
            sent.type,
            sent.occurred_at,
            sent.data,
            subject,
            sent.channel or None,
            sent.store or None,
        )
    )
    beside = Beside(made, sent.capture)
    if beside == NOTHING and sent.type not in RETURNS:
        return line
    turn = sent.occurred_at if sent.capture is None else stored.booked_at
    return fact_line((sent.id, turn), line, beside)


def _order_of(tx: Tx, stored: StoredEvent) -> tuple[str, str] | None:
    """Find the order that was known before its checkout was confirmed."""
    if stored.id or stored.type != _TAKING:
        return None
    capture = msgspec.json.decode(_OWN.decode(stored.text).data, type=TakeCapture).capture
    place = (stored.account_id, capture.checkout, stored.event_id)
    row = tx.execute(_CHECKOUT, place).fetchone()
    return (row[0], promised_order(row[1])) if row is not None else None


def _people(tx: Tx, account_ids: Iterable[int]) -> Iterator[tuple[str, MemberState]]:
    numbers = iter(account_ids)
    while some := list(islice(numbers, _PEOPLE_AT_ONCE)):
        for account_id, owner in load_members(tx, some, ()).owners.items():
            yield account_name(account_id), owner.state
