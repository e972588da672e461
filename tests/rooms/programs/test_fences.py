"""Tenants are fenced off from each other in each table that there is, whoever made it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from tests.rooms.places import make_tenant

NOT_OURS = {"schema_version"}
HOT = {"accounts", "members", "name_words", "metric_buckets", "account_counters", "tiers", "badges"}
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
    for name in (row[0] for row in rows):
        fences = [policy for policy in policies if policy[0] == name and "guerdon_app" in policy[2]]
        assert [(fence[3], fence[5], fence[6] or own) for fence in fences] == [("ALL", own, own)], name


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


def test_the_lookup_role_reads_tenants_and_keys_alone(database: Database) -> None:
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
    assert readable == {"tenants", "api_keys"}
    with database.transaction_as("lookup") as tx, pytest.raises(psycopg.errors.InsufficientPrivilege):
        tx.execute("update api_keys set revoked_at = null")
