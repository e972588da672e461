"""The database's roles: who owns, who acts, who looks up, who relays (docs/adr/0003-database-roles.md)."""

from __future__ import annotations

import time
from typing import Literal

import psycopg
from psycopg import sql

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx

LOGIN = "guerdon_login"
"""Login of the embedded server: may become each of the roles and has no right of its own."""
OWNER = "guerdon_owner"
SCHEMA = "guerdon"
RoleName = Literal["owner", "app", "lookup", "relay"]
ROLES: dict[RoleName, str] = {
    "owner": OWNER,
    "app": "guerdon_app",
    "lookup": "guerdon_lookup",
    "relay": "guerdon_relay",
}
_ATTEMPTS = 10
_INHERITLESS_SINCE = 160000


def ensure_roles(tx: Tx) -> None:
    """Make the roles that are missing, in the whole server.

    Args:
        tx: an autocommit connection.

    Raises:
        Problem: `database_roles_missing` when they are missing and this login may not make them.
    """
    query = "select rolname from pg_roles where rolname = any(%s)"
    held = {row[0] for row in tx.execute(query, (list(ROLES.values()),)).fetchall()}
    for name in ROLES.values():
        if name not in held:
            statement = "create role {} nologin nosuperuser nobypassrls nocreatedb nocreaterole"
            _once(tx, sql.SQL(statement).format(sql.Identifier(name)))


def grant_roles(tx: Tx, login: str) -> None:
    """Let a login become each of the roles, without inheriting their rights.

    Args:
        tx: an autocommit connection.
        login: the role that connects.

    Raises:
        Problem: `database_roles_missing` when this login may not grant them.
    """
    explicit = tx.info.server_version >= _INHERITLESS_SINCE
    kind = "SET" if explicit else "MEMBER"
    options = sql.SQL(" with inherit false, set true" if explicit else "")
    for name in ROLES.values():
        row = tx.execute("select pg_has_role(%s::name, %s::name, %s)", (login, name, kind)).fetchone()
        if row is not None and row[0]:
            continue
        statement = sql.SQL("grant {} to {}").format(sql.Identifier(name), sql.Identifier(login)) + options
        _once(tx, statement)


def ensure_schema(tx: Tx) -> None:
    """Make Guerdon's schema in this database, owned by the owner role and closed to everybody else.

    Args:
        tx: an autocommit connection whose login may become the owner role.

    Raises:
        Problem: `database_roles_missing` when this login may not make a schema.
    """
    if tx.execute("select from pg_namespace where nspname = %s", (SCHEMA,)).fetchone() is not None:
        return
    schema, owner = sql.Identifier(SCHEMA), sql.Identifier(OWNER)
    row = tx.execute("select has_database_privilege(%s, current_database(), 'CREATE')", (OWNER,)).fetchone()
    if row is not None and row[0]:
        # In a database of its own the owner makes it; elsewhere the login must be allowed to.
        tx.execute(sql.SQL("set role {}").format(owner))
    try:
        _once(tx, sql.SQL("create schema if not exists {} authorization {}").format(schema, owner))
    finally:
        tx.execute("set role none")
    with tx.transaction():
        tx.execute(sql.SQL("set local role {}").format(owner))
        for role in ("app", "lookup", "relay"):
            name = sql.Identifier(ROLES[role])
            tx.execute(sql.SQL("grant usage on schema {} to {}").format(schema, name))


def _once(tx: Tx, statement: sql.Composed) -> None:
    """Run a statement on the shared catalogue that another process may be running too."""
    for attempt in range(_ATTEMPTS):
        try:
            tx.execute(statement)
        except (
            psycopg.errors.DuplicateObject,
            psycopg.errors.DuplicateSchema,
            psycopg.errors.UniqueViolation,
        ):
            return
        except psycopg.errors.InternalError_:
            # "tuple concurrently updated": PostgreSQL's catalogue has no row locks.
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.05)
        except psycopg.errors.InsufficientPrivilege as error:
            raise Problem(
                "database_roles_missing",
                f"this database login may not run `{statement.as_string(tx)}`: let an administrator run "
                "the statements of docs/adr/0003-database-roles.md once",
            ) from error
        else:
            return
