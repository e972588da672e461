"""Calls about deeds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found, parse_ref, resolve
from guerdon.rewards.deeds.queue import State, Wanted, get, list_deeds
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.calls.once import once
from guerdon.web.api.deeds.judging import Said, judge, send, settle, show_deed
from guerdon.web.api.deeds.shapes import Deeds, DeedShape
from guerdon.web.outline import operation
from guerdon.wiring import Live

ROUTER: Final = APIRouter(tags=["Deeds"])
Reading = Annotated[Call, Depends(admitted("events:read"))]
Sending = Annotated[Call, Depends(admitted("events:write"))]
Judging = Annotated[Call, Depends(admitted("redemptions:write"))]
_DEEDS: Final = "/v1/programs/{program}/deeds"
_DEED: Final = f"{_DEEDS}/{{deed}}"


class NewDeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member did, and what shows it."""

    member: Annotated[str, msgspec.Meta(min_length=1, max_length=260)]
    """A member reference."""
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    """An event type of the program with `evidence`, such as `item.recycled`."""
    time: datetime | None = None
    """When it was done; now without it."""
    data: dict[str, Any] = {}
    """As the program declares it for the type."""
    photo: Annotated[str, msgspec.Meta(min_length=8, max_length=2_000, pattern="^https?://")] | None = None
    """An address of a picture."""
    receipt: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    """A number that shows it; each is shown once."""


class Refusing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a deed is refused."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    """Nothing that names a person; the member may read it."""


@ROUTER.post(_DEEDS, summary="Send a deed", **operation(DeedShape, body=NewDeed, status=201))
def new(call: Sending, program: str) -> Response:
    """It waits until somebody approves it; then it is an event, and brings what the program says."""
    asked = call.read(NewDeed)
    if asked.time is not None and asked.time.tzinfo is None:
        raise Problem.at("/time", "time_without_offset", "a time has an offset, such as Z")

    def act(tx: Tx) -> tuple[int, DeedShape]:
        live = call.house.live(tx, program)
        who = (_member(tx, call, live, asked.member), call.caller.actor, call.now)
        said = Said(asked.type, asked.time or call.now, asked.data, asked.photo, asked.receipt)
        deed = send(tx, call.house, (call.tenant_id, live), who, said)
        return 201, show_deed(tx, call.house, call.tenant_id, deed)

    return once(call, act)


@ROUTER.get(_DEEDS, summary="List deeds", **operation(Deeds))
def all_deeds(
    call: Reading,
    program: str,
    wanted: Paged,
    state: Annotated[Literal["waiting", "approved", "refused"] | None, Query()] = None,
    member: Annotated[str | None, Query(max_length=260)] = None,
) -> Response:
    """Newest first; `state=waiting` is what somebody has to look at."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        member_id = None if member is None else _member(tx, call, live, member).member_id
        page = Wanted(wanted.limit + 1, wanted.after(int), state, member_id)
        rows = list_deeds(tx, live.program_id, page)
        return listing(
            rows, wanted, lambda row: row.deed_id, lambda row: show_deed(tx, call.house, call.tenant_id, row)
        )


@ROUTER.get(_DEED, summary="One deed", **operation(DeedShape))
def one_deed(call: Reading, program: str, deed: str) -> Response:
    """With what shows it, and what was decided."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        found = get(tx, live.program_id, parse_number("ded", deed))
        return answer(show_deed(tx, call.house, call.tenant_id, found))


@ROUTER.post(f"{_DEED}/approve", summary="Approve a deed", **operation(DeedShape))
async def approve(call: Judging, program: str, deed: str) -> Response:
    """It becomes an event at its own time, once; approving again gives the same answer."""
    return answer(await to_thread.run_sync(_judge, call, program, (deed, "approved", "")))


@ROUTER.post(f"{_DEED}/refuse", summary="Refuse a deed", **operation(DeedShape, body=Refusing))
async def refuse(call: Judging, program: str, deed: str) -> Response:
    """It brings nothing; its receipt can be shown again."""
    asked = call.read(Refusing)
    return answer(await to_thread.run_sync(_judge, call, program, (deed, "refused", asked.reason)))


def _judge(call: Call, program: str, what: tuple[str, State, str]) -> DeedShape:
    deed, state, reason = what
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        asked = (live.program_id, parse_number("ded", deed), state)
        after = judge(tx, call.house, asked, (call.caller.actor, reason, call.now))
    said = settle(call.house, (call.tenant_id, program), after, call.now)
    with call.transaction() as tx:
        return show_deed(tx, call.house, call.tenant_id, after, said)


def _member(tx: Tx, call: Call, live: Live, member: str) -> Found:
    ref = parse_ref(member)
    found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
    if found is None:
        raise Problem.at("/member", "member_not_found", "nobody here is meant by this reference")
    return found
