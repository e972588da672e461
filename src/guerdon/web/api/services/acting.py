"""What staff does with services, from the API and at the console: a time, done, declined."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from anyio import to_thread

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.answers import accepted
from guerdon.engine.commands import CancelRedemption, Once, SendRedemption, UseRedemption
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rewards.redemptions import Redemption, get_redemption
from guerdon.rewards.services.steps import Noted, Step, add_step, load_steps
from guerdon.web.api.seats.seating import fill_seats
from guerdon.web.house import Premises
from guerdon.wiring import Live

Became = tuple[Noted, datetime | None, str]
"""The state, when it takes place, and a note that names no member."""
_ACTIONS: Final[dict[Noted, str]] = {
    "scheduled": "service.scheduled",
    "done": "service.done",
    "declined": "service.declined",
}


class Staffer(NamedTuple):
    """Who notes something of which service."""

    premises: Premises
    place: tuple[int, str]
    """The tenant, and the program's key."""
    actor: str
    now: datetime
    redemption_id: int


def get_requested(tx: Tx, live: Live, redemption_id: int) -> Redemption:
    """Get a service that a member took.

    Args:
        tx: bound to the tenant.
        live: of which program.
        redemption_id: which.

    Returns:
        Its redemption.

    Raises:
        Problem: `redemption_not_found` or `not_a_service`.
    """
    row = get_redemption(tx, live.program_id, redemption_id)
    if row.kind != "service":
        raise Problem("not_a_service", "only rewards of the kind service are scheduled")
    return row


async def carry_out(
    staff: Staffer, became: Became, once: Once | None = None
) -> tuple[Redemption, Sequence[Step]]:
    """Note what becomes of a service, and tell the engine.

    Args:
        staff: who notes it of which.
        became: what becomes of it.
        once: how a repeat is known; None for a new call.

    Returns:
        The service as it stands, and all that was noted of it.

    Raises:
        Problem: `redemption_not_found`, `not_a_service`, or why not, such as `redemption_used`.
    """
    live = await to_thread.run_sync(_found, staff)
    said = accepted(await staff.premises.waiting.ask(_command(staff, live, became, once)))
    noted = await to_thread.run_sync(_note, staff, live, became, UUID(said.id))
    if became[0] == "declined":
        tenant_id, program = staff.place
        wanted = (noted[0].reward, staff.now)
        await to_thread.run_sync(fill_seats, staff.premises.house, tenant_id, program, wanted)
    return noted


def _found(staff: Staffer) -> Live:
    tenant_id, program = staff.place
    house = staff.premises.house
    with house.database.transaction(tenant_id) as tx:
        live = house.live(tx, program)
        get_requested(tx, live, staff.redemption_id)
    return live


def _command(
    staff: Staffer, live: Live, became: Became, once: Once | None
) -> SendRedemption | UseRedemption | CancelRedemption:
    state, at, note = became
    tenant_id, program = staff.place
    said: dict[str, Any] = {
        "tenant_id": tenant_id,
        "program": program,
        "received_at": staff.now,
        "once": once,
        "by": staff.actor,
        "redemption_id": staff.redemption_id,
    }
    if state == "scheduled":
        assert at is not None, "what is scheduled has a time"
        local = live.program.zone.local(at).strftime("%Y-%m-%d %H:%M")
        return SendRedemption(**said, tracking=f"{local} {note}".strip())
    return UseRedemption(**said) if state == "done" else CancelRedemption(**said)


def _note(staff: Staffer, live: Live, became: Became, event: UUID) -> tuple[Redemption, Sequence[Step]]:
    """Note the step with its line in the audit trail: both once, also where the call is sent again."""
    house, (state, at, note) = staff.premises.house, became
    number = staff.redemption_id
    with house.database.transaction(staff.place[0]) as tx:
        if add_step(tx, (live.program_id, number, event), became, (staff.actor, staff.now)):
            detail = {"at": at.isoformat() if at is not None else None, "note": note}
            what = (_ACTIONS[state], number_text("red", number), live.program_id)
            record(tx, Act(staff.now, staff.actor, *what, detail), house.ids)
        row = get_redemption(tx, live.program_id, number)
        return row, load_steps(tx, live.program_id, [number]).get(number, [])
