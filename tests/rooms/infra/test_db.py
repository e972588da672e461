"""Connections under a role, transactions under a tenant, and what happens when the server goes."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.tx import Tx, set_tenant
from tests.rooms.conftest import superuser


@pytest.fixture
def notes(database: Database) -> Database:
    """The test's database with a small table that is walled by tenant."""
    with database.transaction_as("owner") as tx:
        tx.execute("create table notes (tenant_id bigint not null, word text not null)")
        tx.execute("alter table notes enable row level security")
        tx.execute("alter table notes force row level security")
        tx.execute(
            "create policy tenant on notes to guerdon_app "
            "using (tenant_id = current_setting('guerdon.tenant')::bigint)"
        )
        tx.execute("grant select, insert on notes to guerdon_app")
    return database


def write(database: Database, tenant_id: int, word: str) -> None:
    with database.transaction(tenant_id) as tx:
        tx.execute("insert into notes values (%s, %s)", (tenant_id, word))


def words(database: Database, tenant_id: int) -> list[str]:
    with database.transaction(tenant_id) as tx:
        return [row[0] for row in tx.execute("select word from notes order by word").fetchall()]


def fail(tx: Tx, error: Exception) -> None:
    tx.execute("insert into notes values (1, 'lost')")
    raise error


def dawdle(tx: Tx) -> None:
    tx.execute("set local statement_timeout = 10")
    tx.execute("select pg_sleep(60)")


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(Problem) as problem:
        run()
    return problem.value.code


def test_a_tenant_sees_its_own_rows_only(notes: Database) -> None:
    write(notes, 1, "one")
    write(notes, 2, "two")
    assert words(notes, 1) == ["one"]
    assert words(notes, 2) == ["two"]
    with pytest.raises(psycopg.errors.InsufficientPrivilege), notes.transaction(1) as tx:
        tx.execute("insert into notes values (2, 'smuggled')")


def test_a_connection_forgets_its_tenant_after_the_transaction(notes: Database) -> None:
    write(notes, 1, "one")
    with notes.connect("app") as connection:
        set_tenant(connection, 1)
        assert connection.execute("select word from notes").fetchall() == [("one",)]
        connection.commit()
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("select word from notes")


@pytest.mark.parametrize("used_before", [False, True])
def test_without_a_tenant_tables_refuse_the_application(notes: Database, used_before: bool) -> None:
    if used_before:
        write(notes, 1, "one")
    # A fresh session does not know the setting, a used one has it empty: an error both times, never rows.
    with pytest.raises(psycopg.Error), notes.transaction_as("app") as tx:
        tx.execute("select word from notes")


@pytest.mark.parametrize("wrong", [0, -1, 2**63, True, "1", "1'; drop table notes; --", 1.0, None])
def test_what_is_no_tenant_is_refused(database: Database, wrong: object) -> None:
    with pytest.raises(ValueError, match="not a tenant id"), database.transaction(wrong):  # type: ignore[arg-type]
        pass
    with database.transaction(2**63 - 1) as tx:
        assert tx.execute("show guerdon.tenant").fetchone() == (str(2**63 - 1),)


@pytest.mark.parametrize("role", ["app", "lookup", "relay", "owner"])
def test_each_role_is_itself_and_cannot_pass_the_walls(notes: Database, role: str) -> None:
    with notes.transaction_as(role) as tx:  # type: ignore[arg-type]
        row = tx.execute(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcanlogin "
            "from pg_roles where rolname = current_user"
        ).fetchone()
    assert row == (f"guerdon_{role}", False, False, False, False)


def test_the_owner_of_a_table_stands_before_the_wall_as_well(notes: Database) -> None:
    write(notes, 1, "one")
    with notes.transaction_as("owner") as tx:
        assert tx.execute("select word from notes").fetchall() == []


def test_the_application_owns_nothing_and_makes_nothing(notes: Database) -> None:
    with notes.transaction_as("app") as tx:
        owned = tx.execute("select count(*) from pg_class where relowner = current_user::regrole").fetchone()
        assert owned == (0,)
    for statement in ("create table mine (n int)", "alter table notes disable row level security"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), notes.transaction_as("app") as tx:
            tx.execute(statement)


def test_the_lookup_role_writes_nothing(database: Database) -> None:
    with database.transaction_as("lookup") as tx:
        rights = tx.execute(
            "select table_name, privilege_type from information_schema.role_table_grants "
            "where grantee = 'guerdon_lookup' and table_schema = 'guerdon'"
        ).fetchall()
    assert {right for _, right in rights} == {"SELECT"}
    assert {table for table, _ in rights} == {"tenants", "api_keys", "order_hooks"}


def test_an_error_rolls_back_and_the_connection_serves_on(notes: Database) -> None:
    with pytest.raises(KeyError), notes.transaction(1) as tx:
        fail(tx, KeyError("domain"))
    with pytest.raises(psycopg.errors.DivisionByZero), notes.transaction(1) as tx:
        tx.execute("select 1 / 0")
    assert words(notes, 1) == []


def test_a_statement_that_takes_too_long_is_not_called_an_outage(database: Database) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled), database.transaction(1) as tx:
        dawdle(tx)
    with database.transaction(1) as tx:
        assert tx.execute("show statement_timeout").fetchone() == ("1min",)


def test_after_all_connections_were_cut_the_next_transaction_works(
    server: EmbeddedPostgres, notes: Database
) -> None:
    with notes.transaction(1), notes.transaction(1), notes.transaction(1):
        pass
    with superuser(server) as connection:
        cut = connection.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = %s",
            (notes.name,),
        ).fetchone()
    assert cut is not None
    assert cut[0] >= 3
    write(notes, 1, "after")
    assert words(notes, 1) == ["after"]


def test_a_connection_lost_in_a_transaction_is_an_outage(server: EmbeddedPostgres, notes: Database) -> None:
    def lose() -> None:
        with notes.transaction(1) as tx:
            tx.execute("insert into notes values (1, 'lost')")
            with superuser(server) as connection:
                connection.execute("select pg_terminate_backend(%s)", (tx.info.backend_pid,))

    assert refused(lose) == "database_unavailable"
    assert words(notes, 1) == []


def test_a_server_that_is_not_there_is_an_outage() -> None:
    nowhere = Database(make_conninfo(host="/nonexistent", dbname="guerdon", user="guerdon_login"))
    assert refused(nowhere.connect) == "database_unavailable"


def test_a_password_stays_out_of_what_is_said(server: EmbeddedPostgres) -> None:
    wrong = Database(make_conninfo(server.dsn(), password="a-secret-word"))
    with pytest.raises(Problem) as problem:
        wrong.connect()
    assert "a-secret-word" not in f"{problem.value} {problem.value.__cause__} {wrong!r}"


def test_a_pipeline_carries_the_tenant(notes: Database) -> None:
    with notes.connect() as connection, connection.pipeline():
        set_tenant(connection, 3)
        connection.execute("insert into notes values (3, 'piped')")
        connection.commit()
    assert words(notes, 3) == ["piped"]
