"""Codes of batches: a keyed permutation of numbers, written in letters that are hard to confuse."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from guerdon.base.errors import Problem

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""
KEY_BYTES: Final = 32
CODE_AT_MOST: Final = 80
"""Letters of the longest code, dashes left out."""
PREFIX_AT_MOST: Final = 20
SIZE_AT_MOST: Final = 100_000_000
GUESSES: Final = 1_000_000_000
"""Codes that can be written for each one that is valid, at least."""
_FOLDS: Final = str.maketrans(
    "ILOUilou" + "abcdefghjkmnpqrstvwxyz", "110V110V" + "ABCDEFGHJKMNPQRSTVWXYZ", "- "
)
_VALUES: Final = {letter: value for value, letter in enumerate(ALPHABET)}
_BODIES: Final = (8, 10, 12, 14)
"""Letters before the check letter; even, so that both halves have as many bits."""
_ROUNDS: Final = 8
"""Of a Feistel network; four make a strong permutation (Luby and Rackoff 1988), NIST SP 800-38G takes ten
of a weaker function."""
_PAIRS: Final = tuple(one + other for one in ALPHABET for other in ALPHABET)
_CHUNK: Final = 8_192


def fold(code: str) -> str:
    """Give the letters that a code means, however it was typed.

    Args:
        code: as typed: any case, with dashes and spaces, O for 0, I and L for 1, U for V.

    Returns:
        Letters of the alphabet; empty where it holds anything else, nothing, or too much.
    """
    folded = code.translate(_FOLDS) if len(code) <= 2 * CODE_AT_MOST else ""
    return folded if len(folded) <= CODE_AT_MOST and all(letter in _VALUES for letter in folded) else ""


def letters_for(size: int) -> int:
    """Tell how long the codes of a batch are, so that they cannot be guessed.

    Args:
        size: how many codes, 1 … 100,000,000.

    Returns:
        Letters after the prefix, the check letter among them.

    Raises:
        Problem: `batch_size_invalid`.
    """
    if not 1 <= size <= SIZE_AT_MOST:
        raise Problem.at("/size", "batch_size_invalid", f"a batch has 1 to {SIZE_AT_MOST:,} codes")
    return next(body for body in _BODIES if 32**body >= size * GUESSES) + 1


def has_right_check(folded: str) -> bool:
    """Tell whether a code's last letter belongs to the others.

    Args:
        folded: a whole code, prefix and all, as `fold` gives it.

    Returns:
        False after any one wrong letter, and after any two that changed places.
    """
    return not _check_of(folded[:-1]) ^ _VALUES[folded[-1]]


def check_letter(folded: str) -> str:
    """Give the letter that belongs behind others.

    Args:
        folded: letters as `fold` gives them.

    Returns:
        The letter with which `has_right_check` takes them.
    """
    return ALPHABET[_check_of(folded)]


def _doubled(value: int) -> int:
    """Multiply by x in GF(32) with x^5 + x^2 + 1, of which x is a generator."""
    return (value << 1) ^ (0b100101 if value & 16 else 0)


def _times(value: int, doublings: int) -> int:
    for _ in range(doublings):
        value = _doubled(value)
    return value


def _check_of(letters: str) -> int:
    """Weigh the letters: the last by x, the one before by x squared, and so on."""
    check = 0
    for letter in letters:
        check = _doubled(check ^ _VALUES[letter])
    return check


class Codes:
    """The codes of one batch."""

    def __init__(self, key: bytes, prefix: str, letters: int) -> None:
        """Make them ready.

        Args:
            key: 32 secret bytes.
            prefix: what each begins with, as written: capitals, digits and dashes.
            letters: after the prefix (`letters_for`).
        """
        self._cipher = Cipher(AES256(key), ECB())  # noqa: S305 - one block at a time, as a keyed function
        self._prefix = prefix
        self._folded = fold(prefix)
        self._body = letters - 1
        self._half = 5 * self._body // 2
        self._mask = (1 << self._half) - 1
        # What the check letter gets of the prefix, and of each pair of letters: weighing is linear.
        self._begun = _times(_check_of(self._folded), self._body)
        self._pairs = tuple(
            (5 * after, tuple(_times(_doubled(pair >> 5) ^ pair & 31, after + 1) for pair in range(1024)))
            for after in range(self._body - 2, -1, -2)
        )

    def decode(self, folded: str, size: int) -> int | None:
        """Find the number that a code stands for.

        Args:
            folded: the code as `fold` gives it, of this prefix and length.
            size: how many codes the batch has.

        Returns:
            0 … size − 1, None where the batch has no such code. Whoever asks looks at the check letter too.
        """
        number = 0
        for letter in folded[len(self._folded) : -1]:
            number = number << 5 | _VALUES[letter]
        left, right = number >> self._half, number & self._mask
        for turn in reversed(range(_ROUNDS)):
            left, right = right ^ self._round(turn, [left])[0], left
        place = left << self._half | right
        return place if place < size else None

    def written(self, first: int, count: int) -> Iterator[str]:
        """Write codes, as many as are wanted, in little memory.

        Args:
            first: number of the first one.
            count: how many.

        Returns:
            The codes with their prefix, in order of their numbers.
        """
        for start in range(first, first + count, _CHUNK):
            yield from self._some(start, min(_CHUNK, first + count - start))

    def _some(self, first: int, count: int) -> list[str]:
        half, mask = self._half, self._mask
        lefts: Sequence[int] = [number >> half for number in range(first, first + count)]
        rights: Sequence[int] = [number & mask for number in range(first, first + count)]
        for turn in range(_ROUNDS):
            made = self._round(turn, rights)
            lefts, rights = rights, [left ^ one for left, one in zip(lefts, made, strict=True)]
        return [self._write(left << half | right) for left, right in zip(lefts, rights, strict=True)]

    def _round(self, turn: int, halves: Sequence[int]) -> list[int]:
        """Give as many unguessable bits for each half; one call of the cipher for all of them."""
        blocks = array("Q", [turn << 8 | self._body]) * (2 * len(halves))
        blocks[::2] = array("Q", halves)
        if sys.byteorder == "big":
            blocks.byteswap()
        sealer = self._cipher.encryptor()
        words = array("Q", sealer.update(blocks.tobytes()) + sealer.finalize())
        if sys.byteorder == "big":
            words.byteswap()
        mask = self._mask
        return [word & mask for word in words[::2]]

    def _write(self, number: int) -> str:
        check, text = self._begun, self._prefix
        for shift, weights in self._pairs:
            pair = number >> shift & 1023
            text += _PAIRS[pair]
            check ^= weights[pair]
        return text + ALPHABET[check]
