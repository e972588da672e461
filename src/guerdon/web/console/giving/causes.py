"""Good causes: what charities are due and that they were paid; deeds that wait for somebody to look."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.engine.charity.paying import Office, pay_out
from guerdon.infra.tx import Tx
from guerdon.members.identities import member_ref, resolve
from guerdon.rewards.charity.payouts import Asked, Place, name_of_period, period_of
from guerdon.rewards.deeds.queue import Deed, State, list_waiting
from guerdon.web.api.charity.reckoning import as_csv, causes_of, load_dues, show_due
from guerdon.web.api.deeds.judging import judge, settle, show_deed
from guerdon.web.api.deeds.shapes import DeedShape
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import Person, people_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Acting = Annotated[Visit, Depends(entitled("redemptions:write"))]
_GIVING: Final = "/console/p/{program}/giving"
_SHOWN: Final = 50
_DONE: Final = frozenset({"paid", "approved", "refused"})


@dataclass(frozen=True, slots=True)
class Period:
    """What a period of a cause came to."""

    cause: str
    name: str
    charity: str
    period: str
    donations: int
    total: Decimal
    paid: Decimal
    due: Decimal
    is_over: bool
    references: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A deed that waits."""

    deed: DeedShape
    name: str
    """What it is, as the document says in the reader's language."""
    data: str
    person: Person | None


@ROUTER.get(_GIVING)
def giving(visit: Visitor, program: str, done: str = "") -> Response:
    """Show what is due, and what waits."""
    return _page(visit, program, done=done if done in _DONE else "")


@ROUTER.get(f"{_GIVING}/payouts.csv")
def table(visit: Visitor, program: str) -> Response:
    """Give what is due as a table."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        dues = [show_due(opened.program, one) for one in load_dues(tx, opened.live, None, visit.now)]
    headers = {"content-disposition": f'attachment; filename="{program}-payouts.csv"'}
    return Response(as_csv(dues), media_type="text/csv; charset=utf-8", headers=headers)


@ROUTER.post(f"{_GIVING}/causes/{{cause}}")
async def paid(visit: Acting, program: str, cause: str) -> Response:
    """Note that a charity was paid for a period."""
    try:
        await to_thread.run_sync(_pay, visit, program, cause)
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return await to_thread.run_sync(_refused, visit, program, problem)
    return visit.go(f"/console/p/{program}/giving?done=paid")


@ROUTER.post(f"{_GIVING}/deeds/{{deed}}")
async def judged(visit: Acting, program: str, deed: str) -> Response:
    """Approve or refuse a deed."""
    states: dict[str, State] = {"approve": "approved", "refuse": "refused"}
    state = states.get(visit.field("act", 10))
    if state is None:
        raise Problem("page_not_found", "There is no such page.")
    try:
        await to_thread.run_sync(_judge, visit, program, (deed, state))
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return await to_thread.run_sync(_refused, visit, program, problem)
    return visit.go(f"/console/p/{program}/giving?done={state}")


def _pay(visit: Visit, program: str, cause: str) -> None:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
    if cause not in causes_of(opened.program):
        raise Problem("cause_not_found", "There is no such cause.")
    written = opened.program.definition.causes.get(cause)
    pays_out = written.pays_out if written is not None else "month"
    starts_on, ends_on = period_of(visit.field("period", 10), pays_out)
    house = visit.house
    office = Office(house.database, house.engine, house.ids, visit.tenant_id, program)
    asked = Asked(cause, starts_on, ends_on, visit.field("reference", 200), visit.staff.actor)
    pay_out(office, Place(opened.live.program_id, opened.program.zone), asked, visit.now)


def _judge(visit: Visit, program: str, what: tuple[str, State]) -> None:
    deed, state = what
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        asked = (opened.live.program_id, parse_number("ded", deed), state)
        who = (visit.staff.actor, visit.field("reason", 500), visit.now)
        after = judge(tx, visit.house, asked, who)
    settle(visit.house, (visit.tenant_id, program), after, visit.now)


def _refused(visit: Visit, program: str, problem: Problem) -> Response:
    return _page(visit, program, problem=problem)


def _page(visit: Visit, program: str, *, done: str = "", problem: Problem | None = None) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        periods = _periods(tx, opened, visit)
        deeds = _deeds(tx, opened, visit)
    return visit.page(
        "giving.html",
        422 if problem is not None else 200,
        **framed(opened, "giving"),
        periods=periods,
        deeds=deeds,
        currency=opened.program.currency,
        done=done,
        problem=problem,
    )


def _periods(tx: Tx, opened: Opened, visit: Visit) -> list[Period]:
    found = []
    for one in reversed(load_dues(tx, opened.live, None, visit.now)):
        written = opened.program.definition.causes.get(one.cause)
        found.append(
            Period(
                one.cause,
                opened.voice.called(one.cause, written.name if written is not None else None),
                (written.charity if written is not None else None) or "",
                name_of_period(one.starts_on, one.ends_on),
                one.donations,
                one.given + one.matched,
                one.paid,
                one.due,
                one.is_over,
                ", ".join(each.reference for each in one.payouts if each.reference),
            )
        )
    return found


def _told(opened: Opened, deed: Deed) -> tuple[str, str]:
    """Name a deed, and say what it carries; what has no name is called as the document calls it."""
    kind, text = opened.program.definition.events.get(deed.type), opened.voice.text
    names = {key: text(one.name) for key, one in kind.data.items() if one.name} if kind is not None else {}
    said = [f"{names.get(key, key)} {value}" for key, value in sorted(deed.data.items())]
    return text(kind.name) if kind is not None and kind.name else deed.type, ", ".join(said)


def _deeds(tx: Tx, opened: Opened, visit: Visit) -> list[Waiting]:
    rows = list_waiting(tx, opened.live.program_id, _SHOWN)
    refs = {row.member_id: member_ref(row.member_id) for row in rows}
    found = resolve(tx, opened.desk.vault, opened.live.program_id, list(refs.values()))
    places = {
        number: (found[ref].account_id, number) for number, ref in refs.items() if found.get(ref) is not None
    }
    people = people_of(tx, opened, set(places.values()))
    shown = []
    for row in rows:
        person = people.get(places[row.member_id]) if row.member_id in places else None
        shape = show_deed(tx, visit.house, visit.tenant_id, row)
        shown.append(Waiting(shape, *_told(opened, row), person=person))
    return shown
