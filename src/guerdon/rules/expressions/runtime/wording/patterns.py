"""Patterns of RE2, which match any text in linear time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.runtime.budget import pay, spent

LONGEST_PATTERN = 512
"""Characters of a pattern."""

LARGEST_PROGRAM = 1_000
"""Instructions that a pattern may come to when its repetitions are written out."""
_SMALL_PROGRAM = 64
_MOST_WORK = 2_000_000
"""Characters times instructions that one match may take where nobody pays for it."""
_WORK_STEP = 7
"""A step of the budget pays for 2 to the power of this characters times instructions."""
_COMPILING = 30

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
        compiled = re2.compile(text, _REGEX_OPTIONS)
    except re2.error as error:
        raise Failure("bad_argument", "this is not a pattern of RE2") from error
    if compiled.programsize > LARGEST_PROGRAM:
        raise Failure("bad_argument", "this pattern repeats too much")
    return compiled


def searcher(expression: str) -> Callable[[str], Any]:
    """Make the search for a pattern that is known.

    Args:
        expression: the pattern.

    Returns:
        A function of a text that gives None where the pattern is not in it.

    Raises:
        Failure: `bad_argument`.
    """
    compiled = pattern(expression)
    search: Callable[[str], Any] = compiled.search
    size: int = compiled.programsize
    if size <= _SMALL_PROGRAM:
        return search

    def bounded(text: str) -> Any:
        if len(text) * size > _MOST_WORK:
            raise spent()
        return search(text)

    return bounded


def matches(text: str, expression: str) -> bool:
    """Look for a pattern anywhere in a text.

    Args:
        text: any text.
        expression: the pattern.

    Returns:
        Whether it is there.

    Raises:
        Failure: `bad_argument`, `iteration_limit`.
    """
    return searcher(expression)(text) is not None


def pay_match(budget: list[int], text: Any, expression: Any, compiles: bool) -> Any:
    """Pay for looking for a pattern.

    Args:
        budget: the steps that are left, as its only item.
        text: any text; what is none costs nothing.
        expression: the pattern.
        compiles: whether the pattern is known only at run time.

    Returns:
        The text.

    Raises:
        Failure: `bad_argument`, `iteration_limit`.
    """
    if isinstance(text, str) and isinstance(expression, str):
        if compiles:
            pay(budget, _COMPILING)
        pay(budget, len(text) * pattern(expression).programsize >> _WORK_STEP)
    return text
