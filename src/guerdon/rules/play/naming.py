"""Names that people choose to be seen by: what is taken, and when two of them are the same."""

from __future__ import annotations

import unicodedata
from typing import Final

from guerdon.base.errors import Problem

SHORTEST: Final = 2
LONGEST: Final = 30
_JOINERS: Final = "\u200c\u200d"
"""Bengali and Hindi need them within words."""
_TAKEN: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "No", "Nl"})
_SIGNS: Final = frozenset(" -_.'’&!+")


def read_name(text: str, pointer: str = "/name") -> str:
    """Read a name that somebody chose.

    Args:
        text: as typed.
        pointer: where it stands in what was sent.

    Returns:
        The name in composed form (NFC).

    Raises:
        Problem: `name_invalid`, with what is wrong.
    """
    name = unicodedata.normalize("NFC", text)
    letters = [one for one in name if unicodedata.category(one)[0] in "LN"]
    if not SHORTEST <= len(name) <= LONGEST:
        raise _refusal(pointer, f"a name has {SHORTEST} to {LONGEST} characters, and this has {len(name)}")
    if not letters:
        raise _refusal(pointer, "a name has at least one letter or digit")
    for place, one in enumerate(name):
        if one in _JOINERS and 0 < place < len(name) - 1 and unicodedata.category(name[place - 1])[0] in "LM":
            continue
        if one not in _SIGNS and unicodedata.category(one) not in _TAKEN:
            shown = f"U+{ord(one):04X}"
            raise _refusal(pointer, f"the character {place + 1} ({shown}) cannot stand in a name; letters, "
                                    "digits, single blanks and - _ . ' & ! + can")  # fmt: skip
    if name != name.strip() or "  " in name:
        raise _refusal(pointer, "blanks stand between words, one at a time")
    return name


def name_key(name: str) -> str:
    """Tell names apart as people do: whatever the case, the width, the blanks and the signs between.

    Args:
        name: as `read_name` gives it.

    Returns:
        What two names have in common that are the same.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(one for one in folded if unicodedata.category(one)[0] in "LMN")


def _refusal(pointer: str, detail: str) -> Problem:
    return Problem.at(pointer, "name_invalid", detail)
