"""Metrics: named aggregates over an account's events, kept so that events can be taken out again."""

from __future__ import annotations

from guerdon.rules.metrics.metric import Fold, Metric, Streak, Window, bucket_of
from guerdon.rules.metrics.tallies import (
    DIFFERENT_AT_MOST,
    EXTREMES_KEPT,
    Tally,
    added,
    key_of_value,
    merged,
    taken_out,
)
from guerdon.rules.metrics.values import (
    Buckets,
    Counts,
    Value,
    counted_from,
    first_counted,
    number_on,
    peak_within,
    run_lengths,
    value_on,
)

__all__ = [
    "DIFFERENT_AT_MOST",
    "EXTREMES_KEPT",
    "Buckets",
    "Counts",
    "Fold",
    "Metric",
    "Streak",
    "Tally",
    "Value",
    "Window",
    "added",
    "bucket_of",
    "counted_from",
    "first_counted",
    "key_of_value",
    "merged",
    "number_on",
    "peak_within",
    "run_lengths",
    "taken_out",
    "value_on",
]
