"""Functions of texts at run time; positions count characters from 0."""

from __future__ import annotations

from collections.abc import Sequence

from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.runtime.budget import LONGEST_TEXT
from guerdon.rules.expressions.runtime.dynamic import as_text

_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003"
    "\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def _outside(position: int, text: str) -> Failure:
    return Failure("bad_argument", f"there is no position {position} in a text of {len(text)} characters")


def _bounded(size: int) -> None:
    if size > LONGEST_TEXT:
        raise Failure("text_too_long", f"a text may have {LONGEST_TEXT} characters")


def char_at(text: str, position: int) -> str:
    """Take one character.

    Args:
        text: a text.
        position: 0 to its length.

    Returns:
        The character, or nothing at the very end.

    Raises:
        Failure: `bad_argument`.
    """
    if not 0 <= position <= len(text):
        raise _outside(position, text)
    return text[position : position + 1]


def index_of(text: str, part: str, start: int = 0) -> int:
    """Find the first place of a part.

    Args:
        text: a text.
        part: what is looked for.
        start: position from which to look.

    Returns:
        Its position, or -1.

    Raises:
        Failure: `bad_argument`.
    """
    if not 0 <= start <= len(text):
        raise _outside(start, text)
    return text.find(part, start)


def last_index_of(text: str, part: str, start: int | None = None) -> int:
    """Find the last place of a part.

    Args:
        text: a text.
        part: what is looked for.
        start: the greatest position that counts, None for any.

    Returns:
        Its position, or -1.

    Raises:
        Failure: `bad_argument`.
    """
    if start is None:
        return text.rfind(part)
    if not 0 <= start <= len(text):
        raise _outside(start, text)
    return text.rfind(part, 0, start + len(part))


def substring(text: str, start: int, end: int | None = None) -> str:
    """Cut a part out.

    Args:
        text: a text.
        start: position of the first character.
        end: position after the last one, None for the end of the text.

    Returns:
        The part.

    Raises:
        Failure: `bad_argument`.
    """
    last = len(text) if end is None else end
    for position in (start, last):
        if not 0 <= position <= len(text):
            raise _outside(position, text)
    if start > last:
        raise Failure("bad_argument", "a part ends where it starts or later")
    return text[start:last]


def replace(text: str, part: str, by: str, count: int = -1) -> str:
    """Replace a part wherever it stands.

    Args:
        text: a text.
        part: what is replaced.
        by: what comes in its place.
        count: how often at most, negative for always.

    Returns:
        The new text.

    Raises:
        Failure: `text_too_long`.
    """
    times = text.count(part)
    times = times if count < 0 else min(times, count)
    _bounded(len(text) + times * (len(by) - len(part)))
    return text.replace(part, by, times)


def split(text: str, by: str, count: int = -1) -> list[str]:
    """Cut a text into parts.

    Args:
        text: a text.
        by: what stands between the parts; nothing cuts between all characters.
        count: how many parts at most, negative for any number.

    Returns:
        The parts.
    """
    if count == 0:
        return []
    if by:
        return text.split(by, count - 1 if count > 0 else -1)
    head = list(text) if count < 0 else list(text[: count - 1])
    rest = "" if count < 0 else text[count - 1 :]
    return [*head, rest] if rest else head


def join(items: Sequence[str], between: str = "") -> str:
    """Write texts one after the other.

    Args:
        items: texts.
        between: what comes between two of them.

    Returns:
        One text.

    Raises:
        Failure: `text_too_long`, `wrong_type`, `missing_value`.
    """
    texts = [as_text(item) for item in items]
    _bounded(sum(map(len, texts)) + len(between) * max(len(texts) - 1, 0))
    return between.join(texts)


def trim(text: str) -> str:
    """Take the white space off both ends.

    Args:
        text: a text.

    Returns:
        What is left.
    """
    return text.strip(_SPACE)


def lower_ascii(text: str) -> str:
    """Make the letters A to Z small and leave all others.

    Args:
        text: a text.

    Returns:
        The new text.
    """
    return text.translate(_LOWER)


def upper_ascii(text: str) -> str:
    """Make the letters a to z large and leave all others.

    Args:
        text: a text.

    Returns:
        The new text.
    """
    return text.translate(_UPPER)


def reverse(text: str) -> str:
    """Turn a text round.

    Args:
        text: a text.

    Returns:
        Its characters from last to first.
    """
    return text[::-1]
