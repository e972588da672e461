"""Doors for other systems: made by key, entered by signature."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from guerdon.base.errors import Problem
from guerdon.connect.hooks.doors import (
    Door,
    NewDoor,
    add_door,
    find_door,
    get_door,
    list_doors,
    owner_of,
    parse_id,
    remove_door,
    shown_id,
)
from guerdon.connect.hooks.mapping import OrderMapping, check_mapping, map_events, read_foreign
from guerdon.connect.hooks.signature import Signature, check_signature
from guerdon.connect.sealing import SecretBox
from guerdon.engine.answers import Answer, problem_in
from guerdon.engine.commands import IngestEvent
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rules.program import Program
from guerdon.rules.reading import read_event
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.calls.once import once
from guerdon.web.api.events import shown_row
from guerdon.web.api.shapes.events import EventAnswer
from guerdon.web.bodies import BODY_LIMIT, read_body
from guerdon.web.callers import charge
from guerdon.web.front import header
from guerdon.web.hooks.handles import name_members
from guerdon.web.house import Premises
from guerdon.web.outline import operation
from guerdon.web.problems import ProblemBody, body_of
from guerdon.web.watch.lately import Post

ROUTER: Final = APIRouter(tags=["Webhooks"])
Reading = Annotated[Call, Depends(admitted("webhooks:read"))]
Writing = Annotated[Call, Depends(admitted("webhooks:write"))]
_MARK: Final = "whsec_"
_MISSES: Final = frozenset({"hook_not_found", "signature_missing", "signature_wrong", "signature_too_old"})
_SECRET_BYTES: Final = 32


class NewHook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A door for another system's orders."""

    program: str
    mapping: OrderMapping
    signature: Signature
    secret: Annotated[str, msgspec.Meta(min_length=16, max_length=200)] | None = None
    """The one that the other system chose, used as it is written; without it one is made."""
    description: Annotated[str, msgspec.Meta(max_length=500)] = ""
    enrol: bool = False
    """Whether a subject that is not known yet is enrolled."""


class HookShape(msgspec.Struct, frozen=True, kw_only=True):
    """A door, without its secret."""

    id: str
    path: str
    """Where the other system posts to."""
    program: str
    description: str
    mapping: OrderMapping
    signature: Signature
    enrol: bool
    created_at: datetime


class HookWithSecret(HookShape, frozen=True, kw_only=True):
    """A door with its secret, which is not shown again."""

    secret: str


class Hooks(msgspec.Struct, frozen=True):
    """A page of doors, oldest first."""

    data: Sequence[HookShape]
    next: str | None


class HookRemoved(msgspec.Struct, frozen=True):
    """What was deleted."""

    id: str


class Mapped(msgspec.Struct, frozen=True):
    """One event as it would be taken in."""

    event: Any
    problem: ProblemBody | None
    """What is wrong with it, as far as can be told without its account."""


class Preview(msgspec.Struct, frozen=True):
    """What a body maps to; nothing is taken in."""

    events: Sequence[Mapped]


class _Kept(msgspec.Struct, frozen=True):
    """What is kept as the first answer, for a secret does not belong there."""

    hook_id: int


@ROUTER.post("/v1/hooks", summary="Make an order hook", **operation(HookWithSecret, body=NewHook, status=201))
def make(call: Writing) -> Response:
    """Opens an address to which another system posts; the mapping says which events its bodies are."""
    asked = call.read(NewHook)
    check_mapping(asked.mapping)

    def act(tx: Tx) -> tuple[int, _Kept]:
        hook_id = call.house.ids.number()
        program_id = call.house.live(tx, asked.program).program_id
        secret = asked.secret or _MARK + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")
        sealed = _box(call).seal(owner_of(hook_id), secret.encode())
        new = NewDoor(hook_id, program_id, asked.program, asked.mapping, asked.signature, sealed, call.now)
        add_door(tx, new._replace(description=asked.description, enrol=asked.enrol))
        record(
            tx, Act(call.now, call.caller.actor, "hook.made", shown_id(hook_id), program_id), call.house.ids
        )
        return 201, _Kept(hook_id)

    kept = msgspec.json.decode(once(call, act).body, type=_Kept)
    with call.transaction() as tx:
        door = get_door(tx, kept.hook_id)
    secret = _box(call).open(owner_of(door.hook_id), door.sealed).decode()
    return answer(HookWithSecret(secret=secret, **_fields(door)), 201)


@ROUTER.get("/v1/hooks", summary="List order hooks", **operation(Hooks))
def all_hooks(call: Reading, wanted: Paged) -> Response:
    """Oldest first."""
    with call.transaction() as tx:
        rows = list_doors(tx, wanted.limit + 1, wanted.after(int) or 0)
    return listing(rows, wanted, lambda row: row.hook_id, _shown)


@ROUTER.get("/v1/hooks/{hook}", summary="One order hook", **operation(HookShape))
def one_hook(call: Reading, hook: str) -> Response:
    """Without its secret."""
    with call.transaction() as tx:
        return answer(_shown(get_door(tx, parse_id(hook))))


@ROUTER.delete("/v1/hooks/{hook}", summary="Delete an order hook", **operation(HookRemoved))
def remove(call: Writing, hook: str) -> Response:
    """Closes the address; what came through it stays."""
    hook_id = parse_id(hook)

    def act(tx: Tx) -> tuple[int, HookRemoved]:
        remove_door(tx, hook_id)
        record(tx, Act(call.now, call.caller.actor, "hook.deleted", shown_id(hook_id)), call.house.ids)
        return 200, HookRemoved(shown_id(hook_id))

    return once(call, act)


@ROUTER.post("/v1/hooks/{hook}/preview", summary="Try a body out", **operation(Preview, body=dict[str, Any]))
def preview(call: Writing, hook: str) -> Response:
    """Shows the events that a body becomes, and what is wrong with each; no signature, nothing is stored."""
    with call.transaction() as tx:
        door = get_door(tx, parse_id(hook))
        program = call.house.live(tx, door.program).program
    raws = map_events(door.mapping, _foreign(call.body))
    return answer(Preview([try_event(raw, program, call.now) for raw in raws]))


_ENTERED: Final = operation(EventAnswer | list[EventAnswer], body=dict[str, Any])
_ENTERED["openapi_extra"]["security"] = []
_ENTERED["openapi_extra"]["parameters"] = []


@ROUTER.post("/v1/hooks/{hook}", summary="Post to an order hook", **_ENTERED)
async def enter(request: Request, hook: str) -> Response:
    """Takes in what the mapping makes of the body, signed as the hook says; answers as `…/events` does.

    A body that no rule of the mapping fits is answered with an empty array.
    """
    premises: Premises = request.app.state.premises
    address = premises.doorkeeper.meet(request.scope)
    hook_id = parse_id(hook)
    body = await read_body(request.receive, header(request.scope, b"content-length"), BODY_LIMIT)
    now = datetime.now(UTC)
    try:
        door = await to_thread.run_sync(_find, premises, hook_id)
        try:
            said = await _taken_in(request, door, body, now)
        except Problem as problem:
            premises.posts.note(hook_id, Post(now, len(body), 0, 0, 0, problem.code, problem.detail))
            raise
    except Problem as problem:
        if problem.code in _MISSES:
            premises.doorkeeper.limits.count_miss(address)
        raise
    premises.posts.note(hook_id, _post(now, len(body), said))
    if len(said) == 1:
        if said[0].problem is not None:
            raise problem_in(said[0].problem)
        return answer(shown_row(said[0]))
    return answer([shown_row(one) for one in said])


async def _taken_in(request: Request, door: Door, body: bytes, now: datetime) -> Sequence[Answer]:
    premises: Premises = request.app.state.premises
    secret = SecretBox(premises.house.master_key, door.tenant_id).open(owner_of(door.hook_id), door.sealed)
    check_signature(door.signature, secret, lambda name: _header(request.scope, name), body, now)
    # A door has a limit like a key: the two are numbered alike, and never with the same number.
    charge(request.scope, premises.doorkeeper.limits.of_key(door.hook_id, None))
    raws = map_events(door.mapping, _foreign(body))
    if not raws:
        return []
    raws = await to_thread.run_sync(_named, premises, door, raws)
    said = await premises.waiting.begin(
        [
            IngestEvent(
                tenant_id=door.tenant_id, program=door.program, received_at=now, raw=raw, enrol=door.enrol
            )
            for raw in raws
        ]
    )
    for one in said:
        premises.telemetry.count_event(one.status)
    return said


def _named(premises: Premises, door: Door, raws: list[bytes]) -> list[bytes]:
    with premises.house.database.transaction(door.tenant_id) as tx:
        live = premises.house.live(tx, door.program)
        return name_members(tx, (live.program_id, live.program), raws)


def _post(now: datetime, size: int, said: Sequence[Answer]) -> Post:
    states = [one.status for one in said]
    refused = next((one.problem for one in said if one.problem is not None), None)
    why = (refused.code, refused.detail) if refused is not None else ("", "")
    return Post(now, size, len(said), states.count("applied"), states.count("duplicate"), *why)


def _find(premises: Premises, hook_id: int) -> Door:
    with premises.house.database.transaction_as("lookup") as tx:
        door = find_door(tx, hook_id)
    if door is None:
        raise Problem("hook_not_found", "there is no such hook")
    return door


def _header(scope: Any, name: str) -> str | None:
    sent = header(scope, name.encode("ascii"))
    return sent.decode("latin-1") if sent is not None else None


def _foreign(body: bytes) -> Any:
    if not body.strip():
        raise Problem("body_missing", "this call needs a JSON body")
    return read_foreign(body)


def try_event(raw: bytes, program: Program, now: datetime) -> Mapped:
    """Tell what is wrong with an event that a mapping made.

    Args:
        raw: the event.
        program: whose it would be.
        now: when it would arrive.

    Returns:
        The event, with its problem where it has one.
    """
    problem = None
    try:
        read_event(raw, program, now)
    except Problem as refused:
        problem = body_of(refused)
    return Mapped(msgspec.Raw(raw), problem)


def _box(call: Call) -> SecretBox:
    return SecretBox(call.house.master_key, call.tenant_id)


def _fields(door: Door) -> dict[str, Any]:
    shown = shown_id(door.hook_id)
    names = ("program", "description", "mapping", "signature", "enrol", "created_at")
    return {"id": shown, "path": f"/v1/hooks/{shown}", **{name: getattr(door, name) for name in names}}


def _shown(door: Door) -> HookShape:
    return HookShape(**_fields(door))
