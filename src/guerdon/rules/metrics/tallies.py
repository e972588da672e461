"""What one event counts, put into a bucket and taken out of it again, in any order."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from guerdon.base.exact import plain_text
from guerdon.rules.metrics.metric import Metric
from guerdon.rules.state import Bucket

DIFFERENT_AT_MOST = 1_000
"""So many different values are told apart in one bucket; more are not counted, and the decision says so."""
EXTREMES_KEPT = 100
"""So many of the least, greatest or latest values are kept in one bucket: the first may be taken back."""

_ONE = Decimal(1)
_HASH_BYTES = 12
_NO_BUCKET = Bucket()


class Tally(msgspec.Struct, frozen=True):
    """What one event counts in one metric."""

    value: Decimal = _ONE
    """What a sum adds up; 1 for others."""
    keys: tuple[str, ...] = ()
    """What is kept in the bucket: hashes of values, numbers, instants or days, as text."""


def key_of_value(value: Any) -> str:
    """Make the short text by which one of several different values is known again.

    Args:
        value: text, truth, number, instant or length of time.

    Returns:
        16 characters that do not show the value; equal numbers are one value however they are written.
    """
    if isinstance(value, bool):
        text = f"b:{value}"
    elif isinstance(value, int | Decimal | Fraction):
        text = f"n:{Fraction(value)}"
    elif isinstance(value, datetime):
        text = f"t:{instant_text(value)}"
    else:
        text = f"{type(value).__name__}:{value}"
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:_HASH_BYTES]).decode()


def instant_text(instant: datetime) -> str:
    """Write an instant so that texts stand in the order of time.

    Args:
        instant: aware.

    Returns:
        UTC with microseconds.
    """
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def added(metric: Metric, bucket: Bucket | None, tally: Tally) -> tuple[Bucket, bool]:
    """Put what an event counts into a bucket.

    Args:
        metric: the metric.
        bucket: as it stood; None where nothing was counted yet.
        tally: what the event counts.

    Returns:
        The bucket with it, and whether all of it found room.
    """
    stood = bucket or _NO_BUCKET
    if metric.fold == "sum":
        return Bucket(stood.total + tally.value, stood.count + 1), True
    held, fits = dict(stood.held), True
    for key in tally.keys:
        if metric.fold == "distinct" and key not in held and len(held) >= DIFFERENT_AT_MOST:
            fits = False
        else:
            held[key] = held.get(key, 0) + 1
    held = _kept(metric, held)
    return Bucket(_total(metric, held), stood.count + 1, held), fits


def taken_out(metric: Metric, bucket: Bucket, tally: Tally) -> Bucket:
    """Take what an event counted out of a bucket.

    Args:
        metric: the metric.
        bucket: as it stands.
        tally: what the event had counted.

    Returns:
        The bucket without it.
    """
    if metric.fold == "sum":
        return Bucket(bucket.total - tally.value, bucket.count - 1)
    held = dict(bucket.held)
    for key in tally.keys:
        left = held.get(key, 0) - 1
        if left > 0:
            held[key] = left
        else:
            held.pop(key, None)
    return Bucket(_total(metric, held), bucket.count - 1, held)


def merged(metric: Metric | None, one: Bucket | None, other: Bucket) -> Bucket:
    """Count in one bucket what two accounts counted in one each.

    Args:
        metric: the metric; None where it is given up, and only numbers are kept of it.
        one: a bucket of one account, None where it has none.
        other: the bucket of the other.

    Returns:
        The bucket of all of their events together.
    """
    if one is None:
        return other
    total, count = one.total + other.total, one.count + other.count
    if metric is None or metric.fold == "sum":
        return Bucket(total, count, one.held or other.held)
    held = dict(one.held)
    for key, times in other.held.items():
        held[key] = held.get(key, 0) + times
    held = _kept(metric, held)
    return Bucket(_total(metric, held), count, held)


def _kept(metric: Metric, held: dict[str, int]) -> dict[str, int]:
    """Let go of what is beyond the number of extremes that are kept."""
    if metric.fold not in ("min", "max", "last") or len(held) <= EXTREMES_KEPT:
        return held
    kept = sorted(held, key=_order(metric), reverse=metric.fold != "min")[:EXTREMES_KEPT]
    return {key: held[key] for key in kept}


def least_or_greatest(metric: Metric, keys: Iterable[str]) -> str | None:
    """Find the key that says the value of an extreme.

    Args:
        metric: one of `min`, `max` or `last`.
        keys: those that are held.

    Returns:
        The first in the metric's order, None where there are none.
    """
    choose = min if metric.fold == "min" else max
    return choose(keys, key=_order(metric), default=None)


def _order(metric: Metric) -> Any:
    return str if metric.fold == "last" else Decimal


def _total(metric: Metric, held: Mapping[str, int]) -> Decimal:
    """Sum a bucket up in one number, for queries that look at no more."""
    if metric.fold in ("distinct", "streak"):
        return Decimal(len(held))
    if metric.fold == "last" or not held:
        return Decimal(0)
    found = least_or_greatest(metric, held)
    return Decimal(found) if found is not None else Decimal(0)


def number_key(value: Decimal) -> str:
    """Write a number as a key.

    Args:
        value: the number.

    Returns:
        Its shortest text.
    """
    return plain_text(value)
