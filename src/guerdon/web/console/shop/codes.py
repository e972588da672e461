"""One code: whether it is good, whose it is, what became of it; assigning and revoking it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.events import ask_stored
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rewards.coupons import get_batch, revoke_code
from guerdon.rewards.redemptions import ask_codes, ask_redemptions
from guerdon.web.api.coupons.checking import Asked, check_code, find_code
from guerdon.web.api.coupons.shapes import CouponShape
from guerdon.web.console.opened import Opened, open_program
from guerdon.web.console.shop.coupons import batch_path, list_page
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import Person, people_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Ending = Annotated[Visit, Depends(entitled("coupons:write"))]
WHY_NOT: Final = {
    "coupon_unknown": "No such code was given out.",
    "coupon_mistyped": "A letter of it is wrong: type it again.",
    "coupon_is_gift_card": "It is the code of a gift card: look it up under Gift cards.",
    "coupon_used": "It is used up.",
    "coupon_held": "An open cart holds it.",
    "coupon_cancelled": "The coupon was given back.",
    "coupon_expired": "Its time is over.",
    "coupon_not_yet": "Its time has not come.",
    "coupon_revoked": "It was revoked.",
    "coupon_of_another_member": "It is another member's.",
    "coupon_needs_member": "It is for members: the till must know who buys.",
    "coupon_needs_store": "It is counted by store: the till must say in which one.",
    "limit_reached": "It cannot be used more often in this period.",
    "other_channel": "It is for another channel.",
    "other_store": "It is for another store.",
    "nothing_to_discount": "Its reward takes nothing off a cart.",
}


@dataclass(frozen=True, slots=True)
class Looked:
    """What a code is good for, as the page says it."""

    shape: CouponShape
    why_not: str
    reward: str
    person: Person | None
    batch: str
    """Path of its batch's page; empty where it was granted."""
    batch_name: str
    history: tuple[tuple[datetime, str], ...]
    money_left: Decimal | None
    can_be_revoked: bool


@ROUTER.post("/console/p/{program}/coupons/look")
def look(visit: Visitor, program: str) -> Response:
    """Say what a code is good for; what was typed stands in no address."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        code = visit.field("code_asked", 100)
        looked = _look(tx, visit, opened, code) if code else None
    return list_page(visit, program, looked=looked)


@ROUTER.post("/console/p/{program}/coupons/revoke")
def revoke(visit: Ending, program: str) -> Response:
    """Make one code good no more; a cart that holds it keeps what it was promised."""
    code = visit.field("code_asked", 100)
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        known = find_code(tx, visit, opened.live, code)
        if known is None or known.problem == "coupon_mistyped":
            raise Problem("coupon_not_found", "no batch of this program has this code")
        revoke_code(tx, opened.live.program_id, known, visit.now)
        about = f"coupons {number_text('cpb', known.batch_id)}"
        done = Act(
            visit.now,
            visit.staff.actor,
            "coupon.revoked",
            about,
            opened.live.program_id,
            {"place": known.place},
        )
        record(tx, done, visit.house.ids)
        looked = _look(tx, visit, opened, code)
    return list_page(visit, program, looked=looked)


def _look(tx: Tx, visit: Visit, opened: Opened, code: str) -> Looked:
    shape = check_code(tx, visit, opened.live, code, Asked(None, "", ""))
    account = parse_number("acc", shape.account or "")
    people = people_of(tx, opened, [(account, None)] if account else [])
    batch_id = parse_number("cpb", shape.batch or "")
    batch = get_batch(tx, opened.live.program_id, batch_id) if batch_id is not None else None
    return Looked(
        shape=shape,
        why_not=visit.saying.text(WHY_NOT.get(shape.reason or "", shape.detail or ""))
        if shape.reason
        else "",
        reward=opened.voice.reward(shape.reward) if shape.reward else "",
        person=next(iter(people.values()), None),
        batch=batch_path(opened, batch_id) if batch_id is not None else "",
        batch_name=batch.name if batch is not None else "",
        history=tuple(_history(tx, visit, opened, shape)),
        money_left=Decimal(shape.money_left) if shape.money_left is not None else None,
        can_be_revoked=shape.kind in ("unique", "shared") and shape.reason != "coupon_revoked",
    )


def _history(tx: Tx, visit: Visit, opened: Opened, shape: CouponShape) -> Iterator[tuple[datetime, str]]:
    """Tell what became of a code that was granted; of a batch's codes only counters are kept."""
    say = visit.saying
    granted = ask_codes(tx, opened.live.program_id, [shape.code])().get(shape.code)
    if granted is not None:
        taken = ask_redemptions(tx, [granted[0]], [granted[1]])()[granted[1]]
        event = ask_stored(tx, [taken.account_id], [taken.event_id])().get(taken.event_id)
        order = event.order_id if event is not None else None
        words = say.text("Granted by order {order}", order=order) if order else say.text("Given out")
        yield taken.issued_at, words
        changed = {"used": "Used", "cancelled": "Given back", "sent": "Sent"}.get(taken.status)
        if changed is not None:
            yield taken.changed_at, say.text(changed)
    elif shape.starts_at is not None:
        yield shape.starts_at, say.text("Can be used from here on")
    if shape.free_at is not None:
        yield shape.free_at, say.text("Can be used again from")
    if shape.ends_at is not None:
        yield shape.ends_at, say.text("Over") if shape.ends_at <= visit.now else say.text("Over then")
