"""SQL of the greatest values that metrics had within review periods: `rules.metrics.peak_within` for many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from guerdon.base.calendar import EPOCH_DAY, Period
from guerdon.members.audiences.folds import is_one_bucket, keys_of
from guerdon.members.audiences.values import value_beside
from guerdon.rules.metrics import Metric

MONTHS: Final[Mapping[Period, int]] = {"month": 1, "quarter": 3, "year": 12}
"""How many months a review period has."""
_NUMBER: Final = "((extract(year from {0})::integer * 12 + extract(month from {0})::integer - 1) / {1})"
_FIRST: Final = "make_date({0} * {1} / 12, mod({0} * {1}, 12) + 1, 1)"
_SHORTER: Final = ("day", "month", "quarter", "year")
# Each bucket is a window of its own, which counts in the period in which it begins, and in one that it
# reaches into from before. A period's first window counts also where nothing was counted in it.
_TOTALS: Final = """
select f.account_id, f.no,
    greatest(max(f.total), coalesce(max(f.total) filter (where f.at_start), 0)) as value
from (
    select b.account_id, {number} as no, b.total, b.bucket_on = {start_of_bucket} as at_start
    from due d join metric_buckets b on b.account_id = d.account_id and b.metric = %({name}_id)s
        and b.bucket_on >= d.since_on
    {reaching}) f
group by 1, 2
"""
_REACHING: Final = """
    union all
    select s.account_id, s.no, b.total, true
    from stretch s join metric_buckets b on b.account_id = s.account_id and b.metric = %({name}_id)s
        and b.bucket_on = {start}
    where {start} <> {first}
"""
# A value can only be the greatest on a day on which something was counted, or on the first of the period.
_PROBED: Final = """
select p.account_id, p.no, max(coalesce({value}, 0)) as value
from (
    select s.account_id, s.no, {start} as day from stretch s
    union
    select b.account_id, {number}, {day}
    from due d join {buckets}
    where b.account_id = d.account_id and b.metric = %({name}_id)s
        and {number} between d.since_no and {last}) p
{join}
group by 1, 2
"""


class Peaks(NamedTuple):
    """A metric's greatest values."""

    text: str
    """SQL of rows of `account_id`, `no` and `value`, no row standing for 0; with a join, SQL of the value."""
    parameters: Mapping[str, Any]
    join: str = ""
    """Of what counts for ever, the same in each period: SQL that brings it beside `due d`."""


def number_of(review: Period, day: str) -> str:
    """Write the number of the review period that a day belongs to.

    Args:
        review: the kind of period.
        day: SQL of the day.

    Returns:
        SQL of it; neighbours differ by one.
    """
    return _NUMBER.format(day, MONTHS[review])


def first_of(review: Period, number: str) -> str:
    """Write the first day of a review period.

    Args:
        review: the kind of period.
        number: SQL of its number.

    Returns:
        SQL of the day.
    """
    return _FIRST.format(number, MONTHS[review])


def peaks_of(metric: Metric, review: Period, name: str, zone: str, last: str) -> Peaks:
    """Write the greatest values of a metric, of the accounts in `due` in the periods in `stretch`.

    Args:
        metric: the metric, not one of instants.
        review: the kind of period.
        name: what is joined is called so; parameters begin with it.
        zone: IANA name of the program's time zone.
        last: SQL of the number of the last period.

    Returns:
        The SQL and its parameters.
    """
    if not metric.never_falls and is_one_bucket(metric):
        return Peaks(_totals(metric, review, name), {f"{name}_id": metric.identity})
    if metric.never_falls:
        joined = value_beside(metric, name, ("d.account_id", f"date '{EPOCH_DAY}'"), zone)
        return Peaks(joined.column.text, joined.parameters, joined.join)
    joined = value_beside(metric, name, ("p.account_id", "p.day"), zone)
    first = first_of(review, "s.no")
    if metric.streak is not None:
        day, buckets = "h.key::date", keys_of("metric_buckets b on true")
    else:
        day, buckets = "b.bucket_on", "metric_buckets b on true"
        first = _bucket_of(metric, first) if metric.window.is_fixed else first
    text = _PROBED.format(
        value=joined.column.text, start=first, number=number_of(review, day), day=day,
        buckets=buckets, name=name, join=joined.join, last=last,
    )  # fmt: skip
    return Peaks(text, joined.parameters)


def _totals(metric: Metric, review: Period, name: str) -> str:
    number = number_of(review, "b.bucket_on")
    first = first_of(review, "s.no")
    start = _bucket_of(metric, first)
    period = metric.bucket_period
    reaches = period == "week" or _SHORTER.index(period) > _SHORTER.index(review)
    return _TOTALS.format(
        number=number,
        start_of_bucket=_bucket_of(metric, first_of(review, number)),
        name=name,
        reaching=_REACHING.format(name=name, start=start, first=first) if reaches else "",
    )


def _bucket_of(metric: Metric, day: str) -> str:
    """Write the first day of the bucket that a day belongs to."""
    return f"date_trunc('{metric.bucket_period}', ({day})::timestamp)::date"
