"""Patterns of RE2, which match any text in linear time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from guerdon.rules.expressions.errors import Failure

LONGEST_PATTERN = 512
"""Characters of a pattern."""

_REGEX_OPTIONS = re2.Options()
_REGEX_OPTIONS.log_errors = False
_REGEX_OPTIONS.max_mem = 1 << 20


@lru_cache(maxsize=256)
def pattern(text: str) -> Any:
    """Compile a pattern of RE2, which takes linear time on any text.

    Args:
        text: the pattern.

    Returns:
        The compiled pattern.

    Raises:
        Failure: `bad_argument`.
    """
    if len(text) > LONGEST_PATTERN:
        raise Failure("bad_argument", f"a pattern may have {LONGEST_PATTERN} characters")
    try:
        return re2.compile(text, _REGEX_OPTIONS)
    except re2.error as error:
        raise Failure("bad_argument", "this is not a pattern of RE2") from error


def matches(text: str, expression: str) -> bool:
    """Look for a pattern anywhere in a text.

    Args:
        text: any text.
        expression: the pattern.

    Returns:
        Whether it is there.

    Raises:
        Failure: `bad_argument`.
    """
    return pattern(expression).search(text) is not None
