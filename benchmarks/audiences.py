"""Segments of a real program over many accounts: each kind of thing that a condition reads, in one statement.

    python -m benchmarks.audiences [--accounts N] [--looked-at N] [--json FILE]

Asked twice: on a day on which nothing is due, and after the end of the year when nothing was booked for
months, so that every tier has to be worked out and every wallet settled. Beside it stands what looking at the
accounts one by one takes, from so many of them. The rows are made in a database of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import psycopg

from benchmarks.engine_loop import make_ids
from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.tx import Tx
from guerdon.insight.segments import Question, count_accounts, segments_of_all, why_one_by_one
from guerdon.members.accounts import list_accounts
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.program import Program
from guerdon.rules.segments import Segment

ROUNDS: Final = 3
TENANT: Final = tenant_id_of("bench")
CONDITIONS: Final = {
    "metric": "metrics.yearly > 500",
    "metrics": "metrics.lately > 50 && metrics.streak >= 2",
    "attribute": "account.owner.attributes.size > 42",
    "consent": "account.owner.consents['email']",
    "wallet": "wallets.points.available > 700",
    "heir": "wallets.kept.available > 700",
    "tier": "account.tiers.plain.key == 'gold'",
    "monthly": "account.tiers.monthly.level >= 1",
    "soft": "account.tiers.soft.level >= 2",
    "rolling": "account.tiers.rolling.level >= 1",
    "own": "account.tiers.own.level >= 1",
    "streaks": "account.tiers.streaks.level >= 1",
    "ever": "account.tiers.ever.level >= 1",
    "mixed": "account.tiers.plain.level >= 1 && wallets.points.available > 100 && metrics.yearly > 100",
}
TOGETHER: Final = ("metric", "attribute", "consent", "wallet", "tier", "mixed")
"""Segments that are counted in one statement, as the API asks for them."""
DEFINITION: Final = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {rounding: floor, expires: {after: 12mo, from: earned}}
  kept: {rounding: floor, expires: never}
retired: {wallets: {miles: {into: kept, rate: "0.5"}}}
attributes:
  size: {type: decimal}
metrics:
  yearly: {event: order.paid, value: order.net, window: calendar_year}
  monthly: {event: order.paid, value: order.net, window: calendar_month}
  lately: {event: order.paid, value: order.net, window: {rolling: 30d}}
  own: {event: order.paid, value: order.net, window: membership_year}
  ever: {event: order.paid, value: order.net, window: all_time}
  streak: {event: order.paid, streak: week, window: all_time}
ladders:
  plain:
    metric: yearly
    grace: 30d
    tiers: {bronze: {from: 0}, silver: {from: 200}, gold: {from: 600}}
  monthly:
    metric: yearly
    review: calendar_month
    tiers: {bronze: {from: 0}, silver: {from: 200}, gold: {from: 600}}
  soft:
    metric: monthly
    soft_landing: true
    grace: 30d
    tiers: {bronze: {from: 0}, silver: {from: 50}, gold: {from: 120}, black: {from: 200, lifetime: true}}
  rolling:
    metric: lately
    review: calendar_month
    tiers: {bronze: {from: 0}, silver: {from: 50}, gold: {from: 120}}
  own:
    metric: own
    review: calendar_quarter
    tiers: {bronze: {from: 0}, silver: {from: 200}, gold: {from: 600}}
  ever:
    metric: ever
    review: calendar_year
    tiers: {bronze: {from: 0}, silver: {from: 200}, gold: {from: 900}}
  streaks:
    metric: streak
    review: calendar_quarter
    tiers: {bronze: {from: 0}, silver: {from: 2}, gold: {from: 3}}
campaigns:
  base_earn: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net}}]}
segments:
""" + "\n".join(f"  {key}: {json.dumps(text)}" for key, text in CONDITIONS.items())
QUIET: Final = datetime(2027, 12, 15, 12, tzinfo=UTC)
DUE: Final = datetime(2028, 3, 15, 12, tzinfo=UTC)
BOOKED: Final = datetime(2027, 12, 14, tzinfo=UTC)
NEXT: Final = datetime(2028, 1, 1, 5, tzinfo=UTC)
_NETS: Final = "(19 + mod(i * 31 + o * 17, 90))"
_ORDERS: Final = """(
    select i, o, (date '2026-06-01' + mod(i * 7919 + o * 61, 550)::integer) as day
    from generate_series(1, %(accounts)s::bigint) i, generate_series(1, %(orders)s::bigint) o)"""
_SUMS: Final = f"""
insert into metric_buckets (account_id, metric, bucket_on, total, count)
select i, %(metric)s, date_trunc(%(bucket)s, day::timestamp)::date, sum({_NETS}), count(*) from {_ORDERS} g
group by 1, 3
"""  # noqa: S608 - pieces of this file
_STREAKS: Final = f"""
insert into metric_buckets (account_id, metric, bucket_on, total, count, held)
select i, %(metric)s, date_trunc('year', week::timestamp)::date, count(*), count(*),
    jsonb_object_agg(week::text, 1)
from (select distinct i, date_trunc('week', day::timestamp)::date as week from {_ORDERS} d) g
group by 1, 3
"""  # noqa: S608 - pieces of this file
_ALL_TIME: Final = f"""
insert into metric_buckets (account_id, metric, bucket_on, total, count)
select i, %(metric)s, date '1970-01-01', sum({_NETS}), count(*) from {_ORDERS} g group by 1
"""  # noqa: S608 - pieces of this file
_TIERS: Final = """
insert into tiers (account_id, ladder, program_id, level, since, changes_at, anchor_level, anchor_on,
    definition)
select i, %(ladder)s, %(program)s, 'silver', %(booked)s, %(changes)s, 'bronze', '1970-01-01', %(identity)s
from generate_series(1, %(accounts)s::bigint) i
"""
_ROWS: Final = (
    """
insert into accounts (account_id, program_id, kind, created_at, members, salt)
select i, %(program)s, 'person', timestamptz '2026-05-01 12:00:00+00' - (mod(i, 700) || ' days')::interval, 1,
    decode(repeat('00', 16), 'hex') from generate_series(1, %(accounts)s::bigint) i
""",
    """
insert into members (account_id, member_id, program_id, role, joined_at, attributes, consents)
select i, i, %(program)s, 'owner', %(booked)s, jsonb_build_object('size', 36 + mod(i, 12)),
    jsonb_build_object('email', jsonb_build_object('given', mod(i, 3) = 0, 'at', '2027-01-01T00:00:00Z'))
from generate_series(1, %(accounts)s::bigint) i
""",
    """
insert into lots (account_id, wallet, expires_at, available_at, remaining)
select i, w,
    case when w = 'points' then %(booked)s::timestamptz + (30 * n || ' days')::interval else 'infinity' end,
    %(booked)s::timestamptz - (30 * n || ' days')::interval, 100 + mod(i * n, 400)
from generate_series(1, %(accounts)s::bigint) i, generate_series(1, 4) n,
    unnest(array['points', 'kept', 'miles']) w
""",
    """
insert into wallets (account_id, wallet, program_id, available, pending, held, changes_at)
select account_id, wallet, %(program)s, sum(remaining), 0, 0, nullif(min(expires_at), 'infinity')
from lots group by 1, 2
""",
)
"""Who there is, and what they have."""


def fill(tx: Tx, program: Program, program_id: int, accounts: int) -> None:
    """Make accounts with what was booked of them.

    Args:
        tx: bound to the tenant.
        program: declares metrics and ladders.
        program_id: whose accounts.
        accounts: how many.
    """
    values: dict[str, Any] = {"program": program_id, "accounts": accounts, "booked": BOOKED, "orders": 12}
    for statement in _ROWS:
        tx.execute(statement, values)
    buckets = {"yearly": "year", "monthly": "month", "lately": "day", "own": "day"}
    for key, metric in program.metrics.items():
        given = {**values, "metric": metric.identity}
        if key in buckets:
            tx.execute(_SUMS, {**given, "bucket": buckets[key]})
        else:
            tx.execute(_STREAKS if key == "streak" else _ALL_TIME, given)
    for key, ladder in program.ladders.items():
        tx.execute(_TIERS, {**values, "ladder": key, "identity": ladder.identity, "changes": NEXT})


def at_once(tx: Tx, asked: Question, segments: list[Segment]) -> tuple[float, int]:
    """Count segments.

    Args:
        tx: bound to the tenant.
        asked: when.
        segments: which.

    Returns:
        Seconds of the median round, and how many accounts are in them.
    """
    spent, found = [], 0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = sum(count_accounts(tx, asked, segments).values())
        spent.append(time.perf_counter() - start)
    return median(spent), found


def measured(tx: Tx, asked: Question, many: int) -> Iterator[dict[str, Any]]:
    """Measure every segment.

    Args:
        tx: bound to the tenant.
        asked: when.
        many: how many accounts are looked at one by one, beside.

    Yields:
        A row for each.
    """
    rows = list_accounts(tx, asked.program_id, 0, many)
    usual = [asked.program.segments[key] for key in TOGETHER]
    seconds, found = at_once(tx, asked, usual)
    yield {"segment": "together", "now": asked.now.isoformat(), "s": seconds, "in": found, "each": 0}
    for segment in asked.program.segments.values():
        assert not why_one_by_one(asked.program, segment, asked.now), segment.key
        seconds, found = at_once(tx, asked, [segment])
        start = time.perf_counter()
        segments_of_all(tx, asked.program, [segment], rows, asked.now)
        each = (time.perf_counter() - start) / len(rows)
        yield {"segment": segment.key, "now": asked.now.isoformat(), "s": seconds, "in": found, "each": each}


def main() -> None:
    """Print the table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--looked-at", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    program = compile_program(load_definition(DEFINITION), 1)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        migrate(server.dsn())
        with Database(server.dsn()) as database:
            with database.transaction(TENANT) as tx:
                ensure_tenant(tx, "bench", "Bench", sandbox=True, now=BOOKED)
                new = NewDefinition(load_definition(DEFINITION), DEFINITION, "bench", BOOKED)
                apply_definition(tx, new, make_ids())
                ((program_id,),) = tx.execute("select program_id from programs").fetchall()
                tx.execute("set local statement_timeout = 0")
                fill(tx, program, program_id, options.accounts)
                ((buckets,),) = tx.execute("select count(*) from metric_buckets").fetchall()
            with psycopg.connect(server.dsn("superuser", "guerdon"), autocommit=True) as connection:
                connection.execute("vacuum analyze")
            for now in (QUIET, DUE):
                with database.transaction(TENANT) as tx:
                    tx.execute("set local statement_timeout = 0")
                    rows += measured(tx, Question(program_id, program, now), options.looked_at)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{options.accounts:,} accounts, {buckets:,} buckets; load {load}")
    print(f"{'segment':<10} {'now':<12} {'s':>7} {'in it':>8} {'one by one, s':>14}")
    for row in rows:
        alone = row["each"] * options.accounts
        print(
            f"{row['segment']:<10} {row['now'][:10]:<12} {row['s']:>7.2f} {row['in']:>8,} {alone:>14.0f}",
            flush=True,
        )
    if options.json is not None:
        options.json.write_text(
            json.dumps({"benchmark": "audiences", "rows": rows}, indent=2) + "\n", "utf-8"
        )


if __name__ == "__main__":
    main()
