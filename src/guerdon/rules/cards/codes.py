"""Codes of gift cards: letters that nobody can guess, with one that tells a typing mistake."""

from __future__ import annotations

from typing import Final

from guerdon.rules.coupons.codes import ALPHABET, check_letter, fold, has_right_check

PREFIX: Final = "GIFT"
_LETTERS: Final = 15
"""Random ones, 75 bits: with ten thousand million cards, more than 10^12 guesses for each."""
_GROUP: Final = 4
_FOLDED: Final = fold(PREFIX)
_LENGTH: Final = len(_FOLDED) + _LETTERS + 1


def code_of(digest: bytes) -> str:
    """Write a card's code.

    Args:
        digest: at least 10 bytes that only the tenant's key gives.

    Returns:
        Such as `GIFT-7K2M-9QXA-0PZR-4TBC`; the last letter belongs to the others.
    """
    number = int.from_bytes(digest[:10], "big")
    body = "".join(ALPHABET[number >> 5 * place & 31] for place in range(_LETTERS))
    body += check_letter(_FOLDED + body)
    groups = [body[start : start + _GROUP] for start in range(0, len(body), _GROUP)]
    return "-".join([PREFIX, *groups])


def ending_of(code: str) -> str:
    """Give the letters by which people tell cards apart, of no use to anybody else.

    Args:
        code: as written or folded.

    Returns:
        The last four.
    """
    return code[-_GROUP:]


def is_of_cards(typed: str) -> bool:
    """Tell whether a code is written as those of gift cards are, with a wrong letter or without.

    Args:
        typed: any text.

    Returns:
        True also where no card has it.
    """
    folded = fold(typed)
    return folded.startswith(_FOLDED) and len(folded) == _LENGTH


def read_code(typed: str) -> tuple[str, str]:
    """Read a code that somebody typed.

    Args:
        typed: any text, in any case, with dashes and spaces or without.

    Returns:
        The letters that it means, and why it can be no card's: `gift_card_unknown`, `gift_card_mistyped`, or
        empty where it may be one's.
    """
    folded = fold(typed)
    if not folded.startswith(_FOLDED):
        return folded, "gift_card_unknown"
    if len(folded) != _LENGTH or not has_right_check(folded):
        return folded, "gift_card_mistyped"
    return folded, ""
