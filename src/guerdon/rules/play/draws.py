"""Draws that can be checked: what each ticket came to follows from a seed whose hash was known beforehand.

A seed is 32 bytes. Its SHA-256 is published when the draw begins, the seed itself when it is over. The lot of
a ticket is HMAC-SHA256 of the ticket under the seed, read as a number of 256 bits, big end first. A ticket is
named by the draw, the account and its number there, so that neither the shop nor the member can choose it.
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import accumulate
from typing import Final, Literal, NamedTuple

import msgspec

from guerdon.base.calendar import Zone

SEED_BYTES: Final = 32
NOTHING: Final = 0
"""What a ticket came to that did not win."""
_RANGE: Final = 1 << 256


class PrizeDraw(msgspec.Struct, frozen=True):
    """A draw as compiled; what it brings are campaigns (`compiling.prizes`)."""

    key: str
    identity: str
    """Key and hash of what decides chances: a draw that was changed has another one, and another seed."""
    kind: Literal["instant", "raffle"]
    chances: tuple[Fraction, ...]
    """Of an instant win: the chance of each prize, in their order. Together at most 1."""
    winners: tuple[int | None, ...]
    """How many win each prize at most; None without end."""
    starts: datetime | None
    """From this local moment on there are tickets."""
    ends: datetime | None
    """The last local moment in which there are."""
    drawn_at: datetime | None
    """When a raffle is drawn, local."""

    @property
    def counter(self) -> str:
        """The account's own counter of its tickets; of an instant win it never goes down."""
        return f"draw/{self.identity}/tickets"

    def is_over(self, zone: Zone, now: datetime) -> bool:
        """Tell whether no ticket can come any more.

        Args:
            zone: the program's.
            now: the instant, UTC.

        Returns:
            False for a draw without an end.
        """
        return self.ends is not None and zone.local(now).replace(tzinfo=None) > self.ends


class Ticket(NamedTuple):
    """What names a ticket."""

    draw: str
    """The draw's identity."""
    account: str
    """As people see it, such as `acc_…`."""
    number: int
    """From 1, for each account by itself."""

    @property
    def text(self) -> str:
        """What is hashed."""
        return f"{self.draw}\n{self.account}\n{self.number}"


Lots = Callable[[Ticket], int]
"""Gives the lot of a ticket."""


def commitment_of(seed: bytes) -> str:
    """Hash a seed, for all to see before anything is drawn.

    Args:
        seed: 32 bytes.

    Returns:
        SHA-256 as 64 hex digits.
    """
    return hashlib.sha256(seed).hexdigest()


def lot_of(seed: bytes, ticket: str) -> int:
    """Draw a ticket's lot.

    Args:
        seed: of the draw, 32 bytes.
        ticket: its text.

    Returns:
        A number from 0 to 2^256 - 1, always the same for one seed and ticket.
    """
    return int.from_bytes(hmac.new(seed, ticket.encode(), hashlib.sha256).digest(), "big")


def prize_of(chances: Sequence[Fraction], lot: int) -> int:
    """Tell what a lot wins at once.

    Args:
        chances: of each prize; together at most 1.
        lot: of the ticket.

    Returns:
        The prize's place from 1, or `NOTHING`: the prizes lie one after the other from 0 on.
    """
    at = Fraction(lot, _RANGE)
    return next((place for place, bound in enumerate(accumulate(chances), 1) if at < bound), NOTHING)


def winners_of(
    winners: Sequence[int | None], tickets: Iterable[Ticket], lots: Lots
) -> list[tuple[int, Ticket]]:
    """Draw the winners of a raffle: the least lots win, the first prize first, and an account wins once.

    Args:
        winners: how many win each prize.
        tickets: all of them, in any order.
        lots: gives the lot of a ticket.

    Returns:
        The prize's place from 1 with the ticket, in the order in which they were drawn; fewer than there are
        prizes where there are not accounts enough.
    """
    best: dict[str, tuple[int, Ticket]] = {}
    for ticket in tickets:
        lot = lots(ticket)
        held = best.get(ticket.account)
        if held is None or lot < held[0]:
            best[ticket.account] = (lot, ticket)
    places = [place for place, count in enumerate(winners, 1) for _ in range(count or 0)]
    drawn = heapq.nsmallest(len(places), best.values())
    return [(place, ticket) for place, (_, ticket) in zip(places, drawn, strict=False)]


def tickets_hash(counts: Iterable[tuple[str, int]]) -> str:
    """Hash who had how many tickets, so that nobody can be added once the seed is known.

    Args:
        counts: accounts as people see them with the number of their tickets, in the order of accounts.

    Returns:
        SHA-256 as hex digits over lines of account, blank and number.
    """
    digest = hashlib.sha256()
    for account, count in counts:
        digest.update(f"{account} {count}\n".encode())
    return digest.hexdigest()
