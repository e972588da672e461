"""Pieces of SQL of which a metric's value is made, for all accounts at once or for one beside a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from guerdon.rules.metrics import Metric, Streak

# The year since an account's last anniversary: who began on 29 February begins anew on the 28th without one.
_OWN_YEAR: Final = """
join accounts y on y.account_id = {account}
cross join lateral (select (y.created_at at time zone {zone})::date as joined_on) j
cross join lateral (
    select extract(year from {day}::date)::integer - extract(year from j.joined_on)::integer as n) q
cross join lateral (
    select q.n - ((j.joined_on + make_interval(years => q.n))::date > {day}::date)::integer as n) k
cross join lateral (
    select (j.joined_on + make_interval(years => k.n))::date as first_on,
        (j.joined_on + make_interval(years => k.n + 1))::date as end_on offset 0) w
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
                    > {forgives}, true) as begins
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


class Within(NamedTuple):
    """Which buckets are folded."""

    tables: str
    """SQL of what stands behind `from`; the buckets are called `b`."""
    where: str
    """SQL of which of them count, of this metric and of these accounts."""
    since: str
    """SQL of the first day that a window touches."""
    today: str
    """SQL of the day for which the value is asked."""


def own_year(account: str, day: str, zone: str) -> str:
    """Write the joins that give the year of an account's own in which a day is, as `w`.

    Args:
        account: SQL of the account's number.
        day: SQL of the day.
        zone: SQL of the name of the program's time zone.

    Returns:
        SQL for behind a table.
    """
    return _OWN_YEAR.format(account=account, day=day, zone=zone)


def folded(metric: Metric, within: Within) -> str:
    """Write what a metric's buckets come to, by account.

    Args:
        metric: the metric, not one of streaks.
        within: which buckets.

    Returns:
        SQL of rows of `account_id` and `value`; who has no bucket has no row.
    """
    source = f"{within.tables} where {within.where}"
    if metric.fold == "sum" or is_one_bucket(metric):
        return _SUM.format(source=source)
    if metric.fold in ("min", "max"):
        return _OUTERMOST.format(fold=metric.fold, source=source)
    return (_DISTINCT if metric.fold == "distinct" else _LATEST).format(
        tables=within.tables, keys=_KEYS, where=within.where
    )


def streaks(streak: Streak, within: Within, forgives: str) -> str:
    """Write how many periods in a row have something, by account.

    Args:
        streak: what makes them.
        within: which buckets, of any day.
        forgives: SQL of how many periods may pass without anything.

    Returns:
        SQL of rows of `account_id` and `value`; who has no streak has no row.
    """
    number = _NUMBERS[streak.of]
    first = f"date_trunc('{streak.of}', ({within.since})::timestamp)::date"
    units = (
        f"select b.account_id, {number.format('h.key')} as n from {within.tables} {_KEYS}"  # noqa: S608 - pieces of ours
        f" where {within.where} and h.key::date >= {first}"
    )
    today = number.format(within.today)
    until = "true" if streak.longest else f"u.n <= {today}"
    last = "true" if streak.longest else f"{today} - r.latest - 1 <= {forgives}"
    return _RUNS.format(units=units, until=until, last=last, forgives=forgives)


def as_value(metric: Metric, name: str) -> str:
    """Write a metric's value where its rows stand beside accounts.

    Args:
        metric: the metric.
        name: what the rows are called.

    Returns:
        SQL of the value: 0 for counts, sums and streaks of nothing, NULL for extremes and last times.
    """
    if metric.fold in ("sum", "distinct", "streak"):
        return f"coalesce({name}.value, 0)"
    if metric.fold == "last":
        return f"{name}.value" + ("::timestamptz" if metric.is_instant else "::numeric")
    return f"{name}.value"


def is_one_bucket(metric: Metric) -> bool:
    """Tell whether one bucket has the whole of a window, and its total is the value.

    Args:
        metric: the metric.

    Returns:
        True for counts, sums and different values over a calendar's window.
    """
    return metric.fold in ("sum", "distinct") and metric.window.is_fixed and not metric.daily


def keys_of(tables: str) -> str:
    """Write the values that buckets hold, one row for each, as `h.key`.

    Args:
        tables: SQL of what stands behind `from`; the buckets are called `b`.

    Returns:
        SQL of the rows.
    """
    return f"{tables} {_KEYS}"
