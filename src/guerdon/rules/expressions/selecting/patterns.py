"""Patterns of RE2 as PostgreSQL writes them, as far as both mean the same."""

from __future__ import annotations

import re
from typing import Final

_PIECE: Final = re.compile(
    r"""
    (?P<escape>\\[\s\S])
    | (?P<count>\{[0-9]+(?:,[0-9]*)?\}\??)
    | (?P<set>\[\^?(?:\\[dws.\-\]\[\\^]|[^\]\[\\^\-]|(?<=[A-Za-z0-9])-(?=[A-Za-z0-9]))+-?\])
    | (?P<group>\((?:\?:|(?!\?))|\)|\|)
    | (?P<often>[*+?]\??)
    | (?P<edge>[\^$])
    | (?P<any>\.)
    | (?P<plain>[^\\{}\[\]()|*+?^$.])
    """,
    re.VERBOSE,
)
_CLASSES: Final = {"d": "0-9", "w": "A-Za-z0-9_", "s": "\\t\\n\\f\\r "}
_PUNCTUATION: Final = frozenset(r"\.+*?()|[]{}^$-/_@#%&=!~:;,' " + '"')
_MOST_TIMES: Final = 255
_REPEATS: Final = ("count", "often")


def translated(pattern: str) -> str | None:
    """Write a pattern of RE2 so that PostgreSQL finds it in exactly the same texts.

    Args:
        pattern: a pattern of RE2 that compiles.

    Returns:
        The pattern of PostgreSQL, or None where it would not mean the same.
    """
    made: list[str] = []
    at, can_repeat = 0, False
    while at < len(pattern):
        match = _PIECE.match(pattern, at)
        piece = None if match is None else _piece(match)
        if match is None or piece is None or (match.lastgroup in _REPEATS and not can_repeat):
            return None
        made.append(piece)
        at = match.end()
        can_repeat = match.lastgroup not in (*_REPEATS, "edge") and (
            match.lastgroup != "group" or match[0] == ")"
        )
    return "".join(made)


def _piece(match: re.Match[str]) -> str | None:
    if match["escape"]:
        letter = match["escape"][1]
        if letter in _CLASSES:
            return f"[{_CLASSES[letter]}]"
        return match["escape"] if letter in _PUNCTUATION else None
    if match["count"]:
        times = [int(number) for number in re.findall("[0-9]+", match["count"])]
        return match["count"] if max(times) <= _MOST_TIMES else None
    if match["set"]:
        return re.sub(r"\\([dws])", lambda found: _CLASSES[found[1]], match["set"])
    if match["any"]:
        return "[^\\n]"  # there a dot is any character, here any but the end of a line
    return None if match[0] == "\0" else match[0]
