"""What an event counts in a metric."""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from guerdon.rules.expressions import EvaluationError
from guerdon.rules.metrics import Metric, Tally, key_of_value
from guerdon.rules.metrics.metric import unit_start
from guerdon.rules.metrics.tallies import instant_text, number_key
from guerdon.rules.scope import Scope

_ONE = Decimal(1)
_MOST = Decimal(10) ** 18
_FINEST = Decimal(10) ** -12
_FINE = decimal.Context(prec=40, traps=[])
_TOO_FINE = "a metric adds up numbers of at most 18 digits before the point and 12 after it"


class Count(msgspec.Struct, frozen=True):
    """What one event counts in one metric."""

    tally: Tally | None = None
    """None where it is not counted."""
    refusal: str = ""
    """Why it cannot be counted: a reason, and its detail."""
    detail: str = ""

    @property
    def value(self) -> Decimal | None:
        """What a sum adds up, None where the event is not counted."""
        return self.tally.value if self.tally is not None else None


NOTHING = Count()


def count_of(metric: Metric, scope: Scope, day: date) -> Count:
    """Work out what an event counts.

    Args:
        metric: the metric, of the event's type.
        scope: what its expressions see; the caller has entered exact arithmetic.
        day: the event's local day.

    Returns:
        What is counted, or why there is nothing: `expression_error` or `inexact_value`.
    """
    if not metric.window.covers(day) or not _is_between(metric, scope):
        return NOTHING
    try:
        if metric.when is not None and not metric.when.evaluate(scope):
            return NOTHING
        value = metric.value.evaluate(scope) if metric.value is not None else None
        if metric.fold == "sum":
            return _summed(_ONE if value is None else _exact(value))
        return _kept(metric, scope, (value, day))
    except EvaluationError as error:
        return Count(None, "expression_error", f"{error.code}: {error.detail}")
    except decimal.Inexact:
        return Count(None, "inexact_value", "a metric adds up decimals, and this quotient is none")


def _is_between(metric: Metric, scope: Scope) -> bool:
    if metric.between is None:
        return True
    first, last = metric.between
    return first <= scope.event.time <= last


def _summed(value: Decimal) -> Count:
    if _is_too_fine(value):
        return Count(None, "inexact_value", _TOO_FINE)
    return Count(Tally(value))


def _kept(metric: Metric, scope: Scope, said: tuple[Any, date]) -> Count:
    value, day = said
    if metric.streak is not None:
        return Count(Tally(keys=(unit_start(metric.streak.of, day).isoformat(),)))
    if metric.fold == "distinct":
        values: Iterable[Any] = value if isinstance(value, list | tuple) else (value,)
        # Several lines of one product are one occasion on which it was bought.
        keys = tuple(dict.fromkeys(map(key_of_value, values)))
        return Count(Tally(keys=keys)) if keys else NOTHING
    at = instant_text(scope.event.time)
    if isinstance(value, datetime):
        return Count(Tally(keys=(f"{at}|{instant_text(value)}",)))
    if value is None:
        return Count(Tally(keys=(at,)))
    number = _exact(value)
    if _is_too_fine(number):
        return Count(None, "inexact_value", _TOO_FINE)
    key = number_key(number)
    return Count(Tally(keys=(f"{at}|{key}" if metric.fold == "last" else key,)))


def _is_too_fine(value: Decimal) -> bool:
    return abs(value) >= _MOST or value != value.quantize(_FINEST, context=_FINE)


def _exact(value: Any) -> Decimal:
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / Decimal(value.denominator)
    return value if isinstance(value, Decimal) else Decimal(value)
