"""The rules for a cluster, read off the catalogue and off what the engine really says to the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from guerdon.infra.db import Database
from guerdon.infra.migrations.distribution import PLACEMENTS, distributing_statements
from guerdon.infra.postgres import EmbeddedPostgres
from tests.architecture.source import ROOT
from tests.world.driver import World, running_loop
from tests.world.places import Ground
from tests.world.shop.actors import make_shop_plan

EXCEPTIONS = Path(__file__).with_name("exceptions.txt")
TABLES = """
select c.relname from pg_class c
where c.relnamespace = 'guerdon'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
"""
KEYS = """
select c.relname, i.indexrelid::regclass::text,
  array(select a.attname::text from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any(i.indkey))
from pg_index i join pg_class c on c.oid = i.indrelid
where c.relnamespace = 'guerdon'::regnamespace and (i.indisunique or i.indisexclusion)
"""
FOREIGN_KEYS = """
select k.conrelid::regclass::text, k.confrelid::regclass::text,
  array(select a.attname::text from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any(k.conkey))
from pg_constraint k where k.connamespace = 'guerdon'::regnamespace and k.contype = 'f'
"""
SEQUENCES = "select relname from pg_class where relnamespace = 'guerdon'::regnamespace and relkind = 'S'"
TYPES = """
select c.relname, format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull from pg_class c
join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'guerdon'::regnamespace and c.relkind = 'r' and a.attname = %s
"""
OF_ACCOUNTS = sorted(table for table, place in PLACEMENTS.items() if place.kind == "account")
NAMED = re.compile(
    r"account_id\s*(=|in\b)|= account_id\b|\(account_id\b[^)]*\)\s*(=|in\b)|account_id\s+between",
    re.IGNORECASE,
)
TOUCHES = re.compile(rf"\b(?:from|join|update|into)\s+({'|'.join(OF_ACCOUNTS)})\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("cluster"), durable=False) as server:
        yield Ground(server)


@pytest.fixture(scope="module")
def database(ground: Ground) -> Iterator[Database]:
    with ground.fresh() as made:
        yield made


def rows(database: Database, query: str, *given: object) -> list[tuple[Any, ...]]:
    with database.transaction_as("app") as tx:
        return tx.execute(query, given).fetchall()


def test_each_table_has_its_place(database: Database) -> None:
    there = {row[0] for row in rows(database, TABLES)}
    assert there - set(PLACEMENTS) == set(), "infra/migrations/distribution.py"
    assert set(PLACEMENTS) - there == set()


def test_what_a_table_is_distributed_by_stands_in_each_of_its_keys(database: Database) -> None:
    without = [
        (table, index)
        for table, index, columns in rows(database, KEYS)
        if PLACEMENTS[table].column and PLACEMENTS[table].column not in columns
    ]
    assert without == []


def test_each_distributed_table_has_its_column_and_it_is_never_empty(database: Database) -> None:
    for column in {place.column for place in PLACEMENTS.values() if place.column}:
        kinds = dict(rows(database, TYPES, column))
        mine = {table for table, place in PLACEMENTS.items() if place.column == column}
        assert mine <= set(kinds), column
        assert {kinds[table].endswith(" true") for table in mine} == {True}, column
        grouped = {kinds[table] for table in mine if PLACEMENTS[table].kind != "key"}
        assert len(grouped) <= 1, f"tables that lie together have {column} of one type"


def test_foreign_keys_stay_within_what_lies_together(database: Database) -> None:
    for table, other, columns in rows(database, FOREIGN_KEYS):
        here, there = PLACEMENTS[table], PLACEMENTS[other]
        if there.kind == "reference" or here.kind == there.kind == "coordinator":
            continue
        assert here == there, f"{table} refers to {other}, which lies elsewhere"
        assert here.column in columns, f"{table} refers to {other} without {here.column}"
    order = list(PLACEMENTS)
    late = [
        (table, other)
        for table, other, _ in rows(database, FOREIGN_KEYS)
        if order.index(other) > order.index(table)
    ]
    assert late == [], "what is referred to is distributed first"


def test_no_number_comes_from_a_sequence(database: Database) -> None:
    assert rows(database, SEQUENCES) == []


def test_statements_for_citus_are_complete_and_as_the_page_shows_them() -> None:
    said = distributing_statements()
    distributed = {table for table, place in PLACEMENTS.items() if place.kind != "coordinator"}
    assert {re.findall(r"'guerdon\.(\w+)'", line)[0] for line in said} == distributed
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    assert "```sql\n" + "\n".join(said) + "\n```" in page


@pytest.fixture(scope="module")
def said(ground: Ground) -> set[str]:
    """What an engine says to its database while people enrol, buy, open carts, take rewards and send back."""
    heard: set[str] = set()
    before = psycopg.Cursor.execute

    def execute(self: Any, query: Any, *about: Any, **more: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else query if isinstance(query, str) else ""
        heard.add(" ".join(text.split()))
        return before(self, query, *about, **more)

    with ground.fresh() as played, running_loop(played) as loop, pytest.MonkeyPatch.context() as patch:
        world = World(played, loop)
        # Only what the engine says: whether it is right is for the world's own tests.
        compare = world.compare
        patch.setattr(world, "check", lambda now: None)
        patch.setattr(world, "compare", lambda act, answer: (compare(act, answer)[1],) * 2)
        patch.setattr(psycopg.Cursor, "execute", execute)
        world.play(make_shop_plan(2, 200))
        assert {"return applied", "confirm applied", "redeem applied"} <= set(world.seen)
    return heard


def test_the_hot_path_names_the_accounts_that_it_is_about(said: set[str]) -> None:
    lines = [line for line in EXCEPTIONS.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    listed = {line.rpartition(" # ")[0].strip(): line.rpartition(" # ")[2] for line in lines}
    assert all(reason.strip() for reason in listed.values())
    about_accounts = {text for text in said if TOUCHES.search(text) and not text.startswith("insert into")}
    assert len(about_accounts) >= 20, "the engine was heard"
    spread = {text for text in about_accounts if not NAMED.search(text)}
    unlisted = sorted(text for text in spread if not any(text.startswith(one) for one in listed))
    assert unlisted == [], "\n".join(unlisted)
    unused = [one for one in listed if not any(text.startswith(one) for text in spread)]
    assert unused == [], "listed, and not said any more"


def test_what_is_written_names_the_account_on_the_table_itself(said: set[str]) -> None:
    """A join with `unnest` alone would lock every shard (rule 3)."""
    writes = {
        text
        for text in said
        if re.match(rf"(?:update|delete from) (?:{'|'.join(OF_ACCOUNTS)})\b", text, re.IGNORECASE)
    }
    assert len(writes) >= 5
    by_value = re.compile(r"account_id = (?:any\(|%s|\$)", re.IGNORECASE)
    assert sorted(text for text in writes if not by_value.search(text)) == []


def test_volatile_functions_and_copies_are_not_said(said: set[str]) -> None:
    volatile = re.compile(
        r"\b(?:now|random|nextval|gen_random_uuid|clock_timestamp|set_config)\s*\(|^copy |^merge ",
        re.IGNORECASE,
    )
    assert sorted(text for text in said if volatile.search(text)) == []
