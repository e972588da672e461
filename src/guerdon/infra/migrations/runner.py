"""The one way to bring a database to the newest schema: roles, schema, revisions, in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from guerdon.base.errors import Problem
from guerdon.infra.roles import OWNER, SCHEMA, ensure_roles, ensure_schema, grant_roles
from guerdon.infra.tx import Tx

VERSIONS = Path(__file__).parent / "versions"
_LOCK = 0x677565726D696772  # "guermigr": one migration of a database at a time


def migrate(
    conninfo: str, *, progress: Callable[[str], None] | None = None, versions: Path = VERSIONS
) -> list[str]:
    """Bring a database to the newest migration; safe when several processes do so at once.

    Args:
        conninfo: libpq string or URL of a login that may become the owner role, or make the roles.
        progress: told in a short sentence what is being done.
        versions: folder of revisions: `NNNN_name.sql`, each with its `NNNN_name.py`.

    Returns:
        The revisions applied, oldest first; empty when there was nothing to do.

    Raises:
        Problem: `database_unavailable`, `database_roles_missing`, `migration_failed`, `migration_unknown`
            for a database that is newer than this program.
    """
    wanted = known_revisions(versions)
    try:
        connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise Problem("database_unavailable", "the database to migrate does not answer") from error
    with connection:
        with _alone(connection):
            _prepare(connection)
            _become_owner(connection)
            at = current_revision(connection)
            missing = _after(wanted, at)
            if missing:
                if progress is not None:
                    progress(f"bringing the schema from {at or 'nothing'} to {missing[-1]}")
                _upgrade(connection, versions)
        return missing


def known_revisions(versions: Path = VERSIONS) -> list[str]:
    """List the revisions that this program has.

    Args:
        versions: their folder.

    Returns:
        Their numbers, oldest first.

    Raises:
        Problem: `migration_failed` for an SQL file without its revision, or a gap in the numbers.
    """
    names = sorted(path.stem for path in versions.glob("[0-9]*.py"))
    strays = {path.stem for path in versions.glob("[0-9]*.sql")} - set(names)
    if strays:
        raise Problem(
            "migration_failed", f"SQL files without a revision beside them: {', '.join(sorted(strays))}"
        )
    numbers = [name.split("_", 1)[0] for name in names]
    if numbers != [f"{n:04d}" for n in range(1, len(numbers) + 1)]:
        raise Problem("migration_failed", f"revisions must be numbered 0001, 0002, …: {', '.join(names)}")
    return numbers


def current_revision(tx: Tx) -> str | None:
    """Read which revision a database is at.

    Args:
        tx: a connection that may read the version table.

    Returns:
        Its number, None for an empty schema.
    """
    table = tx.execute("select to_regclass(%s)", (f"{SCHEMA}.schema_version",)).fetchone()
    if table is None or table[0] is None:
        return None
    statement = sql.SQL("select version_num from {}.schema_version").format(sql.Identifier(SCHEMA))
    row = tx.execute(statement).fetchone()
    return str(row[0]) if row else None


def _after(wanted: list[str], at: str | None) -> list[str]:
    if at is None:
        return wanted
    if at not in wanted:
        raise Problem(
            "migration_unknown",
            f"the database is at revision {at}, which this program does not know: use a newer program",
        )
    return wanted[wanted.index(at) + 1 :]


def _prepare(connection: Tx) -> None:
    ensure_roles(connection)
    grant_roles(connection, connection.info.user)
    ensure_schema(connection)


def _become_owner(connection: Tx) -> None:
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(OWNER)))
    connection.execute(sql.SQL("set search_path = {}").format(sql.Identifier(SCHEMA)))
    # A migration that waits for a lock stops everybody behind it: better to fail and be run again.
    connection.execute("set lock_timeout = '10s'")


@contextmanager
def _alone(connection: Tx) -> Iterator[None]:
    connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def _upgrade(connection: Tx, versions: Path) -> None:
    # Alembic and SQLAlchemy take a third of a second to import, and a quiet start does not need them.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    connection.autocommit = False
    try:
        engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool)
        with engine.connect() as bound:
            config.attributes["connection"] = bound
            command.upgrade(config, "head")
            bound.commit()
            # The engine must not close our connection: the lock lives in it.
            bound.detach()
    finally:
        if not connection.closed:
            connection.rollback()
            connection.autocommit = True
