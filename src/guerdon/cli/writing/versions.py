"""`guerdon versions`, `guerdon export` and `guerdon rollback`: what was applied, and having it back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from guerdon.cli.opening import opened_tenant, server_at
from guerdon.cli.options import Data, Json, Key, Tenant, Url, takes
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.programs.programs import (
    RollingBack,
    exported_text,
    get_live,
    get_version,
    list_versions,
    readable_text,
    roll_back,
)
from guerdon.wiring import MAIN_TENANT

Program = Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's key.")]


@dataclass(frozen=True, slots=True)
class VersionOptions:
    """What `versions` takes."""

    program: Program
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    url: Url = None
    key: Key = None
    json: Json = False


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What `export` takes."""

    program: Program
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="An earlier version; else the live one.")
    ] = None
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    url: Url = None
    key: Key = None


@dataclass(frozen=True, slots=True)
class RollbackOptions:
    """What `rollback` takes."""

    program: Program
    version: Annotated[int, typer.Argument(metavar="VERSION", help="The version to have back.")]
    reason: Annotated[
        str,
        typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.", show_default=False),
    ] = ""
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    url: Url = None
    key: Key = None
    json: Json = False


@takes(VersionOptions)
def versions(options: VersionOptions) -> int:
    """List all versions of a program, the newest first."""
    if options.url:
        path = f"{_path(options.program)}/versions"
        rows = server_at(options.url, options.key).ask("GET", path, b"")[1]["data"]
    else:
        with opened_tenant(options.data, options.tenant) as (_house, tx):
            get_live(tx, options.program)
            rows = [
                {
                    "version": one.version,
                    "sha256": one.sha256,
                    "applied_by": one.applied_by,
                    "applied_at": one.applied_at,
                }
                for one in list_versions(tx, options.program)
            ]
    if options.json:
        show_json({"data": rows})
    else:
        cells = [
            [str(row["version"]), str(row["applied_at"]), row["applied_by"], row["sha256"][:12]]
            for row in rows
        ]
        show_table(("version", "applied at", "by", "sha-256"), cells)
    return 0


@takes(ExportOptions)
def export(options: ExportOptions) -> int:
    """Print the definition of a program as YAML; applying it again changes nothing."""
    if options.url:
        found = _ask_version(options.url, options.key, options.program, options.version)
        text = readable_text(found["source"])
    else:
        with opened_tenant(options.data, options.tenant) as (_house, tx):
            wanted = options.version
            live = get_live(tx, options.program)
            text = exported_text(live if wanted is None else get_version(tx, options.program, wanted))
    typer.echo(text, nl=False)
    return 0


@takes(RollbackOptions)
def rollback(options: RollbackOptions) -> int:
    """Make an earlier version live again, as a new version with its text."""
    if options.url:
        asked = json.dumps({"to": options.version, "reason": options.reason}).encode()
        done = server_at(options.url, options.key).ask("POST", f"{_path(options.program)}/rollback", asked)[1]
        version, changed = done["version"], done["changed"]
    else:
        with opened_tenant(options.data, options.tenant) as (house, tx):
            in_use = house.in_use(tx, options.program)
            now = datetime.now(UTC)
            wanted = RollingBack(options.program, options.version, "system", now, in_use, options.reason)
            applied = roll_back(tx, wanted, house.ids)
            version, changed = applied.version, applied.changed
    if options.json:
        show_json({"program": options.program, "version": version, "changed": changed})
    elif changed:
        show_note(f"{options.program}: version {version} is live, with the text of version {options.version}")
    else:
        show_note(f"{options.program}: nothing to do, version {version} says the same")
    return 0


def _path(program: str) -> str:
    return f"/v1/programs/{quote(program, safe='')}"


def _ask_version(url: str, key: str | None, program: str, version: int | None) -> dict[str, Any]:
    wanted = f"?version={version}" if version is not None else ""
    found: dict[str, Any] = server_at(url, key).ask("GET", f"{_path(program)}{wanted}", b"")[1]
    return found
