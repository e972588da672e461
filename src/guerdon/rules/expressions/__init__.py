"""Expressions: conditions and amounts in CEL with exact decimals, compiled to Python."""

from guerdon.rules.expressions.errors import EvaluationError, ExpressionError
from guerdon.rules.expressions.expression import Expression, compile_expression
from guerdon.rules.expressions.runtime.exact import EXACT
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    Environment,
    ListOf,
    MapOf,
    Namespace,
    Record,
    Type,
)

__all__ = [
    "ANY",
    "BOOL",
    "DECIMAL",
    "DURATION",
    "EXACT",
    "INT",
    "STRING",
    "TIMESTAMP",
    "Environment",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "ListOf",
    "MapOf",
    "Namespace",
    "Record",
    "Type",
    "compile_expression",
]
