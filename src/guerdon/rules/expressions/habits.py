"""What people write from other languages, and what to write here."""

from __future__ import annotations

import re
from typing import Final

from guerdon.rules.expressions.errors import Misplaced

_WORDS: Final = {
    **dict.fromkeys(("and", "AND", "And"), "&&"),
    **dict.fromkeys(("or", "OR", "Or"), "||"),
    **dict.fromkeys(("not", "NOT", "Not"), "!"),
    **dict.fromkeys(("is", "IS", "equals", "eq"), "=="),
    **dict.fromkeys(("IN", "In"), "in"),
    **dict.fromkeys(("then", "THEN"), "condition ? value : other"),
    **dict.fromkeys(("between", "BETWEEN"), "x >= 1 && x <= 5"),
    **dict.fromkeys(("contains", "like", "LIKE", "includes"), "text.contains('part')"),
    **dict.fromkeys(("has", "HAS"), "'item' in list"),
    **dict.fromkeys(("startswith", "startsWith"), "text.startsWith('part')"),
    **dict.fromkeys(("None", "NULL"), "null"),
    **dict.fromkeys(("if", "IF", "when"), "condition ? value : other"),
    "True": "true",
    "False": "false",
}
_SIGNS: Final = (
    ("===", "=="), ("!==", "!="), ("=>", ">="), ("=<", "<="), ("<>", "!="), (":=", "=="), ("**", "x * x"),
    ("??", "default(a.b, fallback)"), ("?.", ".?"), ("&", "&&"), ("|", "||"), ("=", "=="), ("~", "matches"),
    ("^", "x * x"), ("≥", ">="), ("≤", "<="), ("≠", "!="), ("×", "*"), ("÷", "/"), ("−", "-"), ("–", "-"),
)  # fmt: skip
"""What is written, longest first, and what to write."""
_QUOTES: Final = "‘’‚“”„«»‹›`´"
_OTHERS: Final = {
    "#": "a remark begins with //",
    ";": "an expression is one value; it ends without a sign",
    "$": "amounts are plain numbers in the program's currency, such as 9.99",
    "€": "amounts are plain numbers in the program's currency, such as 9.99",
    "£": "amounts are plain numbers in the program's currency, such as 9.99",
    "@": "names are written without a sign",
    "\\": "a backslash stands in texts only",
}
_AFTER: Final = frozenset(("", ")", "&&", "||", "?", ":", ">", "<", ">=", "<=", "==", "!=", ","))
_BEFORE: Final = re.compile(r"([A-Za-z_]\w*)\s*$")
_THOUSANDS: Final = re.compile(r"[0-9]$")


def at_character(source: str, at: int) -> Misplaced | None:
    """Say what to write in the place of a character that no word begins with.

    Args:
        source: the expression's text.
        at: offset of the character.

    Returns:
        A refusal with what was probably meant, or None when nobody knows.
    """
    sign = _sign(source, at)
    if sign is not None:
        return sign
    char = source[at]
    if char in _QUOTES:
        detail = f"{char} is a typographic quote; write texts in straight ones: 'text' or \"text\""
        return Misplaced("syntax_error", detail, (at, at + 1), "'")
    if char in _OTHERS:
        return Misplaced("syntax_error", f"{char!r} does not belong here; {_OTHERS[char]}", (at, at + 1))
    return None


def at_word(source: str, start: int, word: str) -> Misplaced | None:
    """Say what to write in the place of a word that cannot stand where it stands.

    Args:
        source: the expression's text.
        start: offset of the word, or the end.
        word: the word, nothing at the end.

    Returns:
        A refusal with what was probably meant, or None when nobody knows.
    """
    if word.startswith("`"):
        return _instead(word, f"'{word.strip('`')}'", start)
    hint = _WORDS.get(word)
    if hint is not None:
        return _instead(word, hint, start)
    before = _BEFORE.search(source, 0, start)
    if before is not None and before.group(1) in _WORDS:
        return _instead(before.group(1), _WORDS[before.group(1)], before.start())
    if source[:start].rstrip().endswith("%") and word in _AFTER:
        at = source.rindex("%", 0, start)
        detail = "% gives the remainder of a division; ten per cent is 0.1"
        return Misplaced("syntax_error", detail, (at, at + 1), "0.1")
    if word == "," and _THOUSANDS.search(source, 0, start) is not None:
        detail = "a number has no comma; write 1000.50"
        return Misplaced("syntax_error", detail, (start, start + 1), ".")
    return _sign(source, start) if word else None


def _instead(word: str, hint: str, start: int) -> Misplaced:
    detail = f"{word} is not a word of this language; write {hint}"
    return Misplaced("syntax_error", detail, (start, start + len(word)), hint)


def _sign(source: str, at: int) -> Misplaced | None:
    """Find a sign of another language that stands around an offset."""
    for written, meant in _SIGNS:
        for begin in range(max(0, at - len(written) + 1), at + 1):
            if source.startswith(written, begin):
                detail = f"{written} is not a sign of this language; write {meant}"
                return Misplaced("syntax_error", detail, (begin, begin + len(written)), meant)
    return None
