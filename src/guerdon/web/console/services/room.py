"""Services: what is due, what waits for a time, what comes; and what became of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.rewards.redemptions import Page, Redemption, Status, list_redemptions
from guerdon.rewards.services.steps import State, Step, load_steps, state_of
from guerdon.web.api.services.acting import Became, Staffer, carry_out
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import Person, people_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Acting = Annotated[Visit, Depends(entitled("redemptions:write"))]
_SERVICES: Final = "/console/p/{program}/services"
_OPEN_SHOWN: Final = 300
"""Of what waits for a time, and of what has one, each: the oldest."""
_OVER_SHOWN: Final = 100
VIEWS: Final = {"open": "To do", "done": "Done", "declined": "Declined or given back"}
"""What a view is called; `say.text` translates it, as all of these."""
STATES: Final[dict[State, str]] = {
    "requested": "Asked for",
    "scheduled": "Has a time",
    "done": "Done",
    "declined": "Declined",
    "given_back": "Given back",
}
DONE: Final = {
    "scheduled": "It has a time now; the member is told.",
    "done": "Noted as done.",
    "declined": "Declined; the member has the units back.",
}
_FAR: Final = 9999


@dataclass(frozen=True, slots=True)
class Row:
    """A service as staff sees it."""

    number: str
    name: str
    quantity: int
    choice: str
    """What the member said of it."""
    person: Person | None
    state: State
    at: datetime | None
    """When it takes place."""
    local: str
    """The same on the program's clock, as a field of a form takes it."""
    is_due: bool
    """Whether its time has come."""
    asked_at: datetime
    changed_at: datetime
    notes: tuple[str, ...]
    """What staff noted, oldest first."""

    @property
    def order(self) -> tuple[int, float]:
        """What comes first: what is due, what waits for a time the longest, what comes soonest."""
        if self.is_due:
            return 0, self.at.timestamp() if self.at is not None else 0
        if self.state == "requested":
            return 1, self.asked_at.timestamp()
        return 2, self.at.timestamp() if self.at is not None else float(_FAR)


@ROUTER.get(_SERVICES)
def services(visit: Visitor, program: str, view: str = "open", done: str = "") -> Response:
    """Show what is to do, due ones first, or what became of others."""
    return _page(visit, program, view, done=done)


@ROUTER.post(f"{_SERVICES}/{{redemption}}")
async def note(visit: Acting, program: str, redemption: str) -> Response:
    """Give a service a time or move it, note that it was done, or decline it with a reason."""
    try:
        became = await to_thread.run_sync(_became, visit, program)
        number = parse_number("red", redemption) or 0
        staff = Staffer(visit.premises, (visit.tenant_id, program), visit.staff.actor, visit.now, number)
        await carry_out(staff, became)
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return await to_thread.run_sync(_refused, visit, program, (problem, redemption))
    return visit.go(f"/console/p/{program}/services?done={became[0]}")


def _became(visit: Visit, program: str) -> Became:
    act = visit.field("act", 20)
    if act == "done":
        return "done", None, ""
    if act == "declined":
        reason = visit.field("reason", 150)
        if not reason:
            raise Problem.at("/reason", "reason_missing", "Say why; the member may read it.")
        return "declined", None, reason
    if act != "scheduled":
        raise Problem("page_not_found", "There is no such page.")
    with visit.transaction() as tx:
        zone = open_program(tx, visit, program).program.zone
    try:
        local = datetime.fromisoformat(visit.field("at", 40))
    except ValueError:
        raise Problem.at("/at", "time_invalid", "Say a day and a time, such as 2027-03-01 15:00.") from None
    at = local if local.tzinfo is not None else local.replace(tzinfo=zone.info)
    if at <= visit.now:
        raise Problem.at("/at", "time_over", "A service takes place later than now.")
    return "scheduled", at, visit.field("note", 150)


def _refused(visit: Visit, program: str, wrong: tuple[Problem, str]) -> Response:
    return _page(visit, program, "open", wrong=wrong)


def _page(
    visit: Visit, program: str, view: str, *, done: str = "", wrong: tuple[Problem, str] | None = None
) -> Response:
    view = view if view in VIEWS else "open"
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        rows = _rows(tx, visit, opened, _listed(tx, opened, view))
    if view == "open":
        rows.sort(key=lambda one: one.order)
    return visit.page(
        "services.html",
        422 if wrong is not None else 200,
        **framed(opened, "services"),
        rows=rows,
        due=sum(one.is_due for one in rows),
        view=view,
        views=VIEWS,
        states=STATES,
        done=DONE.get(done, ""),
        problem=wrong[0] if wrong is not None else None,
        wrong=wrong[1] if wrong is not None else "",
        typed=visit.form,
    )


def _listed(tx: Tx, opened: Opened, view: str) -> list[Redemption]:
    program_id = opened.live.program_id

    def some(status: Status, limit: int, *, oldest: bool) -> list[Redemption]:
        page = Page(limit, status=status, kind="service", is_oldest_first=oldest)
        return list_redemptions(tx, program_id, page)

    if view == "open":
        return some("issued", _OPEN_SHOWN, oldest=True) + some("sent", _OPEN_SHOWN, oldest=True)
    return some("used" if view == "done" else "cancelled", _OVER_SHOWN, oldest=False)


def _rows(tx: Tx, visit: Visit, opened: Opened, rows: Sequence[Redemption]) -> list[Row]:
    steps = load_steps(tx, opened.live.program_id, [one.redemption_id for one in rows])
    people = people_of(tx, opened, {(one.account_id, one.member_id) for one in rows})
    return [
        _row(
            visit,
            opened,
            one,
            (steps.get(one.redemption_id, []), people.get((one.account_id, one.member_id))),
        )
        for one in rows
    ]


def _row(visit: Visit, opened: Opened, one: Redemption, beside: tuple[Sequence[Step], Person | None]) -> Row:
    steps, person = beside
    times = [step.at for step in steps if step.state == "scheduled"]
    at = times[-1] if times else None
    zone = opened.program.zone
    state = state_of(one.status, steps)
    return Row(
        number_text("red", one.redemption_id),
        opened.voice.reward(one.reward),
        one.quantity,
        one.choice,
        person,
        state,
        at,
        zone.local(at).strftime("%Y-%m-%dT%H:%M") if at is not None else "",
        state == "scheduled" and at is not None and at <= visit.now,
        one.issued_at,
        one.changed_at,
        tuple(step.note for step in steps if step.note),
    )
