"""One gift card: what is on it, what came and went, whose cart holds it; more money, blocking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_decimal, scaled_text
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import accepted
from guerdon.engine.checkouts.promise import read_promise
from guerdon.engine.commands import AdjustBalance, ReplaceGiftCard, SetCardBlocked, TopUpCard
from guerdon.engine.events import Page, StoredEvent, list_events
from guerdon.engine.looking.cards import held_until, see_cards
from guerdon.engine.looking.carts import cart_of_order
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rewards.cards import get_card
from guerdon.rewards.redemptions import ask_redemptions
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.shop.cards import (
    STATES,
    new_once,
    read_money,
    read_once,
    read_reason,
    read_until,
    show_replaced,
)
from guerdon.web.console.shop.checkouts import cart_path
from guerdon.web.console.story import Item, own_data, tell
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import Person, card_path, people_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Loading = Annotated[Visit, Depends(entitled("gift_cards:write"))]
Blocking = Annotated[Visit, Depends(entitled("gift_cards:block"))]
_STORY: Final = 50
_TYPED: Final = ("amount", "until", "reason", "why")
DONE: Final = {
    "loaded": "It is booked.",
    "blocked": "It pays nothing any more. Open carts keep what they were promised.",
    "unblocked": "It pays again.",
}
"""What was just done, as the page says it; `say.text` translates it."""
Command = TopUpCard | AdjustBalance | SetCardBlocked
Asked = Callable[[], Command]


@dataclass(frozen=True, slots=True)
class Move:
    """Something that happened to a card."""

    item: Item
    person: Person | None
    """Whose order it paid, or whose credit it became."""
    order: str
    """The order or cart, as the shop calls it."""
    path: str
    """Where its page is."""


@dataclass(frozen=True, slots=True)
class Heir:
    """The card that took a card's place."""

    path: str
    ending: str


@ROUTER.get("/console/p/{program}/gift-cards/{card}")
def one_card(visit: Visitor, program: str, card: str, before: UUID | None = None, done: str = "") -> Response:
    """Show a card with its money and its story, without its code."""
    return _page(visit, (program, _number(card)), before, done=DONE.get(done, ""))


@ROUTER.post("/console/p/{program}/gift-cards/{card}/top-up")
async def top_up(visit: Loading, program: str, card: str) -> Response:
    """Put money on a card, or take some off; the same form sent twice does it once."""
    number = _number(card)
    return await _do(visit, (program, number), partial(_loading, visit, program, number), "loaded")


@ROUTER.post("/console/p/{program}/gift-cards/{card}/block")
async def block(visit: Blocking, program: str, card: str) -> Response:
    """Block a card that was lost, for a reason."""
    number = _number(card)
    return await _do(visit, (program, number), partial(_blocking, visit, program, number, True), "blocked")


@ROUTER.post("/console/p/{program}/gift-cards/{card}/replace")
async def replace(visit: Loading, program: str, card: str) -> Response:
    """Make a new card in the place of one whose code leaked, and show its code once."""
    number = _number(card)
    try:
        command = await to_thread.run_sync(_replacing, visit, program, number)
        said = accepted(await visit.premises.waiting.ask(command))
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        refused = partial(_page, visit, (program, number), None, problem=("replaced", problem))
        return await to_thread.run_sync(refused)
    return await to_thread.run_sync(show_replaced, visit, command, said)


@ROUTER.post("/console/p/{program}/gift-cards/{card}/unblock")
async def unblock(visit: Blocking, program: str, card: str) -> Response:
    """Make a card good again, for a reason."""
    number = _number(card)
    return await _do(visit, (program, number), partial(_blocking, visit, program, number, False), "unblocked")


async def _do(visit: Visit, names: tuple[str, int], asked: Asked, act: str) -> Response:
    """Have a command carried out, write down who wanted it, and say what became of it."""
    try:
        command = await to_thread.run_sync(asked)
        accepted(await visit.premises.waiting.ask(command))
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return await to_thread.run_sync(partial(_page, visit, names, None, problem=(act, problem)))
    path = await to_thread.run_sync(_note, visit, command, act)
    return visit.go(f"{path}?done={act}")


def _loading(visit: Visit, program: str, card: int) -> TopUpCard | AdjustBalance:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        get_card(tx, opened.live.program_id, card)
    typed, until = visit.field("amount", 40).replace("−", "-"), read_until(opened, visit.field("until", 20))
    amount, reason = read_money(opened, typed.removeprefix("-")), read_reason(visit)
    if typed.startswith("-"):
        return AdjustBalance(
            tenant_id=visit.tenant_id,
            program=program,
            received_at=visit.now,
            once=read_once(visit, "gift card", (card, -amount, reason)),
            account_id=card,
            wallet=opened.program.card_wallet or "",
            amount=-amount,
            reason=reason,
        )
    return TopUpCard(
        tenant_id=visit.tenant_id,
        program=program,
        received_at=visit.now,
        once=read_once(visit, "gift card", (card, amount, until, reason)),
        card=card,
        amount=amount,
        expires_at=until,
        reason=reason,
    )


def _blocking(visit: Visit, program: str, card: int, blocked: bool) -> SetCardBlocked:
    return SetCardBlocked(
        tenant_id=visit.tenant_id,
        program=program,
        received_at=visit.now,
        card=card,
        blocked=blocked,
        reason=read_reason(visit),
    )


def _replacing(visit: Visit, program: str, card: int) -> ReplaceGiftCard:
    reason = read_reason(visit)
    return ReplaceGiftCard(
        tenant_id=visit.tenant_id,
        program=program,
        received_at=visit.now,
        once=read_once(visit, "replaced gift card", (program, card, reason)),
        card=card,
        reason=reason,
    )


def _note(visit: Visit, command: Command, act: str) -> str:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, command.program)
        detail, card = {}, command.account_id if isinstance(command, AdjustBalance) else command.card
        if not isinstance(command, SetCardBlocked):
            detail = {"amount": scaled_text(command.amount, opened.program.digits)}
        about, program_id = number_text("gft", card), opened.live.program_id
        done = Act(visit.now, visit.staff.actor, f"gift_card.{act}", about, program_id, detail)
        record(tx, done, visit.house.ids)
    return card_path(opened, card)


def _page(
    visit: Visit,
    names: tuple[str, int],
    before: UUID | None,
    *,
    problem: tuple[str, Problem] | None = None,
    done: str = "",
) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, names[0])
        row = get_card(tx, opened.live.program_id, names[1])
        seen = see_cards(tx, opened.program, [row], visit.now)[0]
        until = held_until(tx, row.account_id, opened.program.card_wallet or "", visit.now)
        owner = people_of(tx, opened, {(row.owner_account, None)} if row.owner_account else ())
        reward = _reward(tx, opened, row.owner_account, row.redemption_id)
        heir = get_card(tx, opened.live.program_id, row.replaced_by) if row.replaced_by is not None else None
        events = list_events(tx, opened.live.program_id, Page(_STORY + 1, before, row.account_id))
        story = _story(tx, visit, opened, events[:_STORY])
    digits = opened.program.digits
    return visit.page(
        "gift_card.html",
        422 if problem is not None else 200,
        **framed(opened, "cards"),
        seen=seen,
        base=card_path(opened, row.account_id),
        shown_id=number_text("gft", row.account_id),
        account=number_text("acc", row.account_id),
        states=STATES,
        left=scaled_decimal(max(seen.wallet.free, 0), digits),
        held=scaled_decimal(seen.wallet.held, digits),
        loaded=scaled_decimal(seen.turnover.loaded, digits),
        until=until,
        lots=[(lot, scaled_decimal(lot.remaining, digits)) for lot in seen.wallet.lots or ()],
        owner=next(iter(owner.values()), None),
        heir=Heir(card_path(opened, heir.account_id), heir.ending) if heir is not None else None,
        reward=reward,
        story=story,
        older=events[_STORY - 1].event_id if len(events) > _STORY else None,
        newest=before is None,
        done=done,
        refused=problem,
        typed={name: visit.form.get(name, "") for name in _TYPED} if problem is not None else {},
        once=new_once(visit),
    )


def _reward(tx: Tx, opened: Opened, owner: int | None, number: int | None) -> str:
    """Name the reward that a card is."""
    if owner is None or number is None:
        return ""
    taken = ask_redemptions(tx, [owner], [number])().get(number)
    return opened.voice.reward(taken.reward) if taken is not None else ""


def _story(tx: Tx, visit: Visit, opened: Opened, events: Sequence[StoredEvent]) -> list[Move]:
    data = {one.event_id: own_data(one) for one in events}
    buyers = {one.event_id: _buyer(one, data[one.event_id]) for one in events}
    people = people_of(tx, opened, {(account, None) for account in buyers.values() if account})
    moves = []
    for one in events:
        person = people.get((buyers[one.event_id], None))
        order, path = _other(tx, opened, one, data[one.event_id]) or _order(
            tx, opened, buyers[one.event_id], data[one.event_id]
        )
        for place, item in enumerate(tell(one, opened, visit.saying)):
            # What time had done by then is nobody's.
            moves.append(Move(item, person, order, path) if not place else Move(item, None, "", ""))
    return moves


def _buyer(stored: StoredEvent, data: Mapping[str, Any]) -> int:
    return int(data.get("to_account" if stored.type == "guerdon.claim_card" else "account") or 0)


def _other(tx: Tx, opened: Opened, stored: StoredEvent, data: Mapping[str, Any]) -> tuple[str, str] | None:
    """Find the card that took this one's place, or whose place this one took."""
    name = {"guerdon.replace_card": "to_account", "guerdon.take_place_of_card": "from_account"}.get(
        stored.type
    )
    if name is None:
        return None
    other = get_card(tx, opened.live.program_id, data[name])
    return f"…{other.ending}", card_path(opened, other.account_id)


def _order(tx: Tx, opened: Opened, buyer: int, data: Mapping[str, Any]) -> tuple[str, str]:
    """Find the order that a card paid; a cart is named where its order is not known."""
    if "checkout" not in data:
        return "", ""
    cart = cart_of_order(tx, opened.live.program_id, buyer, UUID(data["checkout"]))
    if cart is None:
        return "", ""
    if cart.event_id is None:
        return cart.id, cart_path(opened, cart)
    return read_promise(cart).order.id or cart.id, f"{opened.path}/orders/{cart.event_id}"


def _number(card: str) -> int:
    number = parse_number("gft", card)
    if number is None:
        raise Problem("gift_card_not_found", "there is no such gift card")
    return number
