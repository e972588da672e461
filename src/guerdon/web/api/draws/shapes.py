"""What calls about draws answer; no seed is in anything before its draw is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from guerdon.web.api.shapes import Answered


class DrawPrizeShape(Answered, frozen=True):
    """One of the things that can be won."""

    place: int
    """From 1; of an instant win the prizes lie in this order from the lot 0 on."""
    name: str | None
    odds: str | None
    """The chance of each ticket of an instant win, such as `1 in 50`."""
    winners: int | None
    """How many win it at most; null without end."""


class WinnerShape(Answered, frozen=True):
    """Who won something in a raffle."""

    prize: int
    account: str
    ticket: int


class DrawnShape(Answered, frozen=True):
    """How a raffle was drawn."""

    drawn_at: datetime
    accounts: int
    tickets: int
    tickets_hash: str
    """SHA-256 over a line for each account, in the order of its number: account, blank, number of tickets."""
    winners: Sequence[WinnerShape]


class DrawShape(Answered, frozen=True):
    """A draw."""

    draw: str
    identity: str
    """Stands in each ticket; another one when what decides chances was changed."""
    name: str | None
    description: str | None
    picture: str | None
    kind: Literal["instant", "raffle"]
    state: Literal["not_yet", "open", "over", "drawn"]
    trigger: str
    """The event that brings a ticket."""
    starts_at: datetime | None
    ends_at: datetime | None
    seed_hash: str
    """SHA-256 of the seed: keep it, and compare once the seed is known."""
    seed: str | None
    """64 hex digits, once the draw is over, or the raffle drawn."""
    prizes: Sequence[DrawPrizeShape]
    drawn: DrawnShape | None


class Draws(Answered, frozen=True):
    """The draws of a program."""

    data: Sequence[DrawShape]
    next: str | None


class DrawTicketShape(Answered, frozen=True):
    """A ticket of an instant win."""

    number: int
    prize: int | None
    """Place of what its lot came to; null for nothing. A prize of which none was left is not given."""


class MyDraw(Answered, frozen=True):
    """A draw, and a member's own tickets."""

    draw: DrawShape
    account: str
    """Stands in each ticket."""
    tickets: int
    listed: Sequence[DrawTicketShape]
    """Of an instant win the newest, with what they came to; of a raffle none, before and after."""
    won: Sequence[WinnerShape]
    """Of a raffle that was drawn: what this account won."""


class MyDraws(Answered, frozen=True):
    """A member's draws."""

    data: Sequence[MyDraw]
    next: str | None
