"""Members' words: what of them is kept, how many they are, and why somebody has to look at them first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from guerdon.base.errors import Problem
from guerdon.rules.definition import Community

LONGEST: Final = 2_000
"""Characters of a text at most."""
_JOINERS: Final = frozenset("\u200c\u200d")
"""Bengali, Hindi and Persian are spelled with them, and emoji are joined by them."""
_MARKS_AT_MOST: Final = 6
"""More marks on one letter are no language's, and run over the lines around."""
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]{2,}")
# Endings that are words as well count where a path follows: "Great bag.In rain too" leads nowhere.
_ADDRESS: Final = re.compile(
    r"https?[:/]|\bwww\.|\b[\w-]+\.(?:com|net|org|info|biz|shop|store|online|site|xyz|top|link|click|app|io|"
    r"ly|gg|tk|co|bd|ru|cn|uk|fr|eu)\b|\b[\w-]+\.(?:in|me|to|us|de|live)/",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(r"(?:\+|\b00)?\d(?:[\s().\-/]?\d){7,14}\b")
_BLANKS: Final = re.compile(r"[^\S\n]+")
_GAPS: Final = re.compile(r"\n{3,}")


def clean_text(text: str) -> str:
    """Bring what was written into the form in which it is kept and shown.

    What turns the direction of writing, hides letters or steers a terminal is left out; marks on one letter
    are bounded; blanks and empty lines are made few.

    Args:
        text: as it was sent.

    Returns:
        The text, which may be empty.

    Raises:
        Problem: `nul_character` or `text_too_long`.
    """
    if "\0" in text:
        raise Problem.at("/text", "nul_character", "a text holds no NUL characters")
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    kept = _GAPS.sub("\n\n", _BLANKS.sub(" ", without_tricks(lines)))
    clean = "\n".join(line.strip() for line in kept.split("\n")).strip()
    if len(clean) > LONGEST:
        raise Problem.at("/text", "text_too_long", f"a text has at most {LONGEST} characters")
    return clean


def without_tricks(text: str) -> str:
    """Leave out what nobody sees: marks of direction, controls, letters of no width, and marks beyond a few.

    Args:
        text: in normal form C.

    Returns:
        The rest.
    """
    kept: list[str] = []
    marks = 0
    for letter in text:
        kind = unicodedata.category(letter)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        hidden = kind in ("Cc", "Cf", "Cs", "Co", "Cn") and letter != "\n" and letter not in _JOINERS
        if not hidden and marks <= _MARKS_AT_MOST:
            kept.append("\n" if kind in ("Zl", "Zp") else letter)
    return "".join(kept)


def count_words(text: str) -> int:
    """Count words, in any script that puts blanks between them.

    Args:
        text: as `clean_text` gives it.

    Returns:
        How many pieces between blanks hold a letter or a digit.
    """
    return sum(any(letter.isalnum() for letter in piece) for piece in text.split())


def folded(text: str) -> str:
    """Bring a text into the form in which words are looked for and copies are found.

    Args:
        text: any text.

    Returns:
        Small letters, with one blank between words and nothing around letters and digits.
    """
    small = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(
        one if one.isalnum() or unicodedata.category(one)[0] == "M" or one in _JOINERS else " "
        for one in small
    )
    return " ".join(plain.split())


def has_address(text: str) -> bool:
    """Tell whether a text leads elsewhere: a web address, an e-mail address or a phone number.

    Args:
        text: as `clean_text` gives it.

    Returns:
        Whether it does.
    """
    plain = unicodedata.normalize("NFKC", text)
    return any(pattern.search(plain) is not None for pattern in (_EMAIL, _ADDRESS, _PHONE))


def has_word(text: str, words: Collection[str]) -> bool:
    """Tell whether a text has one of some words or groups of words.

    Args:
        text: as `clean_text` gives it.
        words: as the program says them.

    Returns:
        Whether one of them stands in it, as a whole.
    """
    said = f" {folded(text)} "
    return any(word and f" {word} " in said for word in map(folded, words))


def held_for(community: Community, text: str, *, known: bool) -> list[str]:
    """Say why somebody has to look at a text before it is shown.

    Args:
        community: the program's rules.
        text: as `clean_text` gives it.
        known: whether something of this member's was approved before and still stands.

    Returns:
        Words such as `approve`, `words`, `links`; none where it is shown at once.

    Raises:
        Problem: `links_refused`.
    """
    why = []
    if community.approve == "all" or (community.approve == "first" and not known):
        why.append("approve")
    if has_word(text, community.words):
        why.append("words")
    if community.links != "allow" and has_address(text):
        if community.links == "refuse":
            detail = "addresses, e-mail addresses and phone numbers are not taken here"
            raise Problem.at("/text", "links_refused", detail)
        why.append("links")
    return why
