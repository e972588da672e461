"""The books: every event with what it moved, newest first."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from guerdon.engine.events import Page, list_events
from guerdon.web.console.opened import framed, open_program
from guerdon.web.console.story import tell
from guerdon.web.console.visits import ConsoleRoute, Visitor
from guerdon.web.console.who import people_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_PAGE: Final = 50


@ROUTER.get("/console/p/{program}/transactions")
def transactions(visit: Visitor, program: str, before: UUID | None = None) -> Response:
    """List what happened and what it moved, newest first, as the index of events has it."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        events = list_events(tx, opened.live.program_id, Page(_PAGE + 1, before))
        people = people_of(tx, opened, {(one.account_id, one.member_id) for one in events[:_PAGE]})
    rows = [
        (one, item, people.get((one.account_id, one.member_id)))
        for one in events[:_PAGE]
        for item in tell(one, opened, visit.saying)
    ]
    return visit.page(
        "transactions.html",
        **framed(opened, "transactions"),
        rows=rows,
        older=events[_PAGE - 1].event_id if len(events) > _PAGE else None,
        newest=before is None,
    )
