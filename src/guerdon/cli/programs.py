"""`guerdon plan` and `guerdon apply`: what a definition would change, and making it live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from guerdon.base.errors import Problem
from guerdon.cli.opening import opened_house, server_at
from guerdon.cli.options import Data, Json, Key, Tenant, Url, takes
from guerdon.cli.showing import pictured, read_document, show_json, show_note
from guerdon.programs.programs import NewDefinition, apply_definition, check_definition, find_live
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.rules.definition import (
    Definition,
    canonical_bytes,
    inactive_parts,
    load_definition_with_positions,
)
from guerdon.rules.program import compile_program
from guerdon.wiring import MAIN_TENANT

UNCHANGED, CHANGES = 0, 2
_DIFFERENCES_SHOWN: Final = 100
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class DefinitionOptions:
    """What the commands take."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="Program definition, YAML or JSON.")]
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    url: Url = None
    key: Key = None
    json: Json = False


@takes(DefinitionOptions)
def plan(options: DefinitionOptions) -> int:
    """Show what applying a definition would change, and warnings; nothing is stored.

    Exit code: 0 nothing to do, 2 there are changes, 1 an error.
    """
    document, definition = _loaded(options.file)
    if options.url:
        live, changed, version = _ask_plan(options, document, definition)
    else:
        with (
            opened_house(options.data) as house,
            house.database.transaction(tenant_id_of(options.tenant)) as tx,
        ):
            planned = check_definition(tx, definition, house.in_use(tx, definition.program))
            changed = planned is None or planned.changed
            version = 1 if planned is None else planned.version
            found = find_live(tx, definition.program)
            live = json.loads(found.canonical) if found is not None else None
    differences = list(_differences(live or {}, json.loads(canonical_bytes(definition)), ""))
    warnings = [f"{part.pointer}: {part.why}" for part in inactive_parts(definition)]
    if options.json:
        said = {"program": definition.program, "version": version, "changed": changed, "new": live is None}
        show_json({**said, "differences": differences, "warnings": warnings})
    else:
        _show_plan(definition.program, (live is None, changed, version), differences, warnings)
    return CHANGES if changed else UNCHANGED


@takes(DefinitionOptions)
def apply(options: DefinitionOptions) -> int:
    """Make a definition live, as the program's first version or its next."""
    document, definition = _loaded(options.file)
    if options.url:
        path = f"/v1/programs/{quote(definition.program, safe='')}"
        server = server_at(options.url, options.key)
        done = server.ask("PUT", path, document, "application/yaml")[1]
        version, changed = done["version"], done["changed"]
    else:
        now = datetime.now(UTC)
        with (
            opened_house(options.data) as house,
            house.database.transaction(tenant_id_of(options.tenant)) as tx,
        ):
            ensure_tenant(tx, options.tenant, options.tenant, sandbox=False, now=now)
            in_use = house.in_use(tx, definition.program)
            new = NewDefinition(definition, document.decode("utf-8"), "system", now, in_use)
            applied = apply_definition(tx, new, house.ids)
            version, changed = applied.version, applied.changed
    if options.json:
        show_json({"program": definition.program, "version": version, "changed": changed})
    elif changed:
        show_note(f"{definition.program}: version {version} is live")
    else:
        show_note(f"{definition.program}: nothing to do, version {version} says the same")
    return 0


def _loaded(name: str) -> tuple[bytes, Definition]:
    document = read_document(name)
    with pictured(document, name):
        definition, positions = load_definition_with_positions(document, name)
        compile_program(definition, 1, positions)
    return document, definition


def _ask_plan(
    options: DefinitionOptions, document: bytes, definition: Definition
) -> tuple[dict[str, Any] | None, bool, int]:
    server = server_at(options.url or "", options.key)
    path = f"/v1/programs/{quote(definition.program, safe='')}"
    planned = server.ask("PUT", f"{path}?dry_run=true", document, "application/yaml")[1]
    try:
        live = server.ask("GET", path, b"")[1]["definition"]
    except Problem as problem:
        if problem.code != "program_not_found":
            raise
        live = None
    return live, bool(planned["changed"]), int(planned["version"])


def _show_plan(
    program: str, found: tuple[bool, bool, int], differences: list[dict[str, str]], warnings: list[str]
) -> None:
    is_new, changed, version = found
    if is_new:
        show_note(f"{program}: a new program")
    elif not changed:
        show_note(f"{program}: nothing to do, version {version} says the same")
    else:
        show_note(f"{program}: version {version} would be live")
    for one in differences[:_DIFFERENCES_SHOWN] if not is_new else ():
        before, after = one.get("before", ""), one.get("after", "")
        mark = "+" if not before else "-" if not after else "~"
        show_note(f"  {mark} {one['pointer']}: {before}{' → ' if before and after else ''}{after}")
    for warning in warnings:
        show_note(f"warning: {warning}")


def _differences(before: Any, after: Any, pointer: str) -> Iterator[dict[str, str]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            place = f"{pointer}/{key}"
            yield from _differences(before.get(key, _ABSENT), after.get(key, _ABSENT), place)
    elif before is _ABSENT or after is _ABSENT or before != after:
        found = {"pointer": pointer}
        for name, value in (("before", before), ("after", after)):
            if value is not _ABSENT:
                found[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield found
