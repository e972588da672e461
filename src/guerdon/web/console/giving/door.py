"""The door: who comes in with which ticket, how many came, and who waits for a seat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.engine.answers import accepted
from guerdon.engine.commands import UseRedemption
from guerdon.infra.tx import Tx
from guerdon.rewards.access_keys import load_signer
from guerdon.rewards.counting import Counts, count_redemptions
from guerdon.rewards.redemptions import Redemption
from guerdon.rewards.seats.waiting import count_waiting, seats_left
from guerdon.web.api.seats.seating import read_ticket
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import Person, people_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Acting = Annotated[Visit, Depends(entitled("redemptions:write"))]
_KINDS: Final = frozenset({"event", "experience"})


@dataclass(frozen=True, slots=True)
class Event:
    """Something that takes place."""

    key: str
    name: str
    at: date | None
    counts: Counts
    left: int | None
    """Seats that nobody has; None where there is no end."""
    waiting: int


@dataclass(frozen=True, slots=True)
class Entered:
    """Who came in."""

    reward: str
    quantity: int
    person: Person | None


@ROUTER.get("/console/p/{program}/door")
def door(visit: Visitor, program: str) -> Response:
    """Show what takes place, and take tickets."""
    return _page(visit, program)


@ROUTER.post("/console/p/{program}/door")
async def enter(visit: Acting, program: str) -> Response:
    """Let somebody in; the same page takes the next ticket."""
    try:
        entered = await _enter(visit, program)
    except Problem as problem:
        return await to_thread.run_sync(_refused, visit, program, problem)
    return await to_thread.run_sync(_page, visit, program, entered)


async def _enter(visit: Visit, program: str) -> Entered:
    row = await to_thread.run_sync(_ticket, visit, program)
    command = UseRedemption(
        tenant_id=visit.tenant_id,
        program=program,
        received_at=visit.now,
        redemption_id=row.redemption_id,
        by=visit.staff.actor,
    )
    accepted(await visit.premises.waiting.ask(command))
    return await to_thread.run_sync(_entered, visit, program, row)


def _ticket(visit: Visit, program: str) -> Redemption:
    code, reward = visit.field("code", 2_000), visit.field("reward", 200)
    digest = visit.house.vault(visit.tenant_id).digest
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        signer = load_signer(tx, digest, (opened.live.program_id, program), visit.now)
        return read_ticket(tx, opened.live, signer, (code, reward or None))


def _entered(visit: Visit, program: str, row: Redemption) -> Entered:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        whom = (row.account_id, row.member_id)
        person = people_of(tx, opened, {whom}).get(whom)
        return Entered(opened.voice.reward(row.reward), row.quantity, person)


def _refused(visit: Visit, program: str, problem: Problem) -> Response:
    return _page(visit, program, problem=problem)


def _page(
    visit: Visit, program: str, entered: Entered | None = None, problem: Problem | None = None
) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        events = _events(tx, opened, visit)
    return visit.page(
        "door.html",
        422 if problem is not None else 200,
        **framed(opened, "door"),
        events=events,
        chosen=visit.form.get("reward", ""),
        entered=entered,
        problem=problem,
    )


def _events(tx: Tx, opened: Opened, visit: Visit) -> list[Event]:
    counts = count_redemptions(tx, opened.live.program_id)
    waiting = count_waiting(tx, opened.live.program_id)
    found = []
    for key, written in opened.program.definition.rewards.items():
        reward = opened.program.rewards[key]
        if reward.kind in _KINDS:
            left = None
            if reward.stock is not None:
                left = seats_left(tx, opened.live.program_id, reward, visit.now)
            counted = counts.get(key, Counts())
            found.append(Event(key, opened.voice.reward(key), written.at, counted, left, waiting.get(key, 0)))
    return found
