"""Order hooks: doors for other systems, what came through them, and a mapping tried on a body."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Annotated, Any, Final

import msgspec
import psycopg
from fastapi import APIRouter, Depends, Response

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.connect.hooks.doors import (
    DOORS_AT_MOST,
    Door,
    NewDoor,
    add_door,
    get_door,
    list_doors,
    owner_of,
    parse_id,
    remove_door,
    shown_id,
)
from guerdon.connect.hooks.mapping import OrderMapping, check_mapping, map_events, read_foreign
from guerdon.connect.hooks.signature import Signature
from guerdon.connect.sealing import SecretBox
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.programs.programs import list_programs
from guerdon.web.bodies import read_json, shape_problem
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.hooks.routes import Mapped, try_event

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Opening = Annotated[Visit, Depends(entitled("webhooks:write"))]
PATH: Final = "/console/hooks"
_UTC: Final = Zone("Etc/UTC")
_MARK: Final = "whsec_"
_SECRET_BYTES: Final = 32
_SECRET_LEAST: Final = 16
_TEXT_MOST: Final = 200_000
_FIELDS: Final = ("program", "description", "mapping", "header", "encoding", "prefix", "enrol")
_SAMPLE: Final = """{
  "events": [
    {
      "when": {"$.topic": "order/paid"},
      "event": {
        "id": {"$path": "$.number", "prefix": "paid-"},
        "source": "my-shop",
        "type": "order.paid",
        "time": "$.paid_at",
        "subject": {"$path": "$.customer", "prefix": "external:"},
        "data": {
          "id": {"$path": "$.number", "as": "text"},
          "lines": {
            "$each": "$.items",
            "to": {"id": {"$path": "@.row", "as": "text"}, "sku": "@.sku", "subtotal": "@.amount"}
          }
        }
      }
    }
  ]
}
"""


@ROUTER.get(PATH)
def hooks(visit: Visitor) -> Response:
    """List the doors, and offer to open another."""
    return _list_page(visit)


@ROUTER.post(PATH)
def add(visit: Opening) -> Response:
    """Open a door, and show its secret, this once; the same form sent twice opens one."""
    given = visit.field("secret", 200)
    secret = given or _MARK + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")
    hook_id = 0
    try:
        hook_id = parse_id(visit.field("once", 40))
        if len(secret) < _SECRET_LEAST:
            raise Problem.at("/secret", "text_length", f"A secret has at least {_SECRET_LEAST} characters.")
        mapping, signature = _mapping(visit), _signature(visit)
        with visit.transaction() as tx:
            program = visit.field("program", 100)
            program_id = visit.house.live(tx, program).program_id
            sealed = _box(visit).seal(owner_of(hook_id), secret.encode())
            new = NewDoor(hook_id, program_id, program, mapping, signature, sealed, visit.now)
            new = new._replace(description=visit.field("description", 500), enrol=bool(visit.field("enrol")))
            add_door(tx, new)
            _note(tx, visit, "hook.made", hook_id, program_id)
    except psycopg.errors.UniqueViolation:
        return visit.go(f"{PATH}/{shown_id(hook_id)}")
    except Problem as problem:
        return _list_page(visit, problem=problem)
    return _one_page(visit, hook_id, secret=secret)


@ROUTER.get(PATH + "/{hook}")
def one_hook(visit: Visitor, hook: str) -> Response:
    """Show a door, what came lately, and a place to try a body."""
    return _one_page(visit, parse_id(hook))


@ROUTER.post(PATH + "/{hook}")
def try_body(visit: Visitor, hook: str) -> Response:
    """Show what a body becomes under a mapping; nothing is stored."""
    hook_id = parse_id(hook)
    try:
        body = read_foreign(_long(visit, "body").encode())
        mapping = _mapping(visit)
        with visit.transaction() as tx:
            program = visit.house.live(tx, get_door(tx, hook_id).program).program
        made = [try_event(raw, program, visit.now) for raw in map_events(mapping, body)]
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return _one_page(visit, hook_id, problem=problem)
    return _one_page(visit, hook_id, made=made)


@ROUTER.post(PATH + "/{hook}/delete")
def delete(visit: Opening, hook: str) -> Response:
    """Close a door; what came through it stays."""
    hook_id = parse_id(hook)
    with visit.transaction() as tx:
        remove_door(tx, hook_id)
        _note(tx, visit, "hook.deleted", hook_id)
    return visit.go(PATH)


def _long(visit: Visit, name: str) -> str:
    text = visit.form.get(name, "")
    if len(text) > _TEXT_MOST:
        raise Problem.at(f"/{name}", "field_too_long", f"`{name}` has at most {_TEXT_MOST} characters")
    return text


def _mapping(visit: Visit) -> OrderMapping:
    mapping = read_json(_long(visit, "mapping").encode(), OrderMapping)
    check_mapping(mapping)
    return mapping


def _signature(visit: Visit) -> Signature:
    names = {"header": "header", "encoding": "encoding", "prefix": "prefix"}
    given = {name: visit.field(field, 100) for name, field in names.items()}
    clock = visit.field("timestamp_header", 100)
    try:
        return msgspec.convert({**given, "timestamp_header": clock or None}, Signature)
    except msgspec.ValidationError as error:
        raise shape_problem(str(error), "/signature") from None


def _box(visit: Visit) -> SecretBox:
    return SecretBox(visit.house.master_key, visit.tenant_id)


def _note(tx: Tx, visit: Visit, action: str, hook_id: int, program_id: int | None = None) -> None:
    record(tx, Act(visit.now, visit.staff.actor, action, shown_id(hook_id), program_id), visit.house.ids)


def _list_page(visit: Visit, *, problem: Problem | None = None) -> Response:
    with visit.transaction() as tx:
        rows = list_doors(tx, DOORS_AT_MOST)
        programs = tuple(list_programs(tx))
    lately = {one.hook_id: visit.premises.posts.posts(one.hook_id) for one in rows}
    typed = {name: visit.form.get(name, "") for name in _FIELDS}
    return visit.page(
        "hooks.html",
        422 if problem is not None else 200,
        place="hooks",
        programs=programs,
        zone=_UTC,
        rows=[(one, shown_id(one.hook_id), lately[one.hook_id]) for one in rows],
        problem=problem,
        typed={**typed, "mapping": typed["mapping"] or _SAMPLE},
        once=shown_id(visit.house.ids.number()),
    )


def _one_page(visit: Visit, hook_id: int, **said: Any) -> Response:
    with visit.transaction() as tx:
        door = get_door(tx, hook_id)
        programs = tuple(list_programs(tx))
    problem = said.get("problem")
    made: list[Mapped] | None = said.get("made")
    return visit.page(
        "hook.html",
        422 if problem is not None else 200,
        place="hooks",
        programs=programs,
        zone=_UTC,
        door=door,
        base=f"{PATH}/{shown_id(hook_id)}",
        address=f"/v1/hooks/{shown_id(hook_id)}",
        mapping=visit.form.get("mapping") or _pretty(door),
        body=visit.form.get("body", ""),
        posts=visit.premises.posts.posts(hook_id),
        made=[(_indented(one.event), one.problem) for one in made] if made is not None else None,
        secret=said.get("secret", ""),
        problem=problem,
    )


def _pretty(door: Door) -> str:
    return json.dumps(msgspec.to_builtins(door.mapping), indent=2, ensure_ascii=False) + "\n"


def _indented(event: Any) -> str:
    return msgspec.json.format(bytes(event), indent=2).decode()
