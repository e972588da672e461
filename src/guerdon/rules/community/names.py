"""Names that members choose to be seen by."""

from __future__ import annotations

import unicodedata
from typing import Final

from guerdon.base.errors import Problem
from guerdon.rules.community.words import folded, has_address, without_tricks

SHORTEST: Final = 2
LONGEST: Final = 30


def clean_name(text: str) -> str:
    """Bring a chosen name into the form in which it is shown.

    Args:
        text: as it was sent.

    Returns:
        The name: one line, one blank between words, no letters that nobody sees.

    Raises:
        Problem: `name_invalid`.
    """
    name = " ".join(without_tricks(unicodedata.normalize("NFKC", text).replace("\n", " ")).split())
    if not SHORTEST <= len(name) <= LONGEST or not any(letter.isalpha() for letter in name):
        detail = f"a name has {SHORTEST} to {LONGEST} characters, and letters among them"
        raise Problem.at("/name", "name_invalid", detail)
    if has_address(name) or "@" in name or any(unicodedata.category(one) in ("So", "Sk") for one in name):
        raise Problem.at("/name", "name_invalid", "a name is no address and has no signs in it")
    return name


def name_key(name: str) -> str:
    """Give what two names must not share.

    Args:
        name: as `clean_name` gives it.

    Returns:
        Its letters and digits, whatever their case and what stands between them.
    """
    return folded(name).replace(" ", "")
