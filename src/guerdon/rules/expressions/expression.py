"""A compiled expression, and the way from its text to it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import localcontext
from typing import Any

from guerdon.rules.expressions.check import Checker
from guerdon.rules.expressions.emit import generate
from guerdon.rules.expressions.errors import ExpressionError, Misplaced, place_of
from guerdon.rules.expressions.exact import EXACT
from guerdon.rules.expressions.interpret import Careful
from guerdon.rules.expressions.parse import parse
from guerdon.rules.expressions.tree import Node
from guerdon.rules.expressions.types import Environment, Type, shown


class Expression:
    """A condition or an amount, ready to be evaluated."""

    __slots__ = ("evaluate", "reads", "source", "tree", "type")

    def __init__(self, source: str, root: Node, reads: frozenset[str]) -> None:
        """Generate the code.

        Args:
            source: the expression's text.
            root: its typed tree.
            reads: dotted paths of all that it may read.
        """
        self.source = source
        self.tree = root
        self.type: Type = shown(root.type)
        self.reads = reads
        self.evaluate: Callable[[Any], Any] = generate(root, Careful(root, source))
        """The bare generated function, for loops that count each nanosecond."""

    def __call__(self, scope: Any) -> Any:
        """Evaluate under the decimal context `EXACT`, which the caller has entered.

        Args:
            scope: object with the root names as attributes; decimals are `Decimal`, instants are aware.

        Returns:
            bool, int, Decimal, Fraction (after a division), str, datetime, timedelta, list or dict.

        Raises:
            EvaluationError: there is no value for this scope.
        """
        return self.evaluate(scope)

    def evaluate_alone(self, scope: Any) -> Any:
        """Evaluate one expression where no batch has entered the decimal context.

        Args:
            scope: as above.

        Returns:
            As above.

        Raises:
            EvaluationError: there is no value for this scope.
        """
        with localcontext(EXACT):
            return self.evaluate(scope)

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"


def compile_expression(source: str, environment: Environment, expects: Type | None = None) -> Expression:
    """Compile an expression.

    Args:
        source: text in CEL, at most 4,096 bytes.
        environment: the names that it sees.
        expects: the type that its user needs; a decimal accepts any exact number; None accepts all.

    Returns:
        The compiled expression.

    Raises:
        ExpressionError: `syntax_error`, `too_long`, `too_deep`, `unknown_name`, `unknown_field`, `unknown_function`,
            `type_mismatch`, `number_too_large` or `bad_argument`, with line, column and length.
    """
    try:
        written = parse(source)
        checker = Checker(environment)
        root = checker.whole(written, expects)
    except Misplaced as error:
        place = place_of(source, error.span)
        raise ExpressionError(error.code, error.detail, place, error.suggestion) from None
    return Expression(source, root, frozenset(checker.reads))
