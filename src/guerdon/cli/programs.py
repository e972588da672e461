"""`guerdon plan` and `guerdon apply`: what a definition would change, and making it live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import typer

from guerdon.cli.opening import is_there, opened_tenant, server_at, settings_for
from guerdon.cli.options import Data, Json, Key, Tenant, Url, takes
from guerdon.cli.showing import counted, read_document, show_json, show_note
from guerdon.cli.writing.pictures import pictured
from guerdon.cli.writing.planning import plan_data, show_plan
from guerdon.engine.counting.keeper import waiting
from guerdon.insight.plans import Asking, Plan, make_plan, plan_first
from guerdon.programs.programs import NewDefinition, apply_definition, get_live
from guerdon.programs.tenants import ensure_tenant
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import (
    Definition,
    Positions,
    load_definition_with_positions,
)
from guerdon.rules.difference import Change
from guerdon.rules.lint import LintWarning
from guerdon.rules.program import Program
from guerdon.wiring import MAIN_TENANT, is_sandbox

UNCHANGED, CHANGES = 0, 2


@dataclass(frozen=True, slots=True)
class DefinitionOptions:
    """What the commands take."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="Program definition, YAML or JSON.")]
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    url: Url = None
    key: Key = None
    json: Json = False


@dataclass(frozen=True, slots=True)
class _Loaded:
    definition: Definition
    program: Program
    positions: Positions


@takes(DefinitionOptions)
def plan(options: DefinitionOptions) -> int:
    """Show what applying a definition would change, and warnings; nothing is stored.

    Exit code: 0 nothing to do, 2 there are changes, 1 an error.
    """
    document, loaded = _loaded(options.file)
    made = _ask_plan(options, document, loaded) if options.url else _plan_here(options, loaded)
    if options.json:
        show_json(plan_data(made, loaded.positions))
    else:
        show_plan(made, options.file, loaded.positions)
    return CHANGES if made.changed else UNCHANGED


def _plan_here(options: DefinitionOptions, loaded: _Loaded) -> Plan:
    now, settings = datetime.now(UTC), settings_for(options.data)
    if not is_there(settings):
        # Planning stores nothing, so that it makes no database either.
        show_note(f"there is no database in {settings.data} yet: `guerdon apply` makes it")
        return plan_first(loaded.definition, loaded.program, Asking(now))
    with opened_tenant(options.data, options.tenant, made=True) as (house, tx):
        in_use = house.in_use(tx, loaded.definition.program)
        return make_plan(tx, loaded.definition, loaded.program, Asking(now, in_use))


@takes(DefinitionOptions)
def apply(options: DefinitionOptions) -> int:
    """Make a definition live, as the program's first version or its next."""
    document, loaded = _loaded(options.file)
    definition = loaded.definition
    if options.url:
        path = f"/v1/programs/{quote(definition.program, safe='')}"
        server = server_at(options.url, options.key)
        done = server.ask("PUT", path, document, "application/yaml")[1]
        version, changed, behind = done["version"], done["changed"], 0
    else:
        now = datetime.now(UTC)
        with opened_tenant(options.data, options.tenant, made=True) as (house, tx):
            sandbox = is_sandbox(house.settings)
            ensure_tenant(tx, options.tenant, options.tenant, sandbox=sandbox, now=now)
            in_use = house.in_use(tx, definition.program)
            new = NewDefinition(definition, document.decode("utf-8"), "system", now, in_use)
            applied = apply_definition(tx, new, house.ids)
            version, changed = applied.version, applied.changed
            behind = waiting(tx, get_live(tx, definition.program)).behind
    if options.json:
        show_json({"program": definition.program, "version": version, "changed": changed})
    elif changed:
        show_note(f"{definition.program}: version {version} is live")
        if behind:
            how = f"`guerdon metrics {definition.program} --follow` shows how far it is"
            show_note(f"{counted(behind, 'account')} will be counted from history; {how}")
    else:
        show_note(f"{definition.program}: nothing to do, version {version} says the same")
    return 0


def _loaded(name: str) -> tuple[bytes, _Loaded]:
    document = read_document(name)
    with pictured(document, name):
        definition, positions = load_definition_with_positions(document, name)
        return document, _Loaded(definition, compile_program(definition, 1, positions), positions)


def _ask_plan(options: DefinitionOptions, document: bytes, loaded: _Loaded) -> Plan:
    """Plan against a running server, which knows its history and what people hold."""
    server = server_at(options.url or "", options.key)
    path = f"/v1/programs/{quote(loaded.definition.program, safe='')}?dry_run=true"
    planned = server.ask("PUT", path, document, "application/yaml")[1]
    return Plan(
        program=planned["program"],
        version=planned["version"],
        is_new=planned["changed"] and planned["version"] == 1,
        changes=tuple(Change(**one) for one in planned["changes"]),
        warnings=tuple(LintWarning(**one) for one in planned["warnings"]),
    )
