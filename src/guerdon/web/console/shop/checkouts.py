"""Open carts: who has them, what they come to, what they hold and until when; letting one go by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import accepted
from guerdon.engine.checkouts.promise import Promise, read_promise
from guerdon.engine.checkouts.rows import CheckoutRow
from guerdon.engine.commands import CancelCheckout
from guerdon.engine.looking.carts import Held, find_cart, list_carts, load_held
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rewards.coupons import get_batch
from guerdon.rewards.redemptions import ask_redemptions
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.shop.pages import cursor_text, read_cursor
from guerdon.web.console.shop.sold import TENDERS, counter_name, off_line
from guerdon.web.console.story import Line
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import Person, people_of
from guerdon.web.languages.saying import Saying

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Cancelling = Annotated[Visit, Depends(entitled("checkouts:cancel"))]
Named = Annotated[str, Query(max_length=200)]
_PAGE: Final = 40


@dataclass(frozen=True, slots=True)
class Cart:
    """A checkout in a list."""

    row: CheckoutRow
    path: str
    person: Person | None
    pieces: Decimal
    total: Decimal
    due: Decimal
    holds: tuple[str, ...]
    """What it has set aside, each in words."""


@dataclass(frozen=True, slots=True)
class CartLine:
    """A line of a cart."""

    name: str
    sku: str
    quantity: Decimal
    subtotal: Decimal
    discount: Decimal
    total: Decimal
    offs: tuple[Line, ...]


@ROUTER.get("/console/p/{program}/checkouts")
def checkouts(
    visit: Visitor, program: str, after: Annotated[str, Query(max_length=80)] = "", done: str = ""
) -> Response:
    """List open carts, what lapses first at the top."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        rows = list_carts(tx, opened.live.program_id, visit.now, read_cursor(after), _PAGE + 1)
        carts = show_carts(tx, opened, rows[:_PAGE], visit.saying)
    last = rows[_PAGE - 1] if len(rows) > _PAGE else None
    return visit.page(
        "checkouts.html",
        **framed(opened, "checkouts"),
        rows=carts,
        first=not after,
        next=cursor_text(last.expires_at, last.checkout_id) if last is not None else "",
        done=done == "cancelled",
    )


@ROUTER.get("/console/p/{program}/checkouts/one")
def one_checkout(visit: Visitor, program: str, id: Named, source: Named = "") -> Response:  # noqa: A002 - as the API says it
    """Show a cart with its lines and all that it holds."""
    return _page(visit, program, (source, id))


@ROUTER.post("/console/p/{program}/checkouts/one/cancel")
async def cancel(visit: Cancelling, program: str) -> Response:
    """Let go of all that a cart holds."""
    pair = visit.field("source", 200), visit.field("id", 200)
    command = CancelCheckout(
        tenant_id=visit.tenant_id, program=program, received_at=visit.now, id=pair[1], source=pair[0]
    )
    try:
        accepted(await visit.premises.waiting.ask(command))
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return await to_thread.run_sync(partial(_page, visit, program, pair, problem=problem))
    await to_thread.run_sync(_note, visit, command)
    return visit.go(f"/console/p/{program}/checkouts?done=cancelled")


def show_carts(tx: Tx, opened: Opened, rows: Sequence[CheckoutRow], say: Saying) -> list[Cart]:
    """Show checkouts as they stand in a list.

    Args:
        tx: bound to the tenant.
        opened: the program.
        rows: the checkouts.
        say: the reader's language.

    Returns:
        What is shown of each.
    """
    people = people_of(tx, opened, {(one.account_id, one.member_id) for one in rows})
    held = load_held(tx, opened.live.program_id, rows)
    names = _names(tx, opened, rows, held)
    return [
        _cart(one, people.get((one.account_id, one.member_id)), opened,
              (*(_words(some, opened, say, names) for some in held.get(one.checkout_id, ())),
               *_of_cards(one, opened, say)))
        for one in rows
    ]  # fmt: skip


def cart_path(opened: Opened, row: CheckoutRow) -> str:
    """Say where a checkout's page is.

    Args:
        opened: the program.
        row: the checkout.

    Returns:
        Path.
    """
    return f"{opened.path}/checkouts/one?{urlencode({'id': row.id, 'source': row.source})}"


def _cart(row: CheckoutRow, person: Person | None, opened: Opened, holds: tuple[str, ...]) -> Cart:
    quote = read_promise(row).quote
    return Cart(
        row=row,
        path=cart_path(opened, row),
        person=person,
        pieces=sum((Decimal(line["quantity"]) for line in quote["lines"]), Decimal(0)),
        total=Decimal(quote["totals"]["total"]),
        due=Decimal(quote["totals"]["due"]),
        holds=tuple(dict.fromkeys(holds)),
    )


def _of_cards(row: CheckoutRow, opened: Opened, say: Saying) -> Iterator[str]:
    """Say what it holds of gift cards, which are accounts of their own."""
    for one in read_promise(row).quote.get("gift_cards", ()) if row.status == "open" else ():
        if pays := Decimal(one["pays"]):
            amount = say.money(pays, opened.program.definition.currency)
            yield say.text("{amount} of the gift card {name}", amount=amount, name=f"…{one['ending']}")


def _names(
    tx: Tx, opened: Opened, rows: Sequence[CheckoutRow], held: Mapping[Any, Sequence[Held]]
) -> Mapping[str, str]:
    """Name the coupons that carts hold by their redemption's number, and batches by their counters' owner."""
    every = [one for some in held.values() for one in some]
    numbers = {int(one.name) for one in every if one.kind == "redemption"}
    found = ask_redemptions(tx, {one.account_id for one in rows}, numbers)()
    names = {
        str(number): opened.voice.reward(one.reward) + (f" ({one.code})" if one.code else "")
        for number, one in found.items()
    }
    for owner in {one.name.split("/")[1] for one in every if one.name.startswith("coupon/")}:
        batch_id = parse_number("cpb", owner)
        if batch_id is not None:
            names[owner] = get_batch(tx, opened.live.program_id, batch_id).name
    return names


def _words(held: Held, opened: Opened, say: Saying, names: Mapping[str, str]) -> str:
    if held.kind == "units":
        amount = opened.units(held.name, int(held.amount))
        return f"{say.number(amount)} {opened.unit(held.name)}"
    if held.kind == "redemption":
        return say.text("Coupon: {name}", name=names.get(held.name, held.name))
    return _counter(held, opened, say, names)


def _counter(held: Held, opened: Opened, say: Saying, names: Mapping[str, str]) -> str:
    kind, _, rest = held.name.partition("/")
    what = rest.split("/")[1] if rest.count("/") else ""
    name = counter_name(held.name, opened)
    name = names.get(name, name)
    if what == "stock":
        return say.text("{count} of {name}", count=say.number(held.amount), name=name)
    if what in {"budget", "money"}:
        amount = say.money(held.amount, opened.program.definition.currency)
        words = "{amount} on a code" if what == "money" else "{amount} of the budget of {name}"
        return say.text(words, amount=amount, name=name)
    if kind == "coupon":
        return say.text("A code of {name}", name=name)
    return say.text("A use of {name}", name=name)


def _page(visit: Visit, program: str, pair: tuple[str, str], *, problem: Problem | None = None) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        row = find_cart(tx, opened.live.program_id, *pair)
        if row is None:
            raise Problem("page_not_found", "There is no such page.")
        cart = show_carts(tx, opened, [row], visit.saying)[0]
    promise = read_promise(row)
    told = (opened, visit.saying)
    totals = {name: Decimal(text) for name, text in promise.quote["totals"].items()}
    return visit.page(
        "checkout.html",
        422 if problem is not None else 200,
        **framed(opened, "checkouts"),
        cart=cart,
        row=row,
        open=row.status == "open" and row.expires_at > visit.now,
        lines=_lines(promise, told),
        totals=totals,
        paid=[
            Line(
                visit.saying.text(TENDERS[kind]),
                visit.saying.money(-amount, opened.program.definition.currency),
            )
            for kind in ("points", "store_credit", "gift_card")
            if (amount := totals.get(f"paid_with_{kind}", Decimal(0)))
        ],
        shipping_offs=[off_line(one, told) for one in promise.quote["shipping"].get("discounts", ())],
        earns=[
            Line(opened.unit(wallet).capitalize(), visit.saying.signed(amount))
            for wallet, amount in promise.quote["earns"].items()
        ],
        order=f"{opened.path}/orders/{row.event_id}" if row.event_id is not None else "",
        account=number_text("acc", row.account_id) if row.account_id else "",
        problem=problem,
    )


def _lines(promise: Promise, told: tuple[Opened, Saying]) -> list[CartLine]:
    names = {line.id: line.name or "" for line in promise.order.lines}
    return [
        CartLine(
            name=names.get(line["id"]) or line.get("sku") or line["id"],
            sku=(line.get("sku") or "") if names.get(line["id"]) else "",
            quantity=Decimal(line["quantity"]),
            subtotal=Decimal(line["subtotal"]),
            discount=Decimal(line["discount"]),
            total=Decimal(line["total"]),
            offs=tuple(off_line(one, told) for one in line.get("discounts", ())),
        )
        for line in promise.quote["lines"]
    ]


def _note(visit: Visit, command: CancelCheckout) -> None:
    detail = {"program": command.program, "source": command.source}
    with visit.transaction() as tx:
        act = Act(visit.now, visit.staff.actor, "checkout.cancelled", f"checkout:{command.id}", detail=detail)
        record(tx, act, visit.house.ids)
