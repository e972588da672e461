"""Calls about the page that a member keeps: making its address, and ending those that were lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Response

from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref
from guerdon.members.links.addresses import PAGE, Link, make_link
from guerdon.members.links.ending import end_links
from guerdon.members.members import Desk, get_member
from guerdon.programs.audit import Act, record
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.shapes import Answered
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Members"])
Writing = Annotated[Call, Depends(admitted("members:write"))]
_MEMBER: Final = "/v1/programs/{program}/members/{ref:path}"
_HOURS: Final = 30 * 24
_HOURS_AT_MOST: Final = 366 * 24


class PageLinking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long an address is made."""

    hours: Annotated[int, msgspec.Meta(ge=1, le=_HOURS_AT_MOST)] = _HOURS


class PageLinkShape(Answered, frozen=True):
    """An address at which a member sees their own page, without signing in."""

    url: str
    """A path; the shop puts its own host before it, if it has one."""
    expires_at: datetime


class LinksEnded(Answered, frozen=True):
    """All addresses that were made for a member until then open nothing any more."""

    member: str
    ended_at: datetime


@ROUTER.post(
    f"{_MEMBER}/page",
    summary="An address of the member's own page",
    **operation(PageLinkShape, body=PageLinking),
)
def page(call: Writing, program: str, ref: str) -> Response:
    """Signed, for one member; whoever has it acts as that member until it ends. The body may be left out."""
    asked = call.read(PageLinking) if call.body.strip() else PageLinking()
    expires_at = call.now + timedelta(hours=asked.hours)
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        vault = call.house.vault(call.tenant_id)
        member = get_member(tx, Desk(vault, live.program_id), parse_ref(ref))
    # Made by the clock on the wall, by which addresses are ended, also where a sandbox's call has another.
    link = Link(call.tenant_id, program, member.member_id, "", datetime.now(UTC), expires_at)
    return answer(PageLinkShape(url=make_link(vault, PAGE, link), expires_at=expires_at))


@ROUTER.post(f"{_MEMBER}/page/end", summary="End addresses that were lost", **operation(LinksEnded))
def end(call: Writing, program: str, ref: str) -> Response:
    """All that were made for the member so far, of quizzes too. Addresses made later are good."""

    def act(tx: Tx) -> tuple[int, LinksEnded]:
        live, now = call.house.live(tx, program), datetime.now(UTC)
        desk = Desk(call.house.vault(call.tenant_id), live.program_id)
        member = number_text("mem", end_links(tx, desk, parse_ref(ref), now).member_id)
        record(tx, Act(now, call.caller.actor, "member.links_ended", member, live.program_id), call.house.ids)
        return 200, LinksEnded(member=member, ended_at=now)

    return once(call, act)
