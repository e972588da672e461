"""The migrations runner: SQL files into a database, once, whole, in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from guerdon.base.errors import Problem
from guerdon.infra.db import open_database
from guerdon.infra.migrations import migrate
from guerdon.infra.migrations.runner import VERSIONS, known_revisions
from guerdon.infra.migrations.statements import split_statements
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.settings import load_settings
from tests.rooms.conftest import create_database, drop_database, superuser

TWIN = """
from guerdon.infra.migrations.sqlfile import run_beside

revision = "{number}"
down_revision = {before}


def upgrade() -> None:
    run_beside(__file__)
"""


class Revisions:
    """A folder of revisions of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def add(self, text: str) -> None:
        before = repr(f"{self.count:04d}") if self.count else None
        self.count += 1
        stem = self.folder / f"{self.count:04d}_step"
        stem.with_suffix(".sql").write_text(text)
        stem.with_suffix(".py").write_text(TWIN.format(number=f"{self.count:04d}", before=before))


@pytest.fixture
def revisions(tmp_path: Path) -> Revisions:
    return Revisions(tmp_path)


@pytest.fixture
def empty(server: EmbeddedPostgres) -> Iterator[str]:
    """A database without anything in it."""
    create_database(server, "empty", "template0")
    yield "empty"
    drop_database(server, "empty")


def tables(server: EmbeddedPostgres, name: str) -> set[str]:
    with superuser(server, name) as connection:
        rows = connection.execute(
            "select tablename, tableowner from pg_tables where schemaname = 'guerdon'"
        ).fetchall()
    assert {owner for _, owner in rows} <= {"guerdon_owner"}
    return {table for table, _ in rows} - {"schema_version"}


def test_it_applies_what_is_missing_and_nothing_twice(
    server: EmbeddedPostgres, empty: str, revisions: Revisions
) -> None:
    dsn, said = server.dsn(database=empty), list[str]()
    revisions.add("create table a (n int); insert into a values (1); -- 50 % done")
    assert migrate(dsn, versions=revisions.folder, progress=said.append) == ["0001"]
    assert migrate(dsn, versions=revisions.folder, progress=said.append) == []
    revisions.add("create table b (n int)")
    revisions.add("create table c (n int);")
    assert migrate(dsn, versions=revisions.folder, progress=said.append) == ["0002", "0003"]
    assert tables(server, empty) == {"a", "b", "c"}
    assert said == ["bringing the schema from nothing to 0001", "bringing the schema from 0001 to 0003"]


def test_a_failing_revision_leaves_the_ones_before_and_nothing_of_itself(
    server: EmbeddedPostgres, empty: str, revisions: Revisions
) -> None:
    revisions.add("create table a (n int);")
    revisions.add("-- two\ncreate table b (n int);\n\ncreate table a (n int);\n")
    with pytest.raises(Problem) as failed:
        migrate(server.dsn(database=empty), versions=revisions.folder)
    assert failed.value.code == "migration_failed"
    assert "0002_step.sql, line 4" in failed.value.detail
    assert tables(server, empty) == {"a"}
    (revisions.folder / "0002_step.sql").write_text("create table b (n int);")
    assert migrate(server.dsn(database=empty), versions=revisions.folder) == ["0002"]


def test_two_at_once_apply_each_revision_once(
    server: EmbeddedPostgres, empty: str, revisions: Revisions
) -> None:
    revisions.add("create table a (n int); select pg_sleep(0.3);")
    revisions.add("create table b (n int);")
    applied: list[list[str]] = []

    def run() -> None:
        applied.append(migrate(server.dsn(database=empty), versions=revisions.folder))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [[], [], ["0001", "0002"]]


def test_a_database_of_a_newer_program_is_left_alone(
    server: EmbeddedPostgres, empty: str, revisions: Revisions
) -> None:
    revisions.add("create table a (n int);")
    revisions.add("create table b (n int);")
    migrate(server.dsn(database=empty), versions=revisions.folder)
    for file in revisions.folder.glob("0002*"):
        file.unlink()
    with pytest.raises(Problem) as refused:
        migrate(server.dsn(database=empty), versions=revisions.folder)
    assert refused.value.code == "migration_unknown"


def test_files_without_their_place_are_refused(revisions: Revisions) -> None:
    revisions.add("select 1")
    (revisions.folder / "0002_lost.sql").write_text("select 1")
    with pytest.raises(Problem, match="0002_lost"):
        known_revisions(revisions.folder)
    (revisions.folder / "0002_lost.sql").rename(revisions.folder / "0003_step.sql")
    (revisions.folder / "0003_step.py").write_text("")
    with pytest.raises(Problem, match="numbered"):
        known_revisions(revisions.folder)


def test_our_own_revisions_are_whole() -> None:
    assert known_revisions()
    for path in VERSIONS.glob("*.sql"):
        assert split_statements(path.read_text(encoding="utf-8")), path.name


def test_every_table_is_walled_for_its_owner_too(server: EmbeddedPostgres, template: str) -> None:
    with superuser(server, "postgres") as connection:
        connection.execute(f"create database walls template {template}")
    with superuser(server, "walls") as connection:
        open_tables = connection.execute(
            "select relname from pg_class c join pg_namespace n on n.oid = relnamespace "
            "where nspname = 'guerdon' and relkind in ('r', 'p') and relname <> 'schema_version' "
            "and not (relrowsecurity and relforcerowsecurity) and not relispartition"
        ).fetchall()
    drop_database(server, "walls")
    assert open_tables == []


@pytest.fixture
def hosted(server: EmbeddedPostgres) -> Iterator[str]:
    """A database as a hosting company gives it: its owner may make roles and is no superuser."""
    with superuser(server) as connection:
        connection.execute("create role hosted login createrole noinherit password 'x'")
        # The roles are there already: of a login that had made them itself, PostgreSQL would think the same.
        connection.execute(
            "grant guerdon_owner, guerdon_app, guerdon_lookup, guerdon_relay to hosted "
            "with admin true, set false"
        )
        connection.execute("create database hosted owner hosted template template0")
    yield make_conninfo(server.dsn(database="hosted"), user="hosted", password="x")
    with superuser(server) as connection:
        connection.execute("drop database hosted with (force)")
        connection.execute("drop owned by hosted cascade")
        connection.execute("drop role hosted")


def test_a_served_database_needs_no_superuser(hosted: str, tmp_path: Path) -> None:
    settings = load_settings(database_url=hosted, data=tmp_path / "unused")
    with open_database(settings) as database:
        assert database.embedded is None
        with database.transaction(1) as tx:
            row = tx.execute("select current_user, session_user, count(*) from tenants").fetchone()
        assert row == ("guerdon_app", "hosted", 0)
    assert not (tmp_path / "unused").exists()


def test_a_login_without_the_roles_is_told_what_to_do(server: EmbeddedPostgres, empty: str) -> None:
    with superuser(server) as connection:
        connection.execute("create role weak login password 'x'")
    try:
        with pytest.raises(Problem) as refused:
            migrate(make_conninfo(server.dsn(database=empty), user="weak", password="x"))
        assert refused.value.code == "database_roles_missing"
        assert "grant" in refused.value.detail
    finally:
        with superuser(server) as connection:
            connection.execute("drop role weak")


def test_a_refused_database_stops_the_server_that_was_started_for_it(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        migrate(server.dsn())
        with superuser(server, "guerdon") as connection:
            connection.execute("update guerdon.schema_version set version_num = '9999'")
        first = server.pid
    with pytest.raises(Problem) as refused:
        open_database(load_settings(data=tmp_path))
    assert refused.value.code == "migration_unknown"
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        assert server.pid not in (None, first)


def test_a_server_that_does_not_answer_is_an_outage() -> None:
    with pytest.raises(Problem) as refused:
        migrate(make_conninfo(host="/nonexistent", user="x", dbname="x"))
    assert refused.value.code == "database_unavailable"


def test_semicolons_count_only_where_a_command_ends() -> None:
    source = """
    -- first; not this
    create table a (t text default 'x;''y', "odd;name" int /* ; /* nested ; */ */);
    create function f() returns int language plpgsql as $body$ begin return 1; end; $body$;

    select E'it\\'s; here', $$;$$, $1;
    create rule r as on insert to a do also (select 1; select 2);
    -- the end;
    """
    assert [(s.text.split()[1], s.line) for s in split_statements(source)] == [
        ("table", 3),
        ("function", 4),
        ("E'it\\'s;", 6),
        ("rule", 7),
    ]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("select 1;\n select $$ open", 2),
        ("/* open", 1),
        ("select 'open; select 1", 1),
        ('select 1;\n"open', 2),
    ],
)
def test_what_is_left_open_is_an_error(source: str, line: int) -> None:
    with pytest.raises(ValueError, match=f"line {line}: .* not closed"):
        split_statements(source)


def test_a_function_body_without_quotes_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2: write the function's body in dollar quotes"):
        split_statements("create function f() returns int\nBEGIN  ATOMIC select 1; end;")


PIECES = st.sampled_from(
    [
        "select 1",
        "select 'a;b'",
        'select ";"',
        "select $x$;$x$",
        "do $$ begin; end $$",
        "select (1)",
        "select E'\\';'",
    ]
)


@given(st.lists(PIECES, min_size=1), st.sampled_from([";", ";\n", " ;-- ;\n", "; /* ; */ "]))
def test_what_was_joined_is_cut_again(pieces: list[str], joint: str) -> None:
    assert [statement.text for statement in split_statements(joint.join(pieces))] == pieces


def test_each_statement_runs_alone(server: EmbeddedPostgres, empty: str, revisions: Revisions) -> None:
    # Two commands in one message would both fail here: the second sees what the first has made.
    revisions.add(
        "create table a (n int);\ninsert into a values (1), (2);\nselect 100 % 7, '%s', '%(x)s' from a;"
    )
    migrate(server.dsn(database=empty), versions=revisions.folder)
    with psycopg.connect(server.dsn("superuser", empty)) as connection:
        assert connection.execute("select sum(n) from guerdon.a").fetchone() == (3,)
