"""What an event counts in a metric."""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction

import msgspec

from guerdon.rules.expressions import EvaluationError
from guerdon.rules.metrics import Metric
from guerdon.rules.scope import Scope

_ONE = Decimal(1)
_MOST = Decimal(10) ** 18
_FINEST = Decimal(10) ** -12
_FINE = decimal.Context(prec=40, traps=[])


class Count(msgspec.Struct, frozen=True):
    """What one event counts in one metric."""

    value: Decimal | None = None
    """None where it is not counted."""
    refusal: str = ""
    """Why it cannot be counted: a reason, and its detail."""
    detail: str = ""


def count_of(metric: Metric, scope: Scope) -> Count:
    """Work out what an event counts.

    Args:
        metric: the metric, of the event's type.
        scope: what its expressions see; the caller has entered exact arithmetic.

    Returns:
        The value, or why there is none: `expression_error` or `inexact_value`.
    """
    try:
        value = _value_of(metric, scope)
    except EvaluationError as error:
        return Count(None, "expression_error", f"{error.code}: {error.detail}")
    except decimal.Inexact:
        return Count(None, "inexact_value", "a metric adds up decimals, and this quotient is none")
    if value is not None and (abs(value) >= _MOST or value != value.quantize(_FINEST, context=_FINE)):
        reason = "a metric adds up numbers of at most 18 digits before the point and 12 after it"
        return Count(None, "inexact_value", reason)
    return Count(value)


def _value_of(metric: Metric, scope: Scope) -> Decimal | None:
    if metric.when is not None and not metric.when.evaluate(scope):
        return None
    if metric.value is None:
        return _ONE
    value = metric.value.evaluate(scope)
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / Decimal(value.denominator)
    return value if isinstance(value, Decimal) else Decimal(value)
