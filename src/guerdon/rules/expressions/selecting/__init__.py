"""SQL from the typed tree of a condition, with the answer that Python gives, row by row.

What is an error in Python (an absent value, a division by zero, an int beyond 64 bits) is NULL in SQL. AND,
OR and NOT absorb NULL exactly as `&&`, `||` and `!` absorb errors, and what is NULL is not chosen.
"""

from __future__ import annotations

from collections.abc import Mapping

from guerdon.rules.expressions.expression import Expression
from guerdon.rules.expressions.selecting.looping import FullWriter
from guerdon.rules.expressions.selecting.values import SqlColumn, SqlCondition

__all__ = ["SqlColumn", "SqlCondition", "to_sql"]


def to_sql(expression: Expression, columns: Mapping[str, SqlColumn]) -> SqlCondition:
    """Write a condition in SQL.

    Args:
        expression: a condition.
        columns: dotted path → where it stands; a path above others may stand for all of them as jsonb.

    Returns:
        The SQL and its parameters.

    Raises:
        ExpressionError: `not_in_sql`, with the place of what cannot be said in SQL with the same answer.
    """
    return FullWriter(expression.source, columns).condition(expression.tree)
