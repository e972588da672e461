"""SQL of what metrics come to for all accounts at once: what `rules.metrics.value_on` folds for one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from guerdon.base.calendar import EPOCH_DAY
from guerdon.members.audiences.folds import Within, as_value, folded, is_one_bucket, own_year, streaks
from guerdon.rules.expressions.selecting import SqlColumn
from guerdon.rules.metrics import Metric
from guerdon.rules.metrics.metric import Window, unit_start

_NEXT: Final = {"day": "1 day", "week": "7 days", "month": "1 month", "quarter": "3 months", "year": "1 year"}


class Asked(NamedTuple):
    """For which day values are asked."""

    day: date
    """Local day whose windows are meant."""
    zone: str
    """IANA name of the program's time zone."""


class Joined(NamedTuple):
    """A metric's values beside the accounts `a`."""

    join: str
    parameters: Mapping[str, Any]
    column: SqlColumn


def value_of(metric: Metric, asked: Asked, name: str) -> Joined:
    """Write the SQL of a metric's value for all accounts.

    Args:
        metric: the metric.
        asked: for which day.
        name: what the joined table is called; parameters begin with it.

    Returns:
        The join, its parameters and the column.
    """
    first, end = metric.window.days(asked.day, EPOCH_DAY)
    is_own = metric.window.membership
    parameters: dict[str, Any] = {f"{name}_id": metric.identity}
    tables, where, since = "metric_buckets b", f"b.metric = %({name}_id)s", f"%({name}_first)s::date"
    if is_own:
        parameters |= {f"{name}_day": asked.day, f"{name}_zone": asked.zone}
        tables += own_year("b.account_id", f"%({name}_day)s", f"%({name}_zone)s")
        since = "w.first_on"
    else:
        parameters[f"{name}_first"] = first
    today = f"%({name}_day)s"
    if metric.streak is not None:
        parameters |= {f"{name}_day": asked.day, f"{name}_forgives": metric.streak.forgives}
        if not is_own:
            parameters[f"{name}_first"] = unit_start(metric.streak.of, first)
        text = streaks(metric.streak, Within(tables, where, since, today), f"%({name}_forgives)s::integer")
    else:
        if is_one_bucket(metric):
            where += f" and b.bucket_on = {since}"
        elif is_own:
            where += " and b.bucket_on >= w.first_on and b.bucket_on < w.end_on"
        else:
            parameters[f"{name}_end"] = end
            where += f" and b.bucket_on >= {since} and b.bucket_on < %({name}_end)s"
        text = folded(metric, Within(tables, where, since, today))
    join = f"left join ({text}) {name} on {name}.account_id = a.account_id"
    return Joined(join, parameters, SqlColumn(as_value(metric, name)))


def value_beside(metric: Metric, name: str, at: tuple[str, str], zone: str) -> Joined:
    """Write the SQL of a metric's value beside each row of accounts and days.

    Args:
        metric: the metric.
        name: what the joined table is called; parameters begin with it.
        at: SQL of the account's number and of the day.
        zone: IANA name of the program's time zone.

    Returns:
        The join, its parameters and the column.
    """
    account, day = at
    first, end = _bounds(metric.window, day)
    tables = "metric_buckets b"
    where = f"b.account_id = {account} and b.metric = %({name}_id)s"
    parameters: dict[str, Any] = {f"{name}_id": metric.identity}
    if metric.window.membership:
        parameters[f"{name}_zone"] = zone
        tables = f"(select) one {own_year(account, day, f'%({name}_zone)s')} join {tables} on true"
    if metric.streak is not None:
        forgives = str(metric.streak.forgives)
        text = streaks(metric.streak, Within(tables, where, first, day), forgives)
    else:
        if is_one_bucket(metric):
            where += f" and b.bucket_on = {first}"
        else:
            where += f" and b.bucket_on >= {first} and b.bucket_on < {end}"
        if metric.window.membership:
            # An account's own year goes on after the day, and what comes then is not the day's.
            where += f" and b.bucket_on <= {day}"
        text = folded(metric, Within(tables, where, first, day))
    return Joined(f"left join lateral ({text}) {name} on true", parameters, SqlColumn(as_value(metric, name)))


def _bounds(window: Window, day: str) -> tuple[str, str]:
    """Write the first day of a window on a day, and the first one after it."""
    if window.rolling:
        months, days = window.rolling.months, window.rolling.days
        return f"(({day} - make_interval(months => {months}))::date - {days} + 1)", f"({day} + 1)"
    if window.membership:
        return "w.first_on", "w.end_on"
    if window.period == "all_time":
        return f"date '{EPOCH_DAY}'", f"date '{date.max}'"
    first = f"date_trunc('{window.period}', {day}::timestamp)"
    return f"{first}::date", f"({first} + interval '{_NEXT[window.period]}')::date"
