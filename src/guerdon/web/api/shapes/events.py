"""Events and orders, as they are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from guerdon.web.api.shapes import Answered, BalanceShape


class ErrorPlace(Answered, frozen=True):
    """A wrong place of an input."""

    pointer: str
    code: str
    detail: str


class RowProblem(Answered, frozen=True):
    """Why an event was rejected."""

    code: str
    detail: str
    errors: Sequence[ErrorPlace] = ()


class EventAnswer(Answered, frozen=True):
    """What became of an event."""

    id: str
    status: Literal["applied", "duplicate", "rejected"]
    effects: Sequence[Mapping[str, Any]] = ()
    skipped: Sequence[Mapping[str, str]] = ()
    balances: Mapping[str, BalanceShape] = {}
    late: bool = False
    guest: bool = False
    returned: Mapping[str, Any] = {}
    """What came back of an order, and what that undid."""
    shortfalls: Sequence[Mapping[str, str]] = ()
    problem: RowProblem | None = None


class EventShape(Answered, frozen=True):
    """An event as it was taken in, without personal values."""

    id: str
    source: str
    type: str
    time: datetime
    booked_at: datetime
    account: str | None
    member: str | None
    channel: str | None
    store: str | None
    order: str | None
    program_version: int
    late: bool
    data: Any
    effects: Sequence[Mapping[str, Any]]
    skipped: Sequence[Mapping[str, str]]


class Events(Answered, frozen=True):
    """A page of events, newest first."""

    data: Sequence[EventShape]
    next: str | None


class OrderShape(Answered, frozen=True):
    """A paid order with what it brought about."""

    id: str
    source: str
    event: str
    time: datetime
    account: str | None
    member: str | None
    channel: str | None
    store: str | None
    order: Any
    effects: Sequence[Mapping[str, Any]]
    skipped: Sequence[Mapping[str, str]]


class Orders(Answered, frozen=True):
    """A page of orders, newest first."""

    data: Sequence[OrderShape]
    next: str | None
