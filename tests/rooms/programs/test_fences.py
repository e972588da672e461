"""Tenants are fenced off from each other in each table that there is, whoever made it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.tx import Tx
from tests.rooms.conftest import superuser
from tests.rooms.places import make_tenant

NOT_OURS = {"schema_version"}
RELAYS_OWN = {"relay_cursors"}
"""What the relay alone may touch, as it reads the outbox of all tenants; no tenant has rows in it."""
HOT = {
    *("accounts", "members", "name_words", "metric_buckets", "account_counters", "tiers", "badges"),
    *("rollup_buyers", "quiz_attempts", "raffle_tickets", "challenge_progress", "post_days", "share_joins"),
    *("referrals", "referral_completions"),
}
"""Distributed by account on a cluster; identities and shared_counters are keyed by what is shared."""

TABLES = """
select c.oid::regclass::text, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner),
  (select a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
   from pg_attribute a where a.attrelid = c.oid and a.attnum = 1)
from pg_class c
where c.relnamespace = 'guerdon'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by 1
"""
POLICIES = """
select tablename, policyname, roles, cmd, permissive, qual, with_check
from pg_policies where schemaname = 'guerdon'
"""


def tables(tx: Tx) -> list[str]:
    return [row[0] for row in tx.execute(TABLES) if row[0] not in NOT_OURS]


def all_of(table: str) -> sql.Composed:
    return sql.SQL("select * from {}").format(sql.Identifier(table))


def test_each_table_is_fenced(database: Database) -> None:
    with database.transaction_as("app") as tx:
        rows = [row for row in tx.execute(TABLES) if row[0] not in NOT_OURS]
        policies = tx.execute(POLICIES).fetchall()
    assert len(rows) >= 14
    assert [row[0] for row in rows if not (row[1] and row[2])] == [], "row-level security, for the owner too"
    assert {row[3] for row in rows} == {"guerdon_owner"}
    assert {row[0]: row[4] for row in rows if row[4] != "tenant_id bigint true"} == {}
    own = "(tenant_id = (current_setting('guerdon.tenant'::text))::bigint)"
    for name in (row[0] for row in rows if row[0] not in RELAYS_OWN):
        fences = [policy for policy in policies if policy[0] == name and "guerdon_app" in policy[2]]
        assert [(fence[3], fence[5], fence[6] or own) for fence in fences] == [("ALL", own, own)], name


def test_the_relays_own_tables_are_closed_to_the_app(database: Database) -> None:
    for name in RELAYS_OWN:
        with database.transaction(5) as tx, pytest.raises(psycopg.errors.InsufficientPrivilege):
            tx.execute(all_of(name))


def test_hot_tables_have_the_account_in_each_key(database: Database) -> None:
    query = """
    select k.conrelid::regclass::text, k.conname from pg_constraint k
    where k.connamespace = 'guerdon'::regnamespace and k.contype in ('p', 'u', 'x', 'f')
      and k.conrelid::regclass::text = any(%s::text[])
      and not exists (select from pg_attribute a
                      where a.attrelid = k.conrelid and a.attname = 'account_id' and a.attnum = any(k.conkey))
    """
    with database.transaction_as("app") as tx:
        assert tx.execute(query, (sorted(HOT),)).fetchall() == []
        others = "select c.relname from pg_class c where c.oid = any(%s::regclass[])"
        assert {row[0] for row in tx.execute(others, (sorted(HOT),))} == HOT


def test_open_policies_are_few_and_only_for_reading(database: Database) -> None:
    with database.transaction_as("app") as tx:
        policies = tx.execute(POLICIES).fetchall()
    wide = {(name, roles[0], command) for name, _, roles, command, _, qual, _ in policies if qual == "true"}
    assert {entry for entry in wide if entry[1] == "guerdon_lookup"} == {
        ("api_keys", "guerdon_lookup", "SELECT"),
        # A call to an order hook carries no key: the hook's number tells whose it is.
        ("order_hooks", "guerdon_lookup", "SELECT"),
        # An address that a member shared carries none either; the role reads its code and tenant alone.
        ("shares", "guerdon_lookup", "SELECT"),
        ("tenants", "guerdon_lookup", "SELECT"),
    }
    assert {entry[1] for entry in wide} <= {"guerdon_lookup", "guerdon_relay"}


def test_the_app_owns_nothing_and_passes_no_fence(database: Database) -> None:
    with database.transaction_as("app") as tx:
        owned = tx.execute(
            "select count(*) from pg_class where relowner = 'guerdon_app'::regrole"
            " union all select count(*) from pg_proc where proowner = 'guerdon_app'::regrole"
            " union all select count(*) from pg_namespace where nspowner = 'guerdon_app'::regrole"
        ).fetchall()
        rights = tx.execute(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles"
            " where rolname = 'guerdon_app'"
        ).fetchone()
        member_of = tx.execute(
            "select count(*) from pg_auth_members where member = 'guerdon_app'::regrole"
        ).fetchone()
    assert owned == [(0,), (0,), (0,)]
    assert rights == (False, False, False, False)
    assert member_of == (0,)


def test_no_function_runs_with_the_rights_of_another(database: Database) -> None:
    with database.transaction_as("app") as tx:
        query = "select proname from pg_proc where pronamespace = 'guerdon'::regnamespace and prosecdef"
        assert tx.execute(query).fetchall() == []
        views = (
            "select relname from pg_class"
            " where relnamespace = 'guerdon'::regnamespace and relkind in ('v', 'm')"
        )
        assert tx.execute(views).fetchall() == [], "a view reads with the rights of its owner"


def test_without_a_tenant_there_is_an_error_and_never_a_row(database: Database) -> None:
    make_tenant(database)
    with database.transaction_as("app") as tx:
        names = tables(tx)
    for name in names:
        with database.transaction_as("app") as tx, pytest.raises(psycopg.Error) as caught:
            tx.execute(all_of(name)).fetchall()
        assert isinstance(
            caught.value,
            psycopg.errors.UndefinedObject
            | psycopg.errors.InvalidTextRepresentation
            | psycopg.errors.InsufficientPrivilege,
        ), name


def test_the_lookup_role_reads_tenants_keys_and_hooks_alone(database: Database) -> None:
    with database.transaction_as("lookup") as tx:
        names = tables(tx)
    readable = set()
    for name in names:
        with database.transaction_as("lookup") as tx:
            try:
                tx.execute(all_of(name)).fetchall()
                readable.add(name)
            except psycopg.errors.InsufficientPrivilege:
                tx.rollback()
    assert readable == {"tenants", "api_keys", "order_hooks"}
    with database.transaction_as("lookup") as tx, pytest.raises(psycopg.errors.InsufficientPrivilege):
        tx.execute("update api_keys set revoked_at = null")


VALUES = {
    "boolean": "true",
    "uuid": "'00000000-0000-7000-8000-000000000001'",
    "jsonb": "'{}'",
    "json": "'{}'",
    "date": "'2026-11-21'",
    "pg_snapshot": "'7:7:'",
    "timestamp with time zone": "'2026-11-21'",
}


def value_of(kind: str) -> str:
    return VALUES.get(kind, "'{}'" if kind.endswith("[]") else "'7'")


COLUMNS = """
select c.oid::regclass::text,
  array_agg(array[a.attname::text, format_type(a.atttypid, a.atttypmod)] order by a.attnum)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 1 and not a.attisdropped
where c.relnamespace = 'guerdon'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and a.attgenerated = '' and a.attidentity = ''
group by c.oid
"""
CHECKS = """
select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
where connamespace = 'guerdon'::regnamespace and contype = 'c'
"""


def plant(server: EmbeddedPostgres, database: Database, tenant_id: int) -> list[str]:
    """Put one row of a tenant into each table, whatever it means."""
    name = str(conninfo_to_dict(database.conninfo)["dbname"])
    with superuser(server, name) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("set search_path = guerdon")
        for (statement,) in connection.execute(CHECKS).fetchall():
            connection.execute(statement)
        planted = []
        for table, columns in connection.execute(COLUMNS).fetchall():
            if table in NOT_OURS | RELAYS_OWN:
                continue
            names = sql.SQL(", ").join(
                [sql.Identifier("tenant_id"), *(sql.Identifier(c[0]) for c in columns)]
            )
            values = ", ".join([str(tenant_id), *(value_of(kind) for _, kind in columns)])
            statement = sql.SQL("insert into {} ({}) values ({})")
            connection.execute(statement.format(sql.Identifier(table), names, sql.SQL(values)))
            planted.append(table)
    return sorted(planted)


def test_a_row_of_another_tenant_is_neither_seen_nor_touched_in_any_table(
    server: EmbeddedPostgres, database: Database
) -> None:
    other = make_tenant(database, "other")
    planted = plant(server, database, 5)
    with database.transaction_as("app") as tx:
        assert planted == sorted(set(tables(tx)) - RELAYS_OWN)
    counted = sql.SQL("select count(*) from {} where tenant_id = 5")
    attempts = [sql.SQL("delete from {}"), sql.SQL("update {} set tenant_id = tenant_id")]
    seen: set[str] = set()
    touched: set[str] = set()
    for table in planted:
        name = sql.Identifier(table)
        with database.transaction(5) as tx:
            assert tx.execute(counted.format(name)).fetchone() == (1,), table
        with database.transaction(other) as tx:
            if tx.execute(counted.format(name)).fetchone() != (0,):
                seen.add(table)
        for attempt in attempts:
            with database.transaction(other) as tx:
                try:
                    if tx.execute(attempt.format(name)).rowcount:
                        touched.add(table)
                except psycopg.errors.InsufficientPrivilege:
                    pass
                tx.rollback()
    assert seen == set()
    assert touched <= {"tenants"}, "the one row that the other tenant has is its own"
