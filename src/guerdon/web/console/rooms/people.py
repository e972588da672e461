"""A person's rights at the desk: everything that is kept about them as a file, and forgetting them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text
from guerdon.base.ids import number_text
from guerdon.engine.boards.looking import export_places
from guerdon.engine.community.forgetting import forget_person
from guerdon.engine.events import Page, list_events
from guerdon.infra.tx import Tx
from guerdon.ledger.statements import Posted, list_transactions
from guerdon.members.members import Member, get_member
from guerdon.members.merging.moving import list_merged
from guerdon.members.privacy import Erasure, export_member
from guerdon.programs.audit import Act, record
from guerdon.web.console.opened import Opened, framed, member_path, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import ref_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Exporting = Annotated[Visit, Depends(entitled("members:export"))]
Erasing = Annotated[Visit, Depends(entitled("members:erase"))]
_PATH: Final = "/console/p/{program}/members/{member}/data"
_AT_ONCE: Final = 1_000


@ROUTER.get(_PATH)
def their_data(visit: Visitor, program: str, member: str) -> Response:
    """Offer to export a person's data, and to forget them."""
    return _page(visit, program, member)


@ROUTER.post(_PATH + "/export")
def export(visit: Exporting, program: str, member: str) -> Response:
    """Give everything that is kept about a person, as one file; that it was asked is written down."""
    ref = ref_of(member)
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        found = get_member(tx, opened.desk, ref)
        told = export_member(tx, opened.desk, ref)
        told["events"] = _events(tx, opened, found)
        told |= export_places(tx, opened.desk.vault, opened.live.program_id, found.account_id)
        # What an account had that was merged into theirs stands in its own journal.
        accounts = (found.account_id, *list_merged(tx, [found.account_id]))
        told["transactions"] = [row for one in accounts for row in _transactions(tx, opened, one)]
        act = Act(visit.now, visit.staff.actor, "member.exported", member, opened.live.program_id)
        record(tx, act, visit.house.ids)
    body = json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n"
    headers = {"content-disposition": f'attachment; filename="{member}.json"'}
    return Response(body, media_type="application/json", headers=headers)


@ROUTER.post(_PATH + "/erase")
def erase(visit: Erasing, program: str, member: str) -> Response:
    """Forget a person, once their card was typed; their account and its ledger stay and still add up."""
    ref = ref_of(member)
    try:
        with visit.transaction() as tx:
            opened = open_program(tx, visit, program)
            found = get_member(tx, opened.desk, ref)
            if not _is_card(visit.field("card", 60), found.profile.card):
                detail = "The card that was typed is not this person's. Nobody was forgotten."
                raise Problem.at("/card", "card_wrong", detail)
            vault = visit.house.vault(visit.tenant_id)
            erasure = Erasure(vault, opened.live.program_id, ref, visit.staff.actor, visit.now)
            forget_person(tx, erasure, visit.house.ids)
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return _page(visit, program, member, problem=problem)
    return visit.page(
        "person_gone.html",
        **framed(opened, "members"),
        shown_id=member,
        account=number_text("acc", found.account_id),
    )


def _is_card(typed: str, card: str) -> bool:
    return bool(card) and typed.replace(" ", "").replace("-", "").upper() == card.upper()


def _page(visit: Visit, program: str, member: str, *, problem: Problem | None = None) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        found = get_member(tx, opened.desk, ref_of(member))
    return visit.page(
        "person.html",
        422 if problem is not None else 200,
        **framed(opened, "members"),
        member=found,
        shown_id=member,
        back=member_path(opened, found.member_id),
        problem=problem,
    )


def _events(tx: Tx, opened: Opened, member: Member) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    before = None
    while True:
        page = list_events(tx, opened.live.program_id, Page(_AT_ONCE, before, member.account_id))
        told += [
            {
                "id": one.id or str(one.event_id),
                "source": one.source,
                "type": one.type,
                "occurred_at": one.occurred_at.isoformat(),
                "booked_at": one.booked_at.isoformat(),
                "body": json.loads(one.text),
            }
            for one in page
        ]
        if len(page) < _AT_ONCE:
            return told
        before = page[-1].event_id


def _transactions(tx: Tx, opened: Opened, account_id: int) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    before = None
    while True:
        page = list_transactions(tx, account_id, _AT_ONCE, before)
        told += [_transaction(opened, one) for one in page]
        if len(page) < _AT_ONCE:
            return told
        before = page[-1].seq


def _transaction(opened: Opened, one: Posted) -> dict[str, Any]:
    scale = opened.program.scales.get(one.wallet, 0)
    return {
        "number": one.seq,
        "kind": one.kind,
        "wallet": one.wallet,
        "at": one.booked_at.isoformat(),
        "reason": one.reason,
        "entries": [
            {
                "book": entry.book,
                "amount": scaled_text(entry.amount, scale),
                "available_at": entry.available_at.isoformat() if entry.available_at else None,
                "expires_at": entry.expires_at.isoformat() if entry.expires_at else None,
            }
            for entry in one.entries
        ],
    }
