"""`guerdon restore`: a backup becomes a data folder again, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.cli.opening import opened_house, settings_for
from guerdon.cli.options import Json, takes
from guerdon.cli.proofs.heads import KeptHead
from guerdon.cli.showing import show_json, show_note, told_bytes
from guerdon.cli.upkeep import findings_of, show_verdict, tenants_of
from guerdon.engine.audit import Counts
from guerdon.engine.keeping import read_contents
from guerdon.infra.backups import BackupFile, analyze, key_print, restore_into, written_backup
from guerdon.infra.migrations.runner import known_revisions
from guerdon.infra.postgres import EmbeddedPostgres, ending_in_order
from guerdon.infra.postgres.folder import discard, drafts_in, new_draft, put_in_place
from guerdon.infra.postgres.isolation import choose_isolation
from guerdon.infra.settings import Settings, load_master_key, write_master_key
from guerdon.rules.proofs.notes import Checkpoint

_SHOWN_AT_MOST: Final = 100
_MAY_BE_THERE: Final = {"master.key", "lost+found"}


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What the command takes."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="The backup.", show_default=False)]
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="DIR", help="The new folder, which must be empty.", show_default=False
        ),
    ] = None
    master_key: Annotated[
        str | None,
        typer.Option(
            "--master-key",
            metavar="FILE",
            help="The master key, where it is neither in the new folder nor in GUERDON_MASTER_KEY.",
            show_default=False,
        ),
    ] = None
    check: Annotated[
        bool,
        typer.Option("--check", help="Only read the file, and say what is in it and whether it is whole."),
    ] = False
    dump: Annotated[
        str | None,
        typer.Option(
            "--dump",
            metavar="FILE",
            help="Only take PostgreSQL's archive out of it, for pg_restore into a served database.",
            show_default=False,
        ),
    ] = None
    json: Json = False


@takes(RestoreOptions)
def restore(options: RestoreOptions) -> int:
    """Make a data folder out of a backup, and verify it.

    All of the file is read first: one that was cut or changed is refused before anything is made. At the end
    everything is worked out again as `guerdon verify` does, the logs against the heads in the backup too.
    Exit code 1 where anything does not hold.
    """
    file = BackupFile(Path(options.file))
    settings = _settings(options)
    with told_bytes("reading", file.size) as told:
        about, found, seal = file.check(told)
    if about["revision"] not in known_revisions():
        detail = f"its schema {about['revision']} is newer than this Guerdon: restore it with a newer one"
        raise Problem("backup_newer", detail)
    if options.check:
        return _show(about, options.json)
    master_key = _master_key(options, settings)
    if key_print(master_key) != about["master_key"]:
        detail = "this is not the master key of that backup: nothing that names people could be read"
        raise Problem("master_key_wrong", detail)
    file.check_seal(found, seal, master_key)
    if options.dump is not None:
        with written_backup(Path(options.dump), sys.stdout.buffer) as archive:
            for piece in file.data(found):
                archive.write(piece)
        return 0
    with ending_in_order():
        return _restored(file, about, found, (settings, master_key), options.json)


def _settings(options: RestoreOptions) -> Settings:
    settings = settings_for(options.data)
    if settings.database_url is not None and not options.check and options.dump is None:
        detail = (
            "a served database is filled by pg_restore: --dump takes the archive out, docs/backup.md says how"
        )
        raise Problem("restore_served", detail)
    return settings


def _master_key(options: RestoreOptions, settings: Settings) -> bytes:
    if options.master_key is not None:
        path = Path(options.master_key)
        if not path.is_file():
            raise Problem("file_not_found", f"there is no file {path}")
        given = load_master_key(settings.model_copy(update={"master_key": None}), path)
        if settings.master_key is not None and load_master_key(settings) != given:
            raise Problem("master_key_wrong", f"GUERDON_MASTER_KEY is another key than that in {path}")
        return given
    if settings.master_key is None and not (settings.data / "master.key").is_file():
        detail = (
            "a backup does not have the master key in it: give it with --master-key or GUERDON_MASTER_KEY"
        )
        raise Problem("master_key_missing", detail)
    return load_master_key(settings)


def _show(about: dict[str, Any], as_json: bool) -> int:
    if as_json:
        show_json({"whole": True, **about})
        return 0
    show_note(f"whole; made at {about['made_at']} by Guerdon {about['guerdon']}, schema {about['revision']}")
    for tenant in about["tenants"]:
        for one in tenant["programs"]:
            log = one["log"]
            show_note(
                f"{log['origin']}: version {one['version']}, a log of {log['size']}, root {log['root']}"
            )
    return 0


def _restored(
    file: BackupFile, about: dict[str, Any], found: bytes, where: tuple[Settings, bytes], as_json: bool
) -> int:
    settings, master_key = where
    with _draft(settings.data.absolute()) as draft:
        if settings.master_key is None:
            write_master_key(draft, master_key)
        _fill(file, about, found, draft)
        counts = Counts()
        wrong: list[Finding] = []
        with opened_house(str(draft)) as house:
            known = tenants_of(house)
            for tenant in known:
                wrong += findings_of(house, tenant, _heads(about), counts)
    if as_json:
        show_json({"holds": not wrong, "data": str(settings.data), "findings": len(wrong), **about})
    else:
        _tell(wrong)
        show_verdict(len(known), counts, len(wrong))
        show_note(
            f"{settings.data} is as it was at {about['made_at']}; who was erased since must be erased again"
        )
    return 1 if wrong else 0


def _tell(wrong: Sequence[Finding]) -> None:
    for one in wrong[:_SHOWN_AT_MOST]:
        sys.stdout.write(f"{one.detail} [{one.code}]\n")


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Give a folder to restore into; where it was filled without an error it becomes the target."""
    isolation = choose_isolation()
    if target.exists():
        if not target.is_dir():
            raise Problem("folder_not_empty", f"{target} is a file: give a new folder")
        for left in drafts_in(target):
            discard(left, isolation)
        if strangers := sorted({one.name for one in target.iterdir()} - _MAY_BE_THERE):
            detail = f"there is something in {target} already ({strangers[0]}): give a new folder"
            raise Problem("folder_not_empty", detail)
    draft = new_draft(target)
    try:
        yield draft
        put_in_place(draft, target)
    except BaseException:
        discard(draft, isolation)
        raise


def _fill(file: BackupFile, about: dict[str, Any], found: bytes, draft: Path) -> None:
    server = EmbeddedPostgres(draft, progress=show_note).start()
    try:
        dsn = server.dsn("superuser")
        with psycopg.connect(dsn, autocommit=True) as connection:
            major = connection.info.server_version // 10_000
            with told_bytes("restoring", file.size) as told:
                restore_into(dsn, major, file.data(found), told)
            analyze(connection)
        with psycopg.connect(dsn) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            if read_contents(connection) != about["tenants"]:
                raise Problem("restore_failed", "what was restored is not what the backup says of itself")
    finally:
        server.stop()


def _heads(about: dict[str, Any]) -> list[KeptHead]:
    return [
        KeptHead(
            tenant["tenant"],
            one["program"],
            Checkpoint(one["log"]["origin"], one["log"]["size"], bytes.fromhex(one["log"]["root"])),
            is_signed=False,
        )
        for tenant in about["tenants"]
        for one in tenant["programs"]
    ]
