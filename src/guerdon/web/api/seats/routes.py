"""Calls about seats: waiting lists, tickets, calendars, and the door."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.commands import UseRedemption
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found, parse_ref, resolve
from guerdon.rewards.redemptions import Redemption, get_redemption
from guerdon.rewards.seats.calendar import written
from guerdon.rewards.seats.waiting import Wait, list_line, list_of_member, place_in_line
from guerdon.web.api.access.routes import signer_of
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.seats.papers import TICKET_POLICY, Telling, language_of, load_entry, write_ticket
from guerdon.web.api.seats.seating import (
    Line,
    check_ticket,
    fill_seats,
    join_line,
    leave_line,
    name_of,
    read_ticket,
    reward_of,
    ticket_of,
)
from guerdon.web.api.seats.shapes import CheckinShape, TicketShape, Waits, WaitShape
from guerdon.web.outline import operation
from guerdon.web.templating.paper import page
from guerdon.wiring import Live

ROUTER: Final = APIRouter(tags=["Seats"])
Reading = Annotated[Call, Depends(admitted("redemptions:read"))]
Writing = Annotated[Call, Depends(admitted("redemptions:write"))]
_LINE: Final = "/v1/programs/{program}/rewards/{reward}/waiting"
_SHOWN: Final = 200
Language = Annotated[str, Query(max_length=35)]


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who waits, or waits no more."""

    member: Annotated[str, msgspec.Meta(min_length=1, max_length=260)]
    """A member reference."""


class Showing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ticket that somebody shows at the door."""

    code: Annotated[str, msgspec.Meta(max_length=2_000)]
    reward: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """For which reward this door is; tickets for others are refused."""


@ROUTER.post(
    _LINE,
    summary="Wait for a seat",
    **operation(WaitShape, body=Waiting, status=201, also=[(200, WaitShape)]),
)
async def wait(call: Writing, program: str, reward: str) -> Response:
    """200 for who waits already. A seat that comes free is the first one's at once, for its price."""
    asked = call.read(Waiting)

    def act(tx: Tx) -> tuple[int, WaitShape]:
        line = _line(tx, call, (program, reward), asked.member)
        one, created = join_line(tx, line)
        return 201 if created else 200, show_wait(tx, one)

    said = await to_thread.run_sync(once, call, act)
    await to_thread.run_sync(fill_seats, call.house, call.tenant_id, program, (reward, call.now))
    return said


@ROUTER.post(f"{_LINE}/leave", summary="Wait no more", **operation(WaitShape, body=Waiting))
def wait_no_more(call: Writing, program: str, reward: str) -> Response:
    """The others move up."""
    asked = call.read(Waiting)

    def act(tx: Tx) -> tuple[int, WaitShape]:
        line = _line(tx, call, (program, reward), asked.member)
        return 200, show_wait(tx, leave_line(tx, line))

    return once(call, act)


@ROUTER.get(_LINE, summary="Who waits for a seat", **operation(Waits))
def line(call: Reading, program: str, reward: str) -> Response:
    """The first 200 in line, whoever is next first."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        reward_of(live, reward)
        there = list_line(tx, live.program_id, reward, _SHOWN)
    return answer(Waits(data=[_shown(one, place) for place, one in enumerate(there, 1)], next=None))


@ROUTER.get("/v1/programs/{program}/waiting", summary="Where a member waits", **operation(Waits))
def waits(call: Reading, program: str, member: Annotated[str, Query(max_length=260)]) -> Response:
    """Each line in which the member stands, and at which place."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        found = _member(tx, call, live, member)
        shown = [show_wait(tx, one) for one in list_of_member(tx, live.program_id, found.member_id)]
    return answer(Waits(data=shown, next=None))


@ROUTER.get(
    "/v1/programs/{program}/redemptions/{redemption}/ticket",
    summary="The ticket of a seat",
    **operation(TicketShape),
)
def ticket(call: Reading, program: str, redemption: str, language: Language = "") -> Response:
    """A signed code, also as a picture, with texts for the member; whoever shows it first comes in."""
    return answer(_ticket(call, program, redemption, language)[2])


@ROUTER.get(
    "/v1/programs/{program}/redemptions/{redemption}/ticket.html",
    summary="The ticket of a seat to print",
    **operation(),
)
def ticket_to_print(call: Reading, program: str, redemption: str, language: Language = "") -> Response:
    """A page that needs nothing else, in the member's language unless another is asked for."""
    live, told, shown = _ticket(call, program, redemption, language)
    return page(write_ticket(live, shown, told), TICKET_POLICY, cache_control="no-store")


@ROUTER.get(
    "/v1/programs/{program}/redemptions/{redemption}/calendar",
    summary="The calendar file of a seat",
    **operation(),
)
def calendar(call: Reading, program: str, redemption: str, language: Language = "") -> Response:
    """iCalendar, as programs for calendars read it, in the member's language unless said.

    Of a seat that was given back, and of what was called off, it takes the entry out; what was moved moves.
    """
    with call.transaction() as tx:
        live, row = _taken(tx, call, program, redemption)
        told = _told(tx, call, (live, row), language)
        entry = load_entry(tx, call.house, live, row, told)
    headers = {"content-disposition": f'attachment; filename="{redemption}.ics"'}
    body = written(entry)
    return Response(body, media_type="text/calendar; charset=utf-8", headers=headers)


@ROUTER.post(
    "/v1/programs/{program}/checkins",
    summary="Let somebody in",
    **operation(CheckinShape, body=Showing, status=201),
)
async def check_in(call: Writing, program: str) -> Response:
    """Each ticket once; the second time it says when somebody came in with it."""
    asked = call.read(Showing)
    live, row = await to_thread.run_sync(_seat, call, program, asked)
    try:
        await call.ask(
            UseRedemption(
                tenant_id=call.tenant_id,
                program=program,
                received_at=call.now,
                once=call.once,
                redemption_id=row.redemption_id,
                by=call.caller.actor,
            )
        )
    except Problem as problem:
        if problem.code not in ("redemption_used", "redemption_cancelled"):
            raise
        # Somebody else came in with it, or gave it back, since it was looked at.
        _, now_is = await to_thread.run_sync(
            _redemption, call, program, number_text("red", row.redemption_id)
        )
        check_ticket(live.program, now_is)
        raise
    shown = CheckinShape(
        redemption=number_text("red", row.redemption_id),
        reward=row.reward,
        name=name_of(live.program, row.reward),
        account=number_text("acc", row.account_id),
        quantity=row.quantity,
        checked_in_at=call.now,
    )
    return answer(shown, 201)


def show_wait(tx: Tx, one: Wait) -> WaitShape:
    """Show a place in a line.

    Args:
        tx: bound to the tenant.
        one: the place.

    Returns:
        What the API answers.
    """
    place = place_in_line(tx, one) if one.state in ("waiting", "called") else None
    return _shown(one, place)


def _shown(one: Wait, place: int | None) -> WaitShape:
    return WaitShape(
        reward=one.reward,
        number=one.number,
        member=number_text("mem", one.member_id),
        state=one.state,
        place=place,
        joined_at=one.joined_at,
        changed_at=one.changed_at,
        reason=one.reason or None,
        redemption=number_text("red", one.redemption_id) if one.redemption_id is not None else None,
    )


def _line(tx: Tx, call: Call, place: tuple[str, str], member: str) -> Line:
    program, reward = place
    live = call.house.live(tx, program)
    return Line(live, reward, _member(tx, call, live, member), call.now)


def _member(tx: Tx, call: Call, live: Live, member: str) -> Found:
    ref = parse_ref(member)
    found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
    if found is None:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    return found


def _redemption(call: Call, program: str, redemption: str) -> tuple[Live, Redemption]:
    with call.transaction() as tx:
        return _taken(tx, call, program, redemption)


def _taken(tx: Tx, call: Call, program: str, redemption: str) -> tuple[Live, Redemption]:
    live = call.house.live(tx, program)
    return live, get_redemption(tx, live.program_id, parse_number("red", redemption) or 0)


def _told(tx: Tx, call: Call, seat: tuple[Live, Redemption], language: str) -> Telling:
    live, row = seat
    return Telling(language or language_of(tx, call.house, (call.tenant_id, live), row), call.now)


def _ticket(call: Call, program: str, redemption: str, language: str) -> tuple[Live, Telling, TicketShape]:
    with call.transaction() as tx:
        live, row = _taken(tx, call, program, redemption)
        signer = signer_of(tx, call, live)
        told = _told(tx, call, (live, row), language)
    return live, told, ticket_of(live.program, row, signer, told.language)


def _seat(call: Call, program: str, asked: Showing) -> tuple[Live, Redemption]:
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        signer = signer_of(tx, call, live)
        if call.once is None:
            return live, read_ticket(tx, live, signer, (asked.code, asked.reward))
        # A repeat with its key gets the first answer, so that what it found used is no fault of its own.
        said = signer.read_ticket(asked.code)
        row = get_redemption(tx, live.program_id, parse_number("red", said.redemption) or 0)
        if asked.reward is not None and row.reward != asked.reward:
            raise Problem.at("/code", "ticket_for_another", f"this ticket is for {row.reward}")
    return live, row
