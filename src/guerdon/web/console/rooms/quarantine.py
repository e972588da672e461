"""Quarantine: what a fault of the engine kept from being applied, and putting it away with a reason."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.engine.events import discard_quarantined, list_quarantine
from guerdon.engine.keys import ask_events
from guerdon.programs.audit import Act, record
from guerdon.web.console.opened import framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Discarding = Annotated[Visit, Depends(entitled("jobs:run"))]
_MOST: Final = 200


@ROUTER.get("/console/p/{program}/quarantine")
def quarantine(visit: Visitor, program: str, done: str = "") -> Response:
    """List the commands that a fault of the engine's own kept from being applied."""
    return _page(visit, program, done=done == "yes")


@ROUTER.post("/console/p/{program}/quarantine/{number}")
def discard(visit: Discarding, program: str, number: UUID) -> Response:
    """Put a command away, for a reason that the audit trail keeps."""
    reason = visit.field("reason", 300)
    if not reason:
        detail = "Putting it away needs a reason. Nothing was changed."
        return _page(visit, program, problem=Problem.at("/reason", "reason_missing", detail))
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        gone = discard_quarantined(tx, opened.live.program_id, number)
        said = {name: getattr(gone, name) for name in ("kind", "source", "id", "fault")} | {"reason": reason}
        act = Act(visit.now, visit.staff.actor, "quarantine.discarded", str(number), gone.program_id, said)
        record(tx, act, visit.house.ids)
    return visit.go(f"{opened.path}/quarantine?done=yes")


def _page(visit: Visit, program: str, *, problem: Problem | None = None, done: bool = False) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        rows = list_quarantine(tx, opened.live.program_id, _MOST)
        pairs = {(one.source, one.id) for one in rows if one.id}
        known = ask_events(tx, opened.live.program_id, pairs)()
    return visit.page(
        "quarantine.html",
        422 if problem is not None else 200,
        **framed(opened, "quarantine"),
        rows=[(one, (one.source, one.id) in known) for one in rows],
        most=_MOST,
        problem=problem,
        done=done,
    )
