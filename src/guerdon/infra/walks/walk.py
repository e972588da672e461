"""A walk through a table in order of account: rows stream by, and few are in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import Cursor, DataError
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader

from guerdon.infra.tx import Tx

_PAGE = 500

_NO_INSTANT = datetime.min.replace(tzinfo=UTC)

Row = tuple[Any, ...]


class _EveryInstant(TimestamptzLoader):
    """Reads what PostgreSQL can store and Python cannot as an instant that nobody ever meant."""

    def load(self, data: Buffer) -> datetime:
        try:
            return super().load(data)
        except DataError:
            return _NO_INSTANT


def read_every_instant(cursor: Cursor[Any]) -> None:
    """Let a damaged instant, such as `infinity`, be found like any other damage instead of ending the walk.

    Args:
        cursor: changed in place.
    """
    cursor.adapters.register_loader("timestamptz", _EveryInstant)


class Walk:
    """Rows that begin with their account, in its order."""

    def __init__(self, tx: Tx, table: str, statement: str, arguments: Sequence[Any] = ()) -> None:
        """Begin a walk with a cursor of the server's.

        Args:
            tx: the transaction; repeatable read where others are writing.
            table: what the rows are called in findings; each walk of a transaction has another one.
            statement: a query whose first column is the account, ordered by it.
            arguments: of the statement.
        """
        self.table = table
        self.count = 0
        """Rows that were gone by."""
        self._cursor = tx.cursor(name=f"walk_{table}")
        read_every_instant(self._cursor)
        self._cursor.itersize = _PAGE
        self._rows = iter(self._cursor.execute(statement, arguments))
        self._head = next(self._rows, None)

    def close(self) -> None:
        """End the walk, wherever it is."""
        self._cursor.close()

    @property
    def head(self) -> Row | None:
        """The row that comes next, None at the end."""
        return self._head

    def take(self) -> Row:
        """Go by one row.

        Returns:
            The row that was the head.

        Raises:
            AssertionError: at the end.
        """
        row = self._head
        assert row is not None, "the walk is over"
        self._head = next(self._rows, None)
        self.count += 1
        return row

    def before(self, account_id: int) -> Iterator[Row]:
        """Go by the rows of accounts that come earlier.

        Args:
            account_id: where to stop.

        Yields:
            Rows that nobody asked for.
        """
        while self._head is not None and self._head[0] < account_id:
            yield self.take()

    def of(self, account_id: int) -> Iterator[Row]:
        """Go by the rows of one account.

        Args:
            account_id: whose; the walk must stand at it or behind it.

        Yields:
            Its rows.
        """
        while self._head is not None and self._head[0] == account_id:
            yield self.take()

    def rest(self) -> Iterator[Row]:
        """Go by all that is left.

        Yields:
            Rows.
        """
        while self._head is not None:
            yield self.take()
