"""A segment's condition in SQL over many accounts, beside the same question asked by hand.

Run it with `python -m benchmarks.segment [--rows N] [--json FILE]`; the rows are synthetic, in a database of
its own.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.rules.expressions import (
    ANY,
    BOOL,
    DECIMAL,
    INT,
    STRING,
    Environment,
    ListOf,
    MapOf,
    Record,
    compile_expression,
)
from guerdon.rules.expressions.selecting import SqlColumn, to_sql

ROUNDS = 3
ACCOUNT = Record(
    "account",
    {
        "spend": DECIMAL,
        "visits": INT,
        "city": STRING,
        "badges": ListOf(STRING),
        "attributes": MapOf(STRING, ANY),
    },
)
ENVIRONMENT = Environment({"account": ACCOUNT})
COLUMNS = {f"account.{name}": SqlColumn(f"a.{name}") for name in ACCOUNT.fields}
CREATE = """
create table people as
select i as id, mod(i * 7919::bigint, 100000) / 100.0 as spend, mod(i * 31::bigint, 50) as visits,
       'city-' || mod(i * 17::bigint, 1000) as city,
       case mod(i, 3) when 0 then array['vip', 'early'] when 1 then array['early'] else '{}'::text[] end
           as badges,
       jsonb_build_object('shoe', 30 + mod(i, 20), 'colour', case mod(i, 4) when 0 then 'red' else 'blue' end)
           as attributes
from generate_series(1, %d) i
"""
CASES = [
    ("account.spend > 500 && account.visits >= 10", "spend > 500 and visits >= 10"),
    ("account.spend / account.visits > 20", "visits <> 0 and spend / visits > 20"),
    ("account.badges.exists(b, b == 'vip')", "'vip' = any(badges)"),
    ("account.city.matches('^city-9[0-9]+$')", "city ~ '^city-9[0-9]+$'"),
    (
        "account.attributes.?colour.orValue('none') == 'red' && account.spend > 100",
        "attributes->>'colour' = 'red' and spend > 100",
    ),
]
"""A condition, and what somebody would write by hand, which may differ on rows that are errors here."""


def asked(connection: psycopg.Connection, where: str, parameters: Any) -> tuple[float, int]:
    """Count the rows for which a condition holds.

    Args:
        connection: to the database of the table.
        where: SQL of the condition.
        parameters: its named parameters.

    Returns:
        Seconds of the median round, and the count.
    """
    rounds, found = [], 0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        query = f"select count(*) from people a where {where}"  # noqa: S608 - this is what is measured
        row = connection.execute(query.encode(), parameters).fetchone()
        rounds.append(time.perf_counter() - start)
        found = row[0] if row is not None else 0
    return median(rounds), found


def main() -> None:
    """Print the table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "server", durable=False).start()
        try:
            with psycopg.connect(server.dsn("superuser", "postgres"), autocommit=True) as connection:
                connection.execute((CREATE % options.rows).encode())
                connection.execute("analyze people")
                for source, by_hand in CASES:
                    condition = to_sql(compile_expression(source, ENVIRONMENT, BOOL), COLUMNS)
                    spent, found = asked(connection, condition.text, condition.parameters)
                    plain, same = asked(connection, by_hand, None)
                    rows.append(
                        {"condition": source, "s": spent, "by_hand_s": plain, "rows": found, "same": same}
                    )
        finally:
            server.stop()
    print(f"{options.rows:,} rows")
    print(f"{'seconds':>8} {'by hand':>8} {'found':>9}  condition")
    for row in rows:
        print(f"{row['s']:>8.2f} {row['by_hand_s']:>8.2f} {row['rows']:>9,}  {row['condition']}")
    if options.json is not None:
        options.json.write_text(json.dumps({"benchmark": "segment", "rows": rows}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
