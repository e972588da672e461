"""Calls about services that members took: an adviser's hour, a repair, a fitting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.rewards.redemptions import Page, Redemption, Status, list_redemptions
from guerdon.rewards.services.steps import Step, load_steps, state_of
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.services.acting import Became, Staffer, carry_out, get_requested
from guerdon.web.api.shapes import Answered
from guerdon.web.outline import operation
from guerdon.wiring import Live

ROUTER: Final = APIRouter(tags=["Services"])
Reading = Annotated[Call, Depends(admitted("redemptions:read"))]
Writing = Annotated[Call, Depends(admitted("redemptions:write"))]
_SERVICES: Final = "/v1/programs/{program}/services"
_SERVICE: Final = f"{_SERVICES}/{{redemption}}"
_STATUS: Final[dict[str, Status]] = {
    "requested": "issued",
    "scheduled": "sent",
    "done": "used",
    "declined": "cancelled",
}


class AppointmentStep(Answered, frozen=True):
    """One thing that was noted."""

    state: str
    at: datetime | None
    note: str | None
    by: str
    noted_at: datetime


class AppointmentShape(Answered, frozen=True):
    """A service that a member took."""

    redemption: str
    reward: str
    account: str
    member: str | None
    quantity: int
    state: Literal["requested", "scheduled", "done", "declined", "given_back"]
    at: datetime | None
    """When it takes place, where that is known."""
    requested_at: datetime
    changed_at: datetime
    steps: Sequence[AppointmentStep]


class Appointments(Answered, frozen=True):
    """Services, newest first."""

    data: Sequence[AppointmentShape]
    next: str | None


class Scheduling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a service takes place."""

    at: datetime
    note: Annotated[str, msgspec.Meta(max_length=150)] = ""
    """Such as who does it, or where; nothing that names the member."""


class Declining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a service is not done."""

    reason: Annotated[str, msgspec.Meta(max_length=150)] = ""
    """Nothing that names the member, who may read it."""


@ROUTER.get(_SERVICES, summary="List services", **operation(Appointments))
def services(
    call: Reading,
    program: str,
    wanted: Paged,
    state: Annotated[Literal["requested", "scheduled", "done", "declined"] | None, Query()] = None,
) -> Response:
    """Newest first; `state=requested` is what somebody has to give a time."""
    status = _STATUS[state] if state is not None else None
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        page = Page(wanted.limit + 1, wanted.after(int), None, status, "service")
        rows = list_redemptions(tx, live.program_id, page)
        steps = load_steps(tx, live.program_id, [one.redemption_id for one in rows])
    return listing(
        rows, wanted, lambda row: row.redemption_id, lambda row: _shown(row, steps.get(row.redemption_id, []))
    )


@ROUTER.get(_SERVICE, summary="One service", **operation(AppointmentShape))
def one(call: Reading, program: str, redemption: str) -> Response:
    """How it stands, and what was noted of it."""
    with call.transaction() as tx:
        live, row = _taken(tx, call, program, redemption)
        steps = load_steps(tx, live.program_id, [row.redemption_id])
    return answer(_shown(row, steps.get(row.redemption_id, [])))


@ROUTER.post(
    f"{_SERVICE}/schedule", summary="Give a service a time", **operation(AppointmentShape, body=Scheduling)
)
async def schedule(call: Writing, program: str, redemption: str) -> Response:
    """A second time moves it. Who listens to `redemption.sent` hears the day and the note."""
    asked = call.read(Scheduling)
    if asked.at <= call.now:
        raise Problem.at("/at", "time_over", "a service takes place later than now")
    return await _noted(call, program, redemption, ("scheduled", asked.at, asked.note))


@ROUTER.post(f"{_SERVICE}/done", summary="Note that a service was done", **operation(AppointmentShape))
async def done(call: Writing, program: str, redemption: str) -> Response:
    """It cannot be given back any more."""
    return await _noted(call, program, redemption, ("done", None, ""))


@ROUTER.post(
    f"{_SERVICE}/decline", summary="Decline a service", **operation(AppointmentShape, body=Declining)
)
async def decline(call: Writing, program: str, redemption: str) -> Response:
    """Its units, stock and limits go back to the member."""
    asked = call.read(Declining)
    return await _noted(call, program, redemption, ("declined", None, asked.reason))


async def _noted(call: Call, program: str, redemption: str, became: Became) -> Response:
    staff = Staffer(
        call.premises,
        (call.tenant_id, program),
        call.caller.actor,
        call.now,
        parse_number("red", redemption) or 0,
    )
    row, steps = await carry_out(staff, became, call.once)
    return answer(_shown(row, steps))


def _taken(tx: Tx, call: Call, program: str, redemption: str) -> tuple[Live, Redemption]:
    live = call.house.live(tx, program)
    return live, get_requested(tx, live, parse_number("red", redemption) or 0)


def _shown(row: Redemption, steps: Sequence[Step]) -> AppointmentShape:
    times = [one.at for one in steps if one.state == "scheduled"]
    return AppointmentShape(
        redemption=number_text("red", row.redemption_id),
        reward=row.reward,
        account=number_text("acc", row.account_id),
        member=number_text("mem", row.member_id) if row.member_id is not None else None,
        quantity=row.quantity,
        state=state_of(row.status, steps),
        at=times[-1] if times else None,
        requested_at=row.issued_at,
        changed_at=row.changed_at,
        steps=[
            AppointmentStep(
                state=one.state, at=one.at, note=one.note or None, by=one.actor, noted_at=one.noted_at
            )
            for one in steps
        ],
    )
