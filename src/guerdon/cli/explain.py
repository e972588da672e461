"""`guerdon explain`: why an order or an event earned what it did, run again from what was stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import typer

from guerdon.base.errors import Problem
from guerdon.cli.opening import opened_tenant, server_at
from guerdon.cli.options import Data, Json, Key, Tenant, Url, takes
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.connect.imports.http import Server
from guerdon.engine.audit.explanations import explain_stored, find_stored
from guerdon.infra.tx import Tx
from guerdon.programs.programs import get_live, list_programs
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.explain import as_data, input_text
from guerdon.wiring import MAIN_TENANT, House

DIFFERS = 1


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """What the command takes."""

    name: Annotated[
        str,
        typer.Argument(metavar="EVENT_OR_ORDER", help="Id of an event (ours or its sender's) or an order."),
    ]
    program: Annotated[
        str | None,
        typer.Option(
            "--program", metavar="P", help="Key of the program, where there are several.", show_default=False
        ),
    ] = None
    source: Annotated[
        str, typer.Option("--source", metavar="S", help="Only from this source.", show_default=False)
    ] = ""
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    url: Url = None
    key: Key = None
    json: Json = False


@takes(ExplainOptions)
def explain(options: ExplainOptions) -> int:
    """Say why an order or an event was decided as it was: each campaign, its reason and its arithmetic.

    The decision is run again from what was stored with it, under the version of the program that decided.
    Exit code: 1 where that gives something else than what is stored.

    guerdon explain A-1001 --program club
    guerdon explain A-1001 --url http://127.0.0.1:8080
    """
    if options.url:
        found = [_asked(server_at(options.url, options.key), options)]
    else:
        tenant_id = tenant_id_of(options.tenant)
        with opened_tenant(options.data, options.tenant) as (house, tx):
            found = _found(tx, house, tenant_id, options)
    if options.json:
        show_json(found[0] if len(found) == 1 else found)
    else:
        for one in found:
            _show(one)
    return 0 if all(one["same"] for one in found) else DIFFERS


def _found(tx: Tx, house: House, tenant_id: int, options: ExplainOptions) -> list[dict[str, Any]]:
    live = get_live(tx, options.program or _only_program([one.key for one in list_programs(tx)]))
    events = find_stored(tx, live.program_id, options.name, options.source)
    if not events:
        source = f" of the source {options.source!r}" if options.source else ""
        detail = f"{live.key} has no event and no order called {options.name!r}{source}"
        raise Problem("event_not_found", detail)
    vault = house.vault(tenant_id)
    return [as_data(explain_stored(tx, vault, live.key, one)) for one in events]


def _asked(server: Server, options: ExplainOptions) -> dict[str, Any]:
    program = options.program
    if program is None:
        programs = server.ask("GET", "/v1/programs", b"")[1]["data"]
        program = _only_program([one["program"] for one in programs])
    base = f"/v1/programs/{quote(program, safe='')}"
    about = f"{quote(options.name, safe='')}/explanation"
    if options.source:
        about += f"?source={quote(options.source, safe='')}"
    try:
        found: dict[str, Any] = server.ask("GET", f"{base}/orders/{about}", b"")[1]
    except Problem as problem:
        if problem.code != "order_not_found":
            raise
        found = server.ask("GET", f"{base}/events/{about}", b"")[1]
    return found


def _only_program(keys: list[str]) -> str:
    if len(keys) != 1:
        there = f"there are {', '.join(keys)}" if keys else "there is none"
        raise Problem("program_missing", f"say --program: {there}")
    return keys[0]


def _show(found: dict[str, Any]) -> None:
    named = (
        f"order {found['order']}"
        if found["order"] and found["type"] == "order.paid"
        else " ".join(filter(None, (found["type"], found["id"])))
    )
    sender = f" of {found['source']}" if found["source"] else ""
    late = ", late" if found["late"] else ""
    title = f"{named}{sender}, {found['time']}{late}: version {found['program_version']}"
    rows = [(one["campaign"], one["outcome"], one["said"]) for one in found["campaigns"]]
    sums = [(one["campaign"], text) for one in found["campaigns"] for text in one["sums"]]
    show_table(("campaign", "outcome", "why"), rows, title)
    if sums:
        show_table(("campaign", "what it did"), sums)
    if found["limits"]:
        left = [(one["of"], one["limit"], one["period"], one["left"]) for one in found["limits"]]
        show_table(("limits of", "limit", "period", "had left"), left)
    came = [(one["id"], one["time"], text) for one in found.get("returned", ()) for text in one["said"]]
    if came:
        show_table(("return", "time", "what came back, and what that undid"), came)
    for one in found.get("short", ()):
        show_note(f"promised and not to be had: {one}")
    read = [f"{path} = {input_text(value)}" for path, value in found["inputs"].items()]
    read += [f"{path} (personal)" for path in found["personal"]]
    if read:
        show_note("read: " + ", ".join(read))
    for one in found["differences"]:
        show_note(f"differs: {one}")
