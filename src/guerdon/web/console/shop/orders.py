"""Orders: by day, by number or by who bought; one order with its sums, and what came back of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from guerdon.base.exact import scaled_decimal
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.events import StoredEvent, find_orders
from guerdon.engine.looking.carts import count_carts
from guerdon.engine.looking.orders import OrdersPage, list_orders, load_returns
from guerdon.infra.tx import Tx
from guerdon.members.members import search_members
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.shop.pages import cursor_text, read_cursor, read_day
from guerdon.web.console.shop.sold import STATES, order_of, refund_of, state_of
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor
from guerdon.web.console.who import Person, Whom, people_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_PAGE: Final = 40
_CARTS_AT_MOST: Final = 100
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Row:
    """An order in a list, or what came back of one."""

    stored: StoredEvent
    order_id: str
    path: str
    state: str
    money: Decimal
    """What the order came to, or what went back."""
    person: Person | None
    """Who bought."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which orders are wanted."""

    account: str = ""
    day: str = ""
    before: str = ""
    which: str = ""
    order: str = ""


def _asked(account: str = "", day: str = "", before: str = "", which: str = "") -> Asked:
    return Asked(account[:40], day[:10], before[:80], which[:10])


@ROUTER.get("/console/p/{program}/orders")
def orders(visit: Visitor, program: str, asked: Annotated[Asked, Depends(_asked)]) -> Response:
    """List orders, the latest first; of one day or one account, or only what came back."""
    return _list_page(visit, program, asked)


@ROUTER.post("/console/p/{program}/orders")
def search(visit: Visitor, program: str) -> Response:
    """Go to the order that was typed, or to the orders of whoever was."""
    text = visit.field("q", 200)
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        found = find_orders(tx, opened.live.program_id, text) if text else []
        people = search_members(tx, opened.desk, text, limit=2).members if text and not found else []
    if len(found) == 1:
        return visit.go(order_path(opened, found[0].event_id))
    if found:
        return _list_page(visit, program, Asked(order=text))
    if len({one.account_id for one in people}) == 1:
        return visit.go(f"{opened.path}/orders?account={number_text('acc', people[0].account_id)}")
    return _list_page(visit, program, Asked(), missed=bool(text))


def order_path(opened: Opened, event_id: UUID) -> str:
    """Say where an order's page is.

    Args:
        opened: the program.
        event_id: the event that paid it.

    Returns:
        Path.
    """
    return f"{opened.path}/orders/{event_id}"


def _list_page(visit: Visit, program: str, asked: Asked, *, missed: bool = False) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        account_id = parse_number("acc", asked.account) if asked.account else None
        stored = _wanted(tx, opened, asked, account_id)
        rows = _rows(tx, opened, stored[:_PAGE], undone=asked.which == "undone")
        whose = people_of(tx, opened, [(account_id, None)] if account_id else [])
        carts = count_carts(tx, opened.live.program_id, visit.now, _CARTS_AT_MOST)
    last = stored[_PAGE - 1] if len(stored) > _PAGE else None
    return visit.page(
        "orders.html",
        **framed(opened, "orders"),
        rows=rows,
        states=STATES,
        asked=asked,
        day=read_day(asked.day),
        whose=next(iter(whose.values()), None),
        older=cursor_text(last.occurred_at, last.event_id) if last is not None else "",
        carts=carts,
        carts_most=_CARTS_AT_MOST,
        missed=missed,
    )


def _wanted(tx: Tx, opened: Opened, asked: Asked, account_id: int | None) -> list[StoredEvent]:
    program_id = opened.live.program_id
    if asked.order:
        return find_orders(tx, program_id, asked.order)
    if asked.account and account_id is None:
        return []
    day, zone = read_day(asked.day), opened.program.zone
    page = OrdersPage(
        _PAGE + 1,
        read_cursor(asked.before),
        account_id,
        zone.start_of(day) if day is not None else None,
        zone.start_of(day + _ONE_DAY) if day is not None else None,
        "undone" if asked.which == "undone" else "paid",
    )
    return list_orders(tx, program_id, page)


def _rows(tx: Tx, opened: Opened, stored: Sequence[StoredEvent], *, undone: bool) -> list[Row]:
    people = people_of(tx, opened, {(one.account_id, one.member_id) for one in stored})
    if undone:
        return [row for one in stored for row in _undone(opened, one, people)]
    came = load_returns(tx, stored)
    return [
        Row(
            one,
            one.order_id or "",
            order_path(opened, one.event_id),
            state_of(came.get(one.event_id, ())),
            scaled_decimal(order_of(one, opened.program).total_minor, opened.program.digits),
            people.get((one.account_id, one.member_id)),
        )
        for one in stored
    ]


def _undone(opened: Opened, event: StoredEvent, people: Mapping[Whom, Person]) -> Iterator[Row]:
    returned = event.decided.returned
    if returned is not None:
        kind = "returned" if returned.is_last else "part"
        yield Row(
            event,
            returned.order,
            order_path(opened, UUID(returned.order_event)),
            "cancelled" if event.type == "order.cancelled" else kind,
            refund_of(returned, opened.program.digits),
            people.get((event.account_id, event.member_id)),
        )
