"""One order: its sums, what it earned and why, what came back, and taking something back by hand."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_decimal
from guerdon.engine.answers import accepted
from guerdon.engine.audit.explanations import explain_stored
from guerdon.engine.checkouts.promise import read_promise
from guerdon.engine.commands import ReturnOrder
from guerdon.engine.events import StoredEvent
from guerdon.engine.looking.carts import cart_of_order
from guerdon.engine.looking.orders import find_stored_order, load_returns
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.programs.programs import get_version
from guerdon.rewards.cards import load_lines
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.explain import as_data
from guerdon.rules.orders import Order
from guerdon.rules.program import Program
from guerdon.rules.sent import ReturnAsked, ReturnLine
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.shop.orders import order_path
from guerdon.web.console.shop.sold import (
    STATES,
    cards_of,
    lines_of,
    off_line,
    order_of,
    paid_with,
    returns_of,
    shortfall_text,
    state_of,
    taken_off,
)
from guerdon.web.console.story import tell
from guerdon.web.console.typed import ungrouped
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import people_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Returning = Annotated[Visit, Depends(entitled("orders:return"))]
_LINE: Final = "line:"


@ROUTER.get("/console/p/{program}/orders/{event}")
def one_order(visit: Visitor, program: str, event: UUID, done: str = "") -> Response:
    """Show what was sold, what was taken off and by what, what it earned, and what came back."""
    return _page(visit, (program, event), done=done == "returned")


@ROUTER.get("/console/p/{program}/orders/{event}/explanation")
def explanation(visit: Visitor, program: str, event: UUID) -> Response:
    """Run the decision again from what was stored, and say what each campaign came to."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        stored = _order(tx, opened, event)
        told = as_data(explain_stored(tx, opened.desk.vault, opened.program.key, stored))
    return visit.page(
        "explanation.html",
        **framed(opened, "orders"),
        told=told,
        stored=stored,
        base=order_path(opened, stored.event_id),
    )


@ROUTER.post("/console/p/{program}/orders/{event}/returns")
async def take_back(visit: Returning, program: str, event: UUID) -> Response:
    """Record what came back; sending the form twice does it once."""
    try:
        command, path = await to_thread.run_sync(_command, visit, program, event)
        said = accepted(await visit.premises.waiting.ask(command))
    except Problem as problem:
        if problem.code in ("program_not_found", "page_not_found"):
            raise
        shown = partial(_page, visit, (program, event), problem=problem)
        return await to_thread.run_sync(shown)
    if said.status == "applied":
        await to_thread.run_sync(_note, visit, command)
    return visit.go(f"{path}?done=returned")


def _page(
    visit: Visit, names: tuple[str, UUID], *, problem: Problem | None = None, done: bool = False
) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, names[0])
        stored = _order(tx, opened, names[1])
        came = load_returns(tx, [stored]).get(stored.event_id, [])
        quote = _quote(tx, opened, stored)
        order = order_of(stored, _deciding(tx, opened, stored.version))
        people = people_of(tx, opened, [(stored.account_id, stored.member_id)])
        cards = load_lines(tx, cards_of(came))
    told = (opened, visit.saying)
    lines = lines_of(order, quote, came, told)
    earned = [one for one in tell(stored, opened, visit.saying) if one.event == stored.id]
    return visit.page(
        "order.html",
        422 if problem is not None else 200,
        **framed(opened, "orders"),
        stored=stored,
        person=next(iter(people.values()), None),
        state=state_of(came),
        states=STATES,
        lines=lines,
        **_sums(order, quote, told),
        offs=taken_off(stored.decided.effects, opened, visit.saying),
        payments=paid_with(stored, opened, visit.saying),
        earned=earned,
        shortfalls=[shortfall_text(one, opened, visit.saying) for one in stored.decided.shortfalls],
        returns=returns_of(came, {line.id: line.name for line in lines}, cards, told),
        problem=problem,
        done=done,
        base=order_path(opened, stored.event_id),
        typed=visit.form if problem is not None else {},
        once=visit.field("once", 32) or f"console-{secrets.token_hex(6)}",
    )


def _sums(order: Order, quote: Mapping[str, Any], told: tuple[Opened, Any]) -> dict[str, Any]:
    digits = told[0].program.digits

    def money(minor: int) -> Decimal:
        return scaled_decimal(minor, digits)

    lines = sum(line.total_minor for line in order.lines)
    return {
        "subtotal": money(order.subtotal_minor),
        "discount": money(order.subtotal_minor - order.net_minor),
        "tax": money(order.tax_minor),
        "shipping": money(order.shipping_minor),
        "shipping_offs": tuple(off_line(one, told) for one in quote.get("shipping", {}).get("discounts", ())),
        "total": money(order.total_minor),
        "has_shipping": order.total_minor != lines or bool(order.shipping_minor),
        "tax_inside": order.net_minor + order.shipping_minor + order.tax_minor > order.total_minor,
    }


def _quote(tx: Tx, opened: Opened, stored: StoredEvent) -> Mapping[str, Any]:
    """Give the quote of the checkout that the order confirmed; empty where it came of none."""
    prefix = "checkout-"
    if not stored.id.startswith(prefix):
        return {}
    try:
        checkout = UUID(stored.id.removeprefix(prefix))
    except ValueError:
        return {}
    row = cart_of_order(tx, opened.live.program_id, stored.account_id, checkout)
    quote: Mapping[str, Any] = read_promise(row).quote if row is not None else {}
    return quote


def _order(tx: Tx, opened: Opened, event: UUID) -> StoredEvent:
    stored = find_stored_order(tx, opened.live.program_id, event)
    if stored is None:
        raise Problem("page_not_found", "There is no such page.")
    return stored


def _deciding(tx: Tx, opened: Opened, version: int) -> Program:
    if version == opened.program.version:
        return opened.program
    text = get_version(tx, opened.program.key, version).canonical
    return compile_program(load_definition(text), version)


def _command(visit: Visit, program: str, event: UUID) -> tuple[ReturnOrder, str]:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        stored = _order(tx, opened, event)
    everything = bool(visit.form.get("all"))
    lines = () if everything else tuple(_lines(visit))
    shipping = bool(visit.form.get("shipping"))
    if not everything and not lines and not shipping:
        detail = "Say what came back: a number beside a line, or everything. Nothing was changed."
        raise Problem.at("/lines", "return_empty", detail)
    asked = ReturnAsked(stored.order_id or "", visit.field("once", 32), lines, everything, shipping)
    command = ReturnOrder(
        tenant_id=visit.tenant_id,
        program=program,
        received_at=visit.now,
        asked=asked,
        source=stored.source,
    )
    return command, order_path(opened, stored.event_id)


def _lines(visit: Visit) -> list[ReturnLine]:
    lines = []
    for name, text in visit.form.items():
        typed = ungrouped(text)
        if not name.startswith(_LINE) or not typed:
            continue
        try:
            quantity = Decimal(typed)
        except InvalidOperation:
            quantity = Decimal("NaN")
        if not quantity.is_finite():
            detail = "A quantity is a number, such as 1 or 0.5. Nothing was changed."
            raise Problem.at("/lines", "quantity_invalid", detail)
        if quantity:
            lines.append(ReturnLine(name.removeprefix(_LINE), quantity))
    return lines


def _note(visit: Visit, command: ReturnOrder) -> None:
    asked = command.asked
    detail = {
        "program": command.program,
        "return": asked.id,
        "all": asked.all,
        "lines": {line.id: str(line.quantity) for line in asked.lines},
        "shipping": asked.refund_shipping,
    }
    with visit.transaction() as tx:
        act = Act(visit.now, visit.staff.actor, "order.returned", f"order:{asked.order}", detail=detail)
        record(tx, act, visit.house.ids)
