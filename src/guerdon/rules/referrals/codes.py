"""Personal codes for invitations: short, in letters hard to confuse, the last one telling mistakes."""

from __future__ import annotations

from typing import Final

from guerdon.base.errors import Problem
from guerdon.rules.coupons.codes import ALPHABET, check_letter, fold, has_right_check

_LETTERS: Final = 7
"""Random ones: with a million members, 30,000 guesses for each; nothing is won by guessing one."""
_LENGTH: Final = _LETTERS + 1
_GROUP: Final = 4
_AT_MOST: Final = 100
_POINTER: Final = "/referral_code"
UNKNOWN: Final = Problem.at(_POINTER, "referral_code_unknown", "nobody here invites with this code")


def code_of(digest: bytes) -> str:
    """Write a code.

    Args:
        digest: at least 5 bytes that only the tenant's key gives.

    Returns:
        Eight letters without a dash, the last of which belongs to the others.
    """
    number = int.from_bytes(digest[:5], "big")
    body = "".join(ALPHABET[number >> 5 * place & 31] for place in range(_LETTERS))
    return body + check_letter(body)


def shown_code(code: str) -> str:
    """Write a code as people read it.

    Args:
        code: as `code_of` gives it.

    Returns:
        Such as `7K2M-9QXA`.
    """
    return f"{code[:_GROUP]}-{code[_GROUP:]}"


def read_code(typed: str) -> str:
    """Read a code that somebody typed, or a link ended in.

    Args:
        typed: any text, in any case, with dashes and spaces or without.

    Returns:
        The letters that it means.

    Raises:
        Problem: `referral_code_unknown` for what is no code, `referral_code_mistyped` for one with a wrong
            letter, or with two that changed places.
    """
    folded = fold(typed) if len(typed) <= _AT_MOST else ""
    if len(folded) != _LENGTH:
        raise UNKNOWN
    if not has_right_check(folded):
        raise Problem.at(_POINTER, "referral_code_mistyped", "a letter of this code is wrong; look again")
    return folded
