"""PostgreSQL's own programs that write a database out and in again."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from guerdon.base.errors import Problem
from guerdon.infra.postgres.binaries import find_binaries
from guerdon.infra.roles import SCHEMA
from guerdon.infra.tx import Tx

_PIECE: Final = 1 << 18
_WORDS_KEPT: Final = 20
_TABLE: Final = re.compile(rf'dumping contents of table "{SCHEMA}\.([^"]+)"')
_SIZES: Final = """
select c.relname, pg_table_size(c.oid) from pg_class c
where c.relnamespace = to_regnamespace(%s) and c.relkind = 'r'
"""
_MAY_SEE_ALL: Final = "select rolsuper or rolbypassrls, rolname from pg_roles where rolname = current_user"


@dataclass(frozen=True, slots=True)
class Dumping:
    """What a dump is taken of: one snapshot, which lives as long as the transaction that made it."""

    conninfo: str
    snapshot: str
    major: int
    """The server's major version; the program must not be older."""
    sizes: Mapping[str, int]
    """Bytes on disk by table, for whoever wants to see how far it is."""


def dumped_from(tx: Tx, conninfo: str) -> Dumping:
    """Describe a dump of what a transaction sees.

    Args:
        tx: repeatable read, of a login that no row-level security holds back; it stays open meanwhile.
        conninfo: how to connect as that login.

    Returns:
        The description.

    Raises:
        Problem: `backup_not_allowed` for a login that would see no row of any tenant.
    """
    row = tx.execute(_MAY_SEE_ALL).fetchone()
    if row is None or not row[0]:
        name = row[1] if row is not None else tx.info.user
        detail = (
            f"row-level security holds the login {name} back, as it should: give this command "
            "a login of its own that sees everything (docs/backup.md has the statements)"
        )
        raise Problem("backup_not_allowed", detail)
    snapshot = tx.execute("select pg_export_snapshot()").fetchall()[0][0]
    sizes: dict[str, int] = dict(tx.execute(_SIZES, (SCHEMA,)).fetchall())
    return Dumping(conninfo, snapshot, tx.info.server_version // 10_000, sizes)


def dump_pieces(dumping: Dumping, told: Callable[[int], None]) -> Iterator[bytes]:
    """Run `pg_dump` and give what it writes.

    Args:
        dumping: of what.
        told: how many bytes of tables were finished more.

    Yields:
        Pieces of an archive in PostgreSQL's custom format, compressed.

    Raises:
        Problem: `postgres_not_found`, `backup_failed` with the program's own words.
    """
    # No lock is waited for long: a migration that runs ends the backup instead of being held up by it.
    arguments = ["--format=custom", "--compress=3", "--no-sync", "--verbose", f"--schema={SCHEMA}"]
    arguments += ["--lock-wait-timeout=30s", f"--snapshot={dumping.snapshot}"]
    words = _Words(dumping.sizes, told)
    with _running("pg_dump", dumping.major, dumping.conninfo, arguments) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        with words.heard(process):
            while piece := process.stdout.read(_PIECE):
                yield piece
            process.wait()
    _end("backup_failed", "pg_dump", process, words)


def restore_into(conninfo: str, major: int, data: Iterator[bytes], told: Callable[[int], None]) -> None:
    """Run `pg_restore` on an empty database, which has the roles already.

    Args:
        conninfo: of a superuser.
        major: the server's major version.
        data: the archive.
        told: how many bytes of it went in more.

    Raises:
        Problem: `restore_failed` with the program's own words, and what `data` raises.
    """
    words = _Words({}, lambda _: None)
    # The database is named on the command line, else it writes a script instead.
    arguments = ["--exit-on-error", "--no-password", "--format=custom"]
    with _running("pg_restore", major, conninfo, arguments) as process:
        assert process.stdin is not None
        with words.heard(process):
            try:
                for piece in data:
                    process.stdin.write(piece)
                    told(len(piece))
                process.stdin.close()
            except BrokenPipeError:
                # It has ended already, and says why.
                pass
            process.wait()
    _end("restore_failed", "pg_restore", process, words)


class _Words:
    """What a program says beside its output: read all the time, so that it never waits for us."""

    def __init__(self, sizes: Mapping[str, int], told: Callable[[int], None]) -> None:
        self._sizes = sizes
        self._told = told
        self._under_way = 0
        self._last: deque[str] = deque(maxlen=_WORDS_KEPT)

    @contextmanager
    def heard(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        assert process.stderr is not None
        thread = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            process.kill()
            raise
        finally:
            thread.join()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip()
            table = _TABLE.search(text)
            if table is not None:
                self._told(self._under_way)
                self._under_way = self._sizes.get(table[1], 0)
            self._last.append(text)

    @property
    def wrong(self) -> str:
        found = [line for line in self._last if "error" in line or "detail" in line.lower()]
        return " ".join(found or [*self._last][-1:])


@contextmanager
def _running(
    program: str, major: int, conninfo: str, arguments: list[str]
) -> Iterator[subprocess.Popen[bytes]]:
    given = {name: str(value) for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    # A password on a command line is everybody's to read.
    password = given.pop("password", None)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "GUERDON_"))}
    env = {**clean, "LC_ALL": "C", **({"PGPASSWORD": password} if password else {})}
    command = [str(_program(program, major)), *arguments, f"--dbname={make_conninfo('', **given)}"]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _program(name: str, major: int) -> Path:
    # A newer one reads an older server too, but what it writes may say things that this server does not know.
    try:
        found = find_binaries(major)
    except Problem:
        found = find_binaries()
        if found.major < major:
            raise
    path = found.folder / name
    if not path.is_file():
        raise Problem(
            "postgres_not_found", f"{name} of PostgreSQL {major} or newer is needed, and is not there"
        )
    return path


def _end(code: str, program: str, process: subprocess.Popen[bytes], words: _Words) -> None:
    if process.returncode != 0:
        raise Problem(code, f"{program} ended with {process.returncode}: {words.wrong}")


def analyze(tx: Tx) -> None:
    """Let a restored database count what is in it, so that its first queries are planned well.

    Args:
        tx: an autocommit connection of a superuser.
    """
    tables = tx.execute("select tablename from pg_tables where schemaname = %s", (SCHEMA,)).fetchall()
    for (name,) in tables:
        tx.execute(sql.SQL("analyze {}").format(sql.Identifier(SCHEMA, name)))
