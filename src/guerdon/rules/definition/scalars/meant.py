"""What somebody meant who wrote a value in another way, or a key by another word."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction
from typing import Final

from guerdon.rules.definition.scalars.problems import nearest_to
from guerdon.rules.definition.scalars.words import number_text

_LONGEST: Final = 40
_SIGNS: Final = r"[€$£¥₹৳]?"
_NUMBER: Final = re.compile(
    rf"\s*{_SIGNS}\s*([+-]?[0-9]{{1,12}}(?:\.[0-9]{{1,12}})?)\s*(%|{_SIGNS}|[A-Za-z]{{1,12}})\s*"
)
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_RANK: Final = re.compile(
    r"([1-9][0-9]{0,5})(?:st|nd|rd|th|\.)?(?:\s*(?:-|–|\.\.\.?|to)\s*([1-9][0-9]{0,5})(?:st|nd|rd|th)?)?"
)
_MOST_ODDS: Final = 999_999_999
_FLAGS: Final = {
    **dict.fromkeys(("yes", "y", "on", "1", "ja", "True", "TRUE", "YES", "Yes"), "true"),
    **dict.fromkeys(("no", "n", "off", "0", "nein", "none", "never", "False", "FALSE", "NO", "No"), "false"),
}
_OTHERWISE: Final[dict[str, tuple[str, ...]]] = {
    "amount": ("goal", "worth", "target"),
    "answer": ("right",),
    "capacity": ("seats", "size", "stock"),
    "chance": ("odds",),
    "probability": ("odds",),
    "charity": ("cause",),
    "condition": ("when",),
    "conditions": ("when",),
    "if": ("when",),
    "correct": ("right",),
    "cost": ("price",),
    "count": ("goal", "times", "winners"),
    "date": ("at",),
    "day": ("at",),
    "duration": ("within", "window", "adds", "valid"),
    "end": ("ends",),
    "event": ("trigger",),
    "expires_at": ("until", "ends"),
    "from": ("starts",),
    "image": ("picture",),
    "photo": ("picture",),
    "link": ("to",),
    "url": ("to",),
    "location": ("place",),
    "max": ("at_most",),
    "maximum": ("at_most",),
    "max_members": ("size",),
    "members": ("size", "audience"),
    "min": ("at_least", "minimum"),
    "minimum": ("at_least",),
    "months": ("adds", "valid"),
    "period": ("window", "within", "adds", "valid", "pays_out"),
    "on": ("trigger", "at"),
    "optional": ("opt_in",),
    "product": ("sku",),
    "products": ("sku", "collection"),
    "prize": ("then",),
    "prizes": ("then", "prize"),
    "reward": ("prize", "then"),
    "rewards": ("prize", "then"),
    "then": ("prize",),
    "segment": ("audience",),
    "start": ("starts",),
    "target": ("goal",),
    "goal": ("target",),
    "text": ("ask", "description"),
    "question": ("ask",),
    "time": ("at",),
    "title": ("name",),
    "to": ("ends",),
    "until": ("ends",),
    "who": ("audience",),
    "words_blocked": ("words",),
}
"""Words that people use, and what these things are called here."""


def key_meant(word: str, known: Collection[str]) -> str:
    """Find the key that was meant.

    Args:
        word: what was written.
        known: the keys that there are.

    Returns:
        The key that goes by that word elsewhere, else the one that looks most like it; empty where none does.
    """
    by_word = next((key for key in _OTHERWISE.get(word.lower(), ()) if key in known), "")
    return by_word or nearest_to(word, known)


def flag_meant(value: object) -> str:
    """Find the truth that was meant.

    Args:
        value: what was written.

    Returns:
        `true`, `false`, or nothing.
    """
    return _FLAGS.get(value, "") if isinstance(value, str) else ""


def number_meant(value: object) -> str:
    """Find the number that was meant by one with a sign, a word or a % beside it.

    Args:
        value: what was written.

    Returns:
        Digits, a share of a hundred as a part of 1; or nothing.
    """
    found = _NUMBER.fullmatch(value) if isinstance(value, str) and len(value) <= _LONGEST else None
    if found is None:
        return ""
    number = Decimal(found[1])
    return number_text(number / 100 if found[2] == "%" else number)


def date_meant(value: object) -> str:
    """Find the date that was meant by one that is written in another order or with few digits.

    Args:
        value: what was written.

    Returns:
        A date as definitions have it; or nothing.
    """
    text = value.strip() if isinstance(value, str) else ""
    if found := _DAY_FIRST.fullmatch(text):
        day, month, year = (int(one) for one in found.groups())
    elif found := _YEAR_FIRST.fullmatch(text):
        year, month, day = (int(one) for one in found.groups())
    else:
        return ""
    return f"{year:04d}-{month:02d}-{day:02d}" if 1 <= month <= 12 and 1 <= day <= 31 else ""


def odds_meant(value: object) -> str:
    """Find the odds that were meant by a share, or by a number of a hundred.

    Args:
        value: what was written.

    Returns:
        Odds as definitions have them; or nothing.
    """
    number = number_meant(value if isinstance(value, str) else str(value))
    chance = Fraction(number) if number else Fraction(0)
    if not 0 < chance <= 1 or chance.denominator > _MOST_ODDS:
        return ""
    return f"{chance.numerator} in {chance.denominator}"


def ranks_meant(value: object) -> str:
    """Find the ranks that were meant.

    Args:
        value: what was written.

    Returns:
        Ranks as definitions have them; or nothing.
    """
    found = _RANK.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST else None
    if found is None:
        return ""
    places = sorted(int(one) for one in found.groups() if one)
    return "-".join(str(one) for one in dict.fromkeys(places))
