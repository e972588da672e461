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
from guerdon.members.members import load_eldest, load_profiles
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
        people = _people(tx, opened, events[:_PAGE])
    rows = [
        (one, item, people.get(one.event_id))
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


def _people(tx: Tx, opened: Opened, events: Sequence[StoredEvent]) -> dict[UUID, tuple[int, str]]:
    """Say whom each event is about; where it names nobody, who stands for the account."""
    found = {Found(one.account_id, one.member_id) for one in events if one.member_id is not None}
    alone = {one.account_id for one in events if one.member_id is None and one.account_id}
    members = load_profiles(tx, opened.desk, list(found))
    eldest = load_eldest(tx, opened.desk, alone)
    people = {}
    for one in events:
        named = eldest.get(one.account_id) if one.member_id is None else members.get(one.member_id)
        if named is not None:
            name = named.profile.name or named.profile.external_id or named.profile.card
            people[one.event_id] = named.member_id, name
    return people
