"""Entries of units that move between a member and one of the program's own books."""

from __future__ import annotations

from guerdon.rules.decision import Book, Entry
from guerdon.rules.state import Lot


def moved_entries(
    moved: tuple[Lot, ...] | list[Lot], sign: int, book: Book, source: str = ""
) -> tuple[Entry, ...]:
    """Write lots that move between a member and one of the program's books.

    Args:
        moved: the lots, `remaining` being what moves.
        sign: 1 towards the member, −1 away.
        book: the other side.
        source: what caused it.

    Returns:
        One entry a lot and one for the other side; they sum to zero.
    """
    entries = [
        Entry("member", sign * lot.remaining, lot.available_at, lot.expires_at, source) for lot in moved
    ]
    entries.append(Entry(book, -sign * sum(lot.remaining for lot in moved), source=source))
    return tuple(entries)
