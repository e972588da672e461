"""The database as rooms get it: connections under a role, transactions under a tenant."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import psycopg
import structlog
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from guerdon.base.errors import Problem
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.roles import ROLES, SCHEMA, RoleName
from guerdon.infra.settings import Settings
from guerdon.infra.tx import Tx, set_tenant

_LOG = structlog.get_logger(__name__)
_PREPARE_AFTER = 2  # runs of the same text on one connection
_POOL_WAIT_SECONDS = 10.0
# Shorter than the wait: once the pool has given up, the next caller makes it try at once instead of in its
# ever longer pauses.
_RECONNECT_SECONDS = 6.0
_CONNECT_SECONDS = 10
_LOCK_TIMEOUT = "5s"
_STATEMENT_TIMEOUT = "60s"
_IDLE_TIMEOUT = "120s"


class Database:
    """One PostgreSQL database with Guerdon's schema."""

    def __init__(
        self, conninfo: str, *, pool_size: int = 8, embedded: EmbeddedPostgres | None = None
    ) -> None:
        """Describe a database; nothing is opened before the first use.

        Args:
            conninfo: libpq string or URL of a login that may become Guerdon's roles.
            pool_size: most connections kept for short transactions, by role.
            embedded: the server to stop at `close`, when it is ours.
        """
        self.conninfo = _with_defaults(conninfo)
        self.embedded = embedded
        self._pool_size = pool_size
        self._pools: dict[RoleName, ConnectionPool[Tx]] = {}
        self._guard = threading.Lock()

    @property
    def name(self) -> str:
        """The database's name at its server."""
        given = conninfo_to_dict(self.conninfo)
        return str(given.get("dbname") or given.get("user") or "")

    def connect(self, role: RoleName = "app") -> Tx:
        """Open a connection of one's own, as a long-lived writer wants it.

        Args:
            role: `app`, `lookup`, `relay`, or `owner` for migrations.

        Returns:
            A connection outside of a transaction, autocommit off, that the caller closes.

        Raises:
            Problem: `database_unavailable` when the server does not answer.
        """
        try:
            connection = psycopg.connect(self.conninfo, prepare_threshold=_PREPARE_AFTER)
        except psycopg.OperationalError as error:
            raise _unavailable(error) from error
        try:
            become(connection, role)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def transaction(self, tenant_id: int) -> Iterator[Tx]:
        """Run a short transaction of one tenant: committed at the end, rolled back on an error.

        Args:
            tenant_id: whose rows it sees.

        Yields:
            The transaction, under the application's role.

        Raises:
            Problem: `database_unavailable` when no connection can be had.
        """
        with self._begun("app", lambda tx: set_tenant(tx, tenant_id)) as tx:
            yield tx

    @contextmanager
    def transaction_as(self, role: RoleName) -> Iterator[Tx]:
        """Run a short transaction without a tenant, for key lookup, relay and upkeep.

        Args:
            role: the role whose rights it has; under `app` every table of tenants refuses it.

        Yields:
            The transaction.

        Raises:
            Problem: `database_unavailable` when no connection can be had.
        """
        with self._begun(role, _touch) as tx:
            yield tx

    def close(self) -> None:
        """Close all pooled connections, and stop the embedded server if there is one."""
        with self._guard:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()
        if self.embedded is not None:
            self.embedded.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _begun(self, role: RoleName, begin: Callable[[Tx], None]) -> Iterator[Tx]:
        pool = self._pool(role)
        tx = self._first_alive(pool, begin)
        try:
            yield tx
            tx.commit()
        except psycopg.OperationalError as error:
            if tx.closed:
                # In a commit this leaves open whether it took place: callers come again, under the same key.
                raise _unavailable(error) from error
            tx.rollback()
            raise
        except BaseException:
            if not tx.closed:
                tx.rollback()
            raise
        finally:
            pool.putconn(tx)

    def _first_alive(self, pool: ConnectionPool[Tx], begin: Callable[[Tx], None]) -> Tx:
        # After a restart of the server every idle connection is dead: each is found out by its own first
        # statement, before anything has been done, so that no check costs a round trip in quiet times.
        for attempt in range(self._pool_size + 1):
            try:
                tx = pool.getconn(_POOL_WAIT_SECONDS)
            except PoolTimeout as error:
                raise _unavailable(error) from error
            try:
                begin(tx)
            except psycopg.OperationalError as error:
                lost = tx.broken
                pool.putconn(tx)
                if not lost or attempt == self._pool_size:
                    raise _unavailable(error) from error
            except BaseException:
                pool.putconn(tx)
                raise
            else:
                return tx
        raise Problem("database_unavailable", "no living connection")

    def _pool(self, role: RoleName) -> ConnectionPool[Tx]:
        with self._guard:
            if role not in self._pools:
                self._pools[role] = ConnectionPool(
                    self.conninfo,
                    kwargs={"prepare_threshold": _PREPARE_AFTER},
                    min_size=1,
                    max_size=self._pool_size,
                    reconnect_timeout=_RECONNECT_SECONDS,
                    configure=lambda connection: become(connection, role),
                    name=f"guerdon-{role}",
                    open=True,
                )
            return self._pools[role]


def open_database(settings: Settings, progress: Callable[[str], None] | None = None) -> Database:
    """Open the configured database, starting the embedded server and migrating where needed.

    Args:
        settings: where the database is, or the folder for an embedded one.
        progress: told in short sentences what a slow start is doing.

    Returns:
        The database, at the newest migration; `close` stops what was started.

    Raises:
        Problem: what `EmbeddedPostgres.start` and `migrate` raise, or `database_unavailable`.
    """
    url = settings.database_url
    embedded = None if url else EmbeddedPostgres(settings.data, progress=progress).start()
    try:
        conninfo = url.get_secret_value() if url else embedded.dsn() if embedded else ""
        migrate(conninfo, progress=progress)
    except BaseException:
        if embedded is not None:
            embedded.stop()
        raise
    return Database(conninfo, pool_size=settings.pool_size, embedded=embedded)


def become(connection: Tx, role: RoleName) -> None:
    """Give a fresh connection its role, search path and time limits.

    Args:
        connection: outside of a transaction; left outside of one.
        role: what it becomes.
    """
    statements = [
        sql.SQL("set role {}").format(sql.Identifier(ROLES[role])),
        sql.SQL("set search_path = {}").format(sql.Identifier(SCHEMA)),
        sql.SQL("set timezone = 'UTC'"),
        sql.SQL("set lock_timeout = {}").format(_LOCK_TIMEOUT),
        sql.SQL("set application_name = {}").format(f"guerdon {role}"),
    ]
    if role != "owner":
        statements.append(sql.SQL("set statement_timeout = {}").format(_STATEMENT_TIMEOUT))
        statements.append(sql.SQL("set idle_in_transaction_session_timeout = {}").format(_IDLE_TIMEOUT))
    connection.execute(sql.SQL("; ").join(statements), prepare=False)
    connection.commit()


def _touch(tx: Tx) -> None:
    tx.execute("select 1")


def _with_defaults(conninfo: str) -> str:
    given = conninfo_to_dict(conninfo)
    defaults = {"connect_timeout": _CONNECT_SECONDS, "keepalives_idle": 30, "keepalives_interval": 10}
    return make_conninfo(conninfo, **{name: value for name, value in defaults.items() if name not in given})


def _unavailable(error: Exception) -> Problem:
    # libpq's words may name host and user, never the password; they are for the log, not for the caller.
    _LOG.warning("database_unavailable", error=str(error).strip())
    return Problem("database_unavailable", "the database does not answer; try again in a moment")
