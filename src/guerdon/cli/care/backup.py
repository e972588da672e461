"""`guerdon backup`: one file of the whole database, taken while it is at work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from guerdon.base.errors import Problem
from guerdon.cli.opening import is_there, settings_for
from guerdon.cli.options import Data, Json, takes
from guerdon.cli.showing import counted, show_json, show_note, told_bytes
from guerdon.engine.keeping import read_contents
from guerdon.infra.backups import dump_pieces, dumped_from, key_print, write_blocks, written_backup
from guerdon.infra.migrations.runner import current_revision
from guerdon.infra.postgres import EmbeddedPostgres, ending_in_order
from guerdon.infra.postgres.running import conninfo_beside
from guerdon.infra.settings import Settings, load_master_key

_SUFFIX = ".backup"


@dataclass(frozen=True, slots=True)
class BackupOptions:
    """What the command takes."""

    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE|FOLDER",
            help="The new file; in a folder it is named by the time; - is the standard output.",
            show_default=False,
        ),
    ]
    data: Data = None
    json: Json = False


@takes(BackupOptions)
def backup(options: BackupOptions) -> int:
    """Write the whole database into one file, while it is at work.

    It has what was committed when it began, and nothing of what came later. It is compressed, and sealed: a
    changed or missing byte is found. The master key is not in it: keep that apart, for without it nothing
    that names people can be read again.
    """
    if options.json and options.target == "-":
        raise Problem("usage", "--json and - both want the standard output")
    began = datetime.now(UTC)
    settings = settings_for(options.data)
    if not is_there(settings):
        raise Problem(
            "data_not_found", f"there is no database in {settings.data}: name its folder with --data"
        )
    target = _file(options.target, began)
    master_key = _master_key(settings)
    with ending_in_order(), _conninfo(settings) as conninfo, _one_look(conninfo) as tx:
        about = _about(tx, began, master_key)
        dumping = dumped_from(tx, conninfo)
        with (
            written_backup(target, sys.stdout.buffer) as file,
            told_bytes("tables", sum(dumping.sizes.values())) as told,
        ):
            size, digest = write_blocks(file, about, dump_pieces(dumping, told), master_key)
    if options.json:
        show_json({"file": str(target), "bytes": size, "sha256": digest, **about})
    else:
        programs = sum(len(one["programs"]) for one in about["tenants"])
        logged = sum(one["log"]["size"] for tenant in about["tenants"] for one in tenant["programs"])
        what = [counted(programs, "program"), counted(logged, "logged transaction"), counted(size, "byte")]
        show_note(f"{target or 'standard output'}: {', '.join(what)}")
    return 0


def _master_key(settings: Settings) -> bytes:
    """Read the key, and never make one: what is there was sealed with another."""
    if settings.master_key is None and not (settings.data / "master.key").is_file():
        detail = (
            "the master key of this database is not here: put it into its folder, or set GUERDON_MASTER_KEY"
        )
        raise Problem("master_key_missing", detail)
    return load_master_key(settings)


def _file(target: str, now: datetime) -> Path | None:
    if target == "-":
        return None
    path = Path(target)
    if path.is_dir():
        return path / f"guerdon-{now:%Y%m%dT%H%M%SZ}{_SUFFIX}"
    if target.endswith("/") or not path.absolute().parent.is_dir():
        raise Problem(
            "folder_not_found", f"there is no folder {path if target.endswith('/') else path.parent}"
        )
    return path


@contextmanager
def _conninfo(settings: Settings) -> Iterator[str]:
    """Find the database, beside the server that runs on it or with one of our own."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    server: EmbeddedPostgres | None
    try:
        server = EmbeddedPostgres(settings.data, progress=show_note).start()
    except Problem as problem:
        if problem.code != "data_in_use":
            raise
        server = None
    if server is None:
        yield conninfo_beside(settings.data, EmbeddedPostgres.database)
        return
    try:
        yield server.dsn("superuser")
    finally:
        server.stop()


@contextmanager
def _one_look(conninfo: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    try:
        connection = psycopg.connect(conninfo, connect_timeout=10, application_name="guerdon backup")
    except psycopg.OperationalError as error:
        raise Problem("database_unavailable", "the database does not answer; is it running?") from error
    with connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("set local statement_timeout = 0")
        connection.execute("set local idle_in_transaction_session_timeout = 0")
        yield connection


def _about(tx: psycopg.Connection[tuple[Any, ...]], began: datetime, master_key: bytes) -> dict[str, Any]:
    revision = current_revision(tx)
    if revision is None:
        raise Problem("data_not_found", "this database has nothing of Guerdon in it")
    return {
        "made_at": began.isoformat(timespec="seconds"),
        "guerdon": metadata.version("guerdon"),
        "postgres": tx.info.server_version,
        "revision": revision,
        "master_key": key_print(master_key),
        "tenants": read_contents(tx),
    }
