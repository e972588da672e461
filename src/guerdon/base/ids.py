"""Identifiers: time-ordered numbers and UUIDs, and the texts that people see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z; keeps the numbers positive until 2159
_NUMBER_LENGTH = 13


class IdMaker:
    """Makes identifiers that sort by time from a clock and a source of random bits that are given to it."""

    def __init__(self, milliseconds: Callable[[], int], random_bits: Callable[[int], int]) -> None:
        """Make a maker.

        Args:
            milliseconds: Unix time in milliseconds.
            random_bits: n → a random integer of n bits.
        """
        self._milliseconds = milliseconds
        self._random_bits = random_bits
        self._last_number = 0
        self._last_stamp = 0

    def number(self) -> int:
        """Make a 63-bit identifier, greater than each one made before by this maker.

        Returns:
            41 bits of milliseconds and 22 random bits; never the same twice here.
        """
        fresh = (self._milliseconds() - _EPOCH_MS) << 22 | self._random_bits(22)
        self._last_number = max(fresh, self._last_number + 1)
        return self._last_number

    def uuid(self) -> UUID:
        """Make a UUIDv7 (RFC 9562) that sorts after each one made before by this maker.

        Returns:
            48 bits of milliseconds, 12 counting bits and 62 random bits.
        """
        stamp = max(self._milliseconds() << 12 | self._random_bits(10), self._last_stamp + 1)
        self._last_stamp = stamp
        value = (stamp >> 12) << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | 2 << 62 | self._random_bits(62)
        return UUID(int=value)


def number_text(prefix: str, number: int) -> str:
    """Write a numeric identifier as people see it.

    Args:
        prefix: kind of thing, such as `mem`.
        number: positive 63-bit identifier.

    Returns:
        Text such as `mem_01h8xj3q0abcd`, which sorts as the numbers do.
    """
    pairs = _PAIRS
    # Two letters at a time: every answer and every stored event writes three of these.
    return (
        f"{prefix}_{_ALPHABET[number >> 60 & 31]}{pairs[number >> 50 & 1023]}{pairs[number >> 40 & 1023]}"
        f"{pairs[number >> 30 & 1023]}{pairs[number >> 20 & 1023]}{pairs[number >> 10 & 1023]}"
        f"{pairs[number & 1023]}"
    )


def parse_number(prefix: str, text: str) -> int | None:
    """Read back what `number_text` wrote.

    Args:
        prefix: the kind that is expected.
        text: what was typed.

    Returns:
        The identifier, or None where the text is no identifier of that kind.
    """
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != _NUMBER_LENGTH:
        return None
    number = 0
    for letter in tail:
        value = _VALUES.get(letter)
        if value is None:
            return None
        number = number << 5 | value
    return number if number < 2**63 else None


class Chance:
    """Repeatable randomness for one decision, drawn from a seed by hashing."""

    def __init__(
        self, seed: bytes | Callable[[], bytes], lots: Callable[[str, str], int] | None = None
    ) -> None:
        """Make a source.

        Args:
            seed: at least 8 bytes, or what makes them when the first draw comes, as few decisions draw;
                the same seed gives the same draws in the same order.
            lots: gives a number of 256 bits by the name of a draw and the text of a ticket, whose seed
                outlives the decision; None where nothing is decided by lot.
        """
        self._seed = seed
        self._drawn = 0
        self._lots = lots

    def lot(self, draw: str, ticket: str) -> int | None:
        """Draw the lot of a ticket.

        Args:
            draw: names the draw, and with it its seed.
            ticket: its text.

        Returns:
            A uniform integer of 256 bits, the same whenever it is asked for; None where nothing is drawn.
        """
        return None if self._lots is None else self._lots(draw, ticket)

    def without_lots(self) -> Chance:
        """Give the same source for a look ahead, which tells nobody what will be drawn.

        Returns:
            A source that draws codes as this one does, and no lots.
        """
        return Chance(self._seed)

    def bits(self, count: int) -> int:
        """Draw an integer.

        Args:
            count: number of bits, at most 512.

        Returns:
            A uniform integer of that many bits.
        """
        if callable(self._seed):
            self._seed = self._seed()
        self._drawn += 1
        digest = hashlib.blake2b(self._drawn.to_bytes(8, "big"), key=self._seed[:64]).digest()
        return int.from_bytes(digest, "big") >> (512 - count)

    def letters(self, count: int, alphabet: str) -> str:
        """Draw a text.

        Args:
            count: number of letters, at most 100.
            alphabet: 32 different letters.

        Returns:
            That many uniform letters.
        """
        number = self.bits(5 * count)
        return "".join(alphabet[number >> (5 * place) & 31] for place in range(count))
