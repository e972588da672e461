"""SQL of what metrics come to for all accounts at once: what `rules.metrics.value_on` folds for one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from guerdon.base.calendar import EPOCH_DAY
from guerdon.rules.expressions.selecting import SqlColumn
from guerdon.rules.metrics import Metric, Streak
from guerdon.rules.metrics.metric import unit_start

# The year since an account's last anniversary: who began on 29 February begins anew on the 28th without one.
_OWN_YEAR: Final = """
join accounts y on y.account_id = b.account_id
cross join lateral (select (y.created_at at time zone %({0}_zone)s)::date as joined_on) j
cross join lateral (
    select extract(year from %({0}_day)s::date)::integer - extract(year from j.joined_on)::integer as n) q
cross join lateral (
    select q.n - ((j.joined_on + make_interval(years => q.n))::date > %({0}_day)s::date)::integer as n) k
cross join lateral (
    select (j.joined_on + make_interval(years => k.n))::date as first_on,
        (j.joined_on + make_interval(years => k.n + 1))::date as end_on) w
"""
_KEYS: Final = "cross join lateral jsonb_object_keys(coalesce(b.held, '{}')) as h (key)"
_SUM: Final = "select b.account_id, sum(b.total) as value from {source} group by 1"
_DISTINCT: Final = """
select b.account_id, count(distinct h.key)::numeric as value from {tables} {keys} where {where} group by 1
"""
_OUTERMOST: Final = """
select b.account_id, {fold}(b.total) as value from {source} and b.held <> '{{}}'::jsonb group by 1
"""
_LATEST: Final = """
select l.account_id, coalesce(nullif(split_part(l.key, '|', 2), ''), split_part(l.key, '|', 1)) as value
from (select b.account_id, max(h.key collate "C") as key from {tables} {keys} where {where} group by 1) l
"""
# A run begins where more periods passed without anything than are forgiven.
_RUNS: Final = """
select r.account_id, max(r.length)::numeric as value from (
    select i.account_id, count(*) as length, max(i.n) as latest from (
        select s.account_id, s.n,
            count(*) filter (where s.begins) over (partition by s.account_id order by s.n) as run
        from (
            select u.account_id, u.n,
                coalesce(u.n - lag(u.n) over (partition by u.account_id order by u.n) - 1
                    > %({0}_forgives)s::integer, true) as begins
            from ({units}) u where {until}) s) i
    group by i.account_id, i.run) r
where {last} group by 1
"""
_DAYS: Final = "(({0})::date - date '0001-01-01')"
_NUMBERS: Final[Mapping[str, str]] = {
    "day": _DAYS,
    "week": f"({_DAYS} / 7)",
    "month": "(extract(year from ({0})::date)::integer * 12 + extract(month from ({0})::date)::integer)",
}


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
    bounds: dict[str, Any] = {f"{name}_first": first, f"{name}_end": end}
    if metric.window.membership:
        bounds = {f"{name}_day": asked.day, f"{name}_zone": asked.zone}
    parameters: dict[str, Any] = {f"{name}_id": metric.identity, **bounds}
    if metric.streak is not None:
        parameters |= {f"{name}_day": asked.day, f"{name}_forgives": metric.streak.forgives}
        if not metric.window.membership:
            parameters = {key: one for key, one in parameters.items() if not key.endswith("_end")}
            parameters[f"{name}_first"] = unit_start(metric.streak.of, first)
        text = _streak(metric, metric.streak, name)
    else:
        if _is_one_bucket(metric):
            del parameters[f"{name}_end"]
        text = _folded(metric, name)
    is_counted = metric.fold in ("sum", "distinct", "streak")
    column = f"coalesce({name}.value, 0)" if is_counted else f"{name}.value"
    if metric.fold == "last":
        column += "::timestamptz" if metric.is_instant else "::numeric"
    return Joined(
        f"left join ({text}) {name} on {name}.account_id = a.account_id", parameters, SqlColumn(column)
    )


def _is_one_bucket(metric: Metric) -> bool:
    return metric.fold in ("sum", "distinct") and metric.window.is_fixed and not metric.daily


def _tables(metric: Metric, name: str) -> str:
    return "metric_buckets b" + (_OWN_YEAR.format(name) if metric.window.membership else "")


def _folded(metric: Metric, name: str) -> str:
    where = f"b.metric = %({name}_id)s"
    if _is_one_bucket(metric):
        where += f" and b.bucket_on = %({name}_first)s"
    elif metric.window.membership:
        where += " and b.bucket_on >= w.first_on and b.bucket_on < w.end_on"
    else:
        where += f" and b.bucket_on >= %({name}_first)s and b.bucket_on < %({name}_end)s"
    tables = _tables(metric, name)
    source = f"{tables} where {where}"
    if metric.fold == "sum" or _is_one_bucket(metric):
        return _SUM.format(source=source)
    if metric.fold in ("min", "max"):
        return _OUTERMOST.format(fold=metric.fold, source=source)
    return (_DISTINCT if metric.fold == "distinct" else _LATEST).format(
        tables=tables, keys=_KEYS, where=where
    )


def _streak(metric: Metric, streak: Streak, name: str) -> str:
    number = _NUMBERS[streak.of]
    first = f"%({name}_first)s::date"
    if metric.window.membership:
        first = f"date_trunc('{streak.of}', w.first_on)::date"
    units = (
        f"select b.account_id, {number.format('h.key')} as n from {_tables(metric, name)} {_KEYS}"  # noqa: S608 - pieces of ours
        f" where b.metric = %({name}_id)s and h.key::date >= {first}"
    )
    today = number.format(f"%({name}_day)s")
    until = "true" if streak.longest else f"u.n <= {today}"
    last = "true" if streak.longest else f"{today} - r.latest - 1 <= %({name}_forgives)s::integer"
    return _RUNS.format(name, units=units, until=until, last=last)
