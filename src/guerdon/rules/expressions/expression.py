"""A compiled expression, and the way from its text to it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import localcontext
from functools import partial
from typing import Any, Self

from guerdon.rules.expressions.checking.check import Checker
from guerdon.rules.expressions.emit import generate
from guerdon.rules.expressions.errors import ExpressionError, Misplaced, place_of
from guerdon.rules.expressions.interpret import Careful
from guerdon.rules.expressions.parse import parse
from guerdon.rules.expressions.runtime.exact import EXACT
from guerdon.rules.expressions.tree import Node
from guerdon.rules.expressions.types import Environment, Type, shown


class Expression(partial[Any]):
    """A condition or an amount, ready to be evaluated.

    It is called with a scope, an object with the root names as attributes: decimals are `Decimal`, instants
    are aware. It gives bool, int, Decimal, Fraction (after a division), str, datetime, timedelta, list or
    dict, or raises `EvaluationError`. The caller has entered the decimal context `EXACT`, once for a batch.

    That it is a `partial` without arguments saves one Python frame in each call; where each nanosecond
    counts, `evaluate` is called, which is the generated function itself.
    """

    __slots__ = ("careful", "evaluate", "reads", "source", "tree", "type")
    evaluate: Callable[[Any], Any]
    """The generated function: the same as a call of the expression, but faster."""
    careful: Careful
    """The slow evaluator that the generated code falls back to."""
    source: str
    """The text."""
    tree: Node
    """The typed tree."""
    type: Type
    """Static type of the value; an exact quotient is called decimal."""
    reads: frozenset[str]
    """Dotted paths of all that it may read."""

    def __new__(cls, source: str, root: Node, reads: frozenset[str]) -> Self:
        """Generate the code.

        Args:
            source: the expression's text.
            root: its typed tree.
            reads: dotted paths of all that it may read.

        Returns:
            The expression.
        """
        careful = Careful(root, source)
        function = generate(root, careful)
        made = super().__new__(cls, function)
        made.evaluate = function
        made.careful = careful
        made.source = source
        made.tree = root
        made.type = shown(root.type)
        made.reads = reads
        return made

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
            return self.func(scope)

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
        ExpressionError: `syntax_error`, `too_long`, `too_deep`, `unknown_name`, `unknown_field`,
            `unknown_function`, `type_mismatch`, `number_too_large` or `bad_argument`, with its place.
    """
    try:
        written = parse(source)
        checker = Checker(environment)
        root = checker.whole(written, expects)
    except Misplaced as error:
        place = place_of(source, error.span)
        raise ExpressionError(error.code, error.detail, place, error.suggestion) from None
    return Expression(source, root, frozenset(checker.reads))
