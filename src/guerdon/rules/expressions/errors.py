"""What can go wrong with an expression, and where in its text."""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from difflib import get_close_matches

from guerdon.base.errors import Problem


class ExpressionError(Problem):
    """An expression that cannot be compiled."""

    def __init__(
        self, code: str, detail: str, place: tuple[int, int, int] = (1, 1, 1), suggestion: str | None = None
    ) -> None:
        """Make the error.

        Args:
            code: stable snake_case word (`unknown_name`, `type_mismatch`, …).
            detail: what is wrong and what was expected.
            place: line and column, both from 1, and length in characters.
            suggestion: the nearest known word, if there is one.
        """
        super().__init__(code, detail)
        self.line, self.column, self.length = place
        self.suggestion = suggestion


class EvaluationError(Problem):
    """An expression that has no value for this scope."""

    def __init__(self, code: str, detail: str, line: int = 1, column: int = 1) -> None:
        """Make the error.

        Args:
            code: `missing_value`, `division_by_zero`, `number_too_large`, `text_too_long`, `iteration_limit`,
                `wrong_type` or `bad_argument`.
            detail: what was found and what was expected, without the values themselves.
            line: line of the failing part, from 1.
            column: column of the failing part, from 1.
        """
        super().__init__(code, detail)
        self.line = line
        self.column = column


class Failure(Exception):  # noqa: N818 - never leaves this package: it becomes an EvaluationError with a position
    """A refusal by a function at run time, which does not know its position."""

    def __init__(self, code: str, detail: str) -> None:
        """Make the failure.

        Args:
            code: as of `EvaluationError`.
            detail: as of `EvaluationError`.
        """
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Misplaced(Exception):  # noqa: N818 - never leaves this package: it becomes an ExpressionError
    """A refusal by the compiler that knows offsets, but not lines."""

    def __init__(self, code: str, detail: str, span: tuple[int, int], suggestion: str | None = None) -> None:
        """Make the refusal.

        Args:
            code: as of `ExpressionError`.
            detail: as of `ExpressionError`.
            span: first and last-plus-one offset in the source, in characters.
            suggestion: as of `ExpressionError`.
        """
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.span = span
        self.suggestion = suggestion


FAILURES: tuple[type[Exception], ...] = (
    Failure,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    RecursionError,
)
"""What generated code may raise when a value is missing or unfit; anything else is a fault of ours."""


def explain(error: Exception) -> tuple[str, str]:
    """Give a failure at run time its code and a sentence.

    Args:
        error: one of `FAILURES`.

    Returns:
        The code and the detail of the `EvaluationError` that it becomes.
    """
    if isinstance(error, Failure):
        return error.code, error.detail
    if isinstance(error, RecursionError):
        return "iteration_limit", "the value lies too deep in itself"
    if isinstance(error, (decimal.DivisionByZero, decimal.DivisionUndefined, ZeroDivisionError)):
        return "division_by_zero", "the divisor is zero"
    if isinstance(error, (AttributeError, LookupError)):
        return "missing_value", "the value is absent here; ask with has(…) or give a default(…, fallback)"
    if isinstance(error, ArithmeticError) and not isinstance(error, TypeError):
        return "number_too_large", "the number has more than 60 digits or lies outside of the range"
    return "wrong_type", "the value is not of the kind that is expected here"


def place_of(source: str, span: tuple[int, int]) -> tuple[int, int, int]:
    """Turn offsets into a place for people.

    Args:
        source: the expression's text.
        span: first and last-plus-one offset, in characters.

    Returns:
        Line and column, both from 1, and length in characters (at least 1, within its line).
    """
    start = min(span[0], len(source))
    before = source[:start]
    line_start = before.rfind("\n") + 1
    line_end = source.find("\n", start)
    last = len(source) if line_end < 0 else line_end
    return before.count("\n") + 1, start - line_start + 1, max(1, min(span[1], last) - start)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that was probably meant.

    Args:
        word: what was written.
        known: what could have been written.

    Returns:
        The nearest known word, or None when nothing is near.
    """
    names = sorted(known)
    same = [name for name in names if name.lower() == word.lower()]
    return next(iter(same or get_close_matches(word, names, n=1, cutoff=0.6)), None)
