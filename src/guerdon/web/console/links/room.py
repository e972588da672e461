"""A member's own page at the desk: an address to send them, a look at it, an end to those that were lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.members.identities import member_ref
from guerdon.members.links.addresses import PAGE, Link, make_link
from guerdon.members.links.ending import end_links
from guerdon.members.members import Member
from guerdon.programs.audit import Act, record
from guerdon.web.console.opened import Opened, framed, member_path, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import find_member

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Acting = Annotated[Visit, Depends(entitled("members:adjust"))]
_PATH: Final = "/console/p/{program}/members/{member}/page"
_LOOK: Final = timedelta(hours=1)
_SENT: Final = timedelta(days=30)


@ROUTER.get(_PATH)
def their_page(visit: Visitor, program: str, member: str) -> Response:
    """Say what there is to do with a member's page."""
    with visit.transaction() as tx:
        opened, found = _found(tx, visit, (program, member))
    return _page(visit, (opened, found))


@ROUTER.post(f"{_PATH}/open")
def look(visit: Acting, program: str, member: str) -> Response:
    """Open the page as the member sees it, for an hour; that it was done is written down."""
    with visit.transaction() as tx:
        opened, found = _found(tx, visit, (program, member))
        _note(tx, visit, (opened, found), "member.page_opened")
        url, _ = _address(visit, (opened, found), _LOOK)
    return visit.go(url)


@ROUTER.post(f"{_PATH}/link")
def make(visit: Acting, program: str, member: str) -> Response:
    """Make an address to send them."""
    with visit.transaction() as tx:
        opened, found = _found(tx, visit, (program, member))
        _note(tx, visit, (opened, found), "member.link_made")
        url, link = _address(visit, (opened, found), _SENT)
    address = str(visit.request.base_url).rstrip("/") + url
    return _page(visit, (opened, found), address, link)


@ROUTER.post(f"{_PATH}/end")
def end(visit: Acting, program: str, member: str) -> Response:
    """End all addresses that were made for them."""
    with visit.transaction() as tx:
        opened, found = _found(tx, visit, (program, member))
        end_links(tx, opened.desk, member_ref(found.member_id), visit.now)
        _note(tx, visit, (opened, found), "member.links_ended")
    return visit.go(f"{member_path(opened, found.member_id)}/page?done=ended")


def _found(tx: Tx, visit: Visit, names: tuple[str, str]) -> tuple[Opened, Member]:
    program, shown = names
    opened = open_program(tx, visit, program)
    return opened, find_member(tx, opened, shown)


def _address(visit: Visit, whose: tuple[Opened, Member], lasts: timedelta) -> tuple[str, Link]:
    opened, member = whose
    made = Link(visit.tenant_id, opened.program.key, member.member_id, "", visit.now, visit.now + lasts)
    return make_link(opened.desk.vault, PAGE, made), made


def _note(tx: Tx, visit: Visit, whose: tuple[Opened, Member], action: str) -> None:
    opened, member = whose
    about = number_text("mem", member.member_id)
    record(tx, Act(visit.now, visit.staff.actor, action, about, opened.live.program_id), visit.house.ids)


def _page(
    visit: Visit, whose: tuple[Opened, Member], address: str = "", link: Link | None = None
) -> Response:
    opened, member = whose
    return visit.page(
        "member_page.html",
        **framed(opened, "members"),
        member=member,
        shown_id=number_text("mem", member.member_id),
        back=member_path(opened, member.member_id),
        address=address,
        link=link,
        ended=visit.request.query_params.get("done") == "ended",
    )
