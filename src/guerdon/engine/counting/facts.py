"""Stored events of accounts as facts that metrics count, with what came back of orders since."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec
import structlog

from guerdon.base.errors import Problem
from guerdon.engine.events import Before, StoredEvent, ask_stored, stream_of_accounts
from guerdon.engine.returns.paid import read_paid
from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey
from guerdon.rules.decision import Returned
from guerdon.rules.events import Event, PaidOrder, ReturnOrder
from guerdon.rules.program import Program
from guerdon.rules.reading import RETURNS
from guerdon.rules.undo import part_of

_LOG = structlog.get_logger(__name__)


class ReadFact(Protocol):
    """A stored event, read as it was decided upon."""

    @property
    def event(self) -> Event:
        """What was decided upon."""

    @property
    def again(self) -> Event | None:
        """Read once more with texts that look like numbers as numbers, where that makes a difference."""


Read = Callable[[Program, StoredEvent, MemberKey | None, Callable[[int], Program | None]], ReadFact]
"""Reads a stored event (`engine.facts.read_fact`) by the version that decided, with a person's key."""


class Reading(NamedTuple):
    """How stored events are read."""

    read: Read
    recorded: Callable[[int], Program]
    """Gives a version as it was."""
    key_of: Callable[[StoredEvent], MemberKey | None]
    """Gives the key of the person whom an event is about."""


class Happened(NamedTuple):
    """A fact that metrics may count."""

    stored: StoredEvent
    paid: PaidOrder
    again: Event | None
    """Read once more, where numbers may stand as texts."""


def facts_of(
    tx: Tx, reading: Reading, whose: Collection[int], types: Collection[str], before: Before | None = None
) -> Iterator[Happened]:
    """Read the facts of accounts.

    Args:
        tx: bound to the tenant.
        reading: how stored events are read.
        whose: the accounts.
        types: the types that metrics look at.
        before: only what stands before this place of the journal; None reads all.

    Yields:
        Each fact once, with what came back of it; what cannot be read is left out and logged.
    """
    returns = _returns_of(tx, whose, before)
    for stored in stream_of_accounts(tx, whose, types, before):
        try:
            happened = _happened(tx, reading, stored, returns)
        except (Problem, msgspec.MsgspecError, UnicodeDecodeError, zlib.error, LookupError) as error:
            _LOG.error("event_not_counted", event=str(stored.event_id), fault=type(error).__name__)
            continue
        if happened is not None:
            yield happened


def _returns_of(
    tx: Tx, whose: Collection[int], before: Before | None
) -> Mapping[str, tuple[tuple[UUID, Returned], ...]]:
    """Find what came back of the orders of accounts: by the event that paid, in order."""
    found: dict[str, tuple[tuple[UUID, Returned], ...]] = {}
    for stored in stream_of_accounts(tx, whose, RETURNS, before):
        returned = stored.decided.returned
        if returned is not None:
            earlier = found.get(returned.order_event, ())
            found[returned.order_event] = (*earlier, (stored.event_id, returned))
    return found


def _happened(
    tx: Tx,
    reading: Reading,
    stored: StoredEvent,
    returns: Mapping[str, tuple[tuple[UUID, Returned], ...]],
) -> Happened | None:
    fact = reading.read(reading.recorded(stored.version), stored, reading.key_of(stored), reading.recorded)
    if isinstance(fact.event.command, ReturnOrder):
        return _came_back(tx, reading, stored, (fact, returns))
    if fact.event.command is not None:
        return None
    paid = PaidOrder(
        event_id=str(stored.event_id),
        program=reading.recorded(stored.version),
        event=fact.event,
        decision=stored.decided,
        member_id=stored.member_id,
        earlier=tuple(one for _, one in returns.get(str(stored.event_id), ())),
    )
    return Happened(stored, paid, fact.again)


def _came_back(
    tx: Tx,
    reading: Reading,
    stored: StoredEvent,
    read: tuple[ReadFact, Mapping[str, tuple[tuple[UUID, Returned], ...]]],
) -> Happened | None:
    """Read a return as campaigns and metrics saw it: what came back, as an order of its own."""
    fact, returns = read
    decision = stored.decided
    if decision.returned is None or not isinstance(fact.event.command, ReturnOrder):
        return None
    order_event = UUID(decision.returned.order_event)
    order = ask_stored(tx, {0, stored.account_id}, {order_event})().get(order_event)
    if order is None:
        order = _elsewhere(tx, order_event)
    if order is None:
        return None
    paid = read_paid(order, reading.recorded, reading.key_of(order))
    earlier = []
    for event_id, one in returns.get(decision.returned.order_event, ()):
        if event_id == stored.event_id:
            break
        earlier.append(one)
    paid = msgspec.structs.replace(paid, earlier=tuple(earlier))
    came = part_of(paid, fact.event.command.asked).came
    event = msgspec.structs.replace(fact.event, command=None, order=came)
    program = reading.recorded(stored.version)
    return Happened(stored, PaidOrder(str(stored.event_id), program, event, decision, stored.member_id), None)


def _elsewhere(tx: Tx, order_event: UUID) -> StoredEvent | None:
    """Find an order that was paid to an account that was merged since."""
    row = tx.execute("select account_id from events where event_id = %s", (order_event,)).fetchone()
    return ask_stored(tx, {row[0]}, {order_event})().get(order_event) if row is not None else None
