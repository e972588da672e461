"""The books: every event with what it moved, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from guerdon.base.ids import number_text
from guerdon.engine.events import Page, StoredEvent, list_events
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found
from guerdon.members.members import load_profiles
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.story import tell
from guerdon.web.console.visits import ConsoleRoute, Visitor

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_PAGE: Final = 50


@ROUTER.get("/console/p/{program}/transactions")
def transactions(visit: Visitor, program: str, before: UUID | None = None) -> Response:
    """List what happened and what it moved, newest first, as the index of events has it."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        events = list_events(tx, opened.live.program_id, Page(_PAGE + 1, before))
        names = _names(tx, opened, events[:_PAGE])
    rows = [
        (one, item, names.get(one.member_id or 0, ""))
        for one in events[:_PAGE]
        for item in tell(one, opened, visit.saying)
    ]
    return visit.page(
        "transactions.html",
        **framed(opened, "transactions"),
        rows=rows,
        member_id=lambda number: number_text("mem", number),
        older=events[_PAGE - 1].event_id if len(events) > _PAGE else None,
        newest=before is None,
    )


def _names(tx: Tx, opened: Opened, events: Sequence[StoredEvent]) -> dict[int, str]:
    found = {Found(one.account_id, one.member_id) for one in events if one.member_id is not None}
    members = load_profiles(tx, opened.desk, list(found))
    return {
        number: one.profile.name or one.profile.external_id or one.profile.card
        for number, one in members.items()
    }
