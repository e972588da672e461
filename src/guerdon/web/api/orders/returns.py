"""Returns: something came back of an order, and what it set off is undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.engine.answers import Answer
from guerdon.engine.commands import ReturnOrder
from guerdon.engine.events import find_orders
from guerdon.engine.returns.listing import list_returns
from guerdon.engine.showing.returns import return_view, with_cards
from guerdon.rewards.cards import load_lines
from guerdon.rules.sent import ReturnAsked, ReturnLine
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.events import only_one
from guerdon.web.api.shapes import Answered, BalanceShape
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Events and orders"])
LISTS: Final = APIRouter(tags=["Events and orders"])
"""To be asked before the orders, whose ids may hold slashes."""
Reading = Annotated[Call, Depends(admitted("events:read"))]
Writing = Annotated[Call, Depends(admitted("events:write"))]
_LINES_AT_MOST: Final = 1_000

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=190)]
LineId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ReturnedItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that comes back; all that is left of it where no quantity is said."""

    id: LineId
    quantity: Decimal | None = None


class ReturnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes back: lines, or `all`; and whether shipping is refunded."""

    id: Id
    """The return's own id: sent again, it answers what it answered first."""
    source: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    """Whose order it is, where orders of several sources have its id."""
    lines: Annotated[tuple[ReturnedItem, ...], msgspec.Meta(max_length=_LINES_AT_MOST)] = ()
    all: bool = False
    refund_shipping: bool = False


class Money(Answered, frozen=True):
    """Money as decimal strings."""

    net: str
    tax: str
    total: str


class RefundedLine(Answered, frozen=True):
    """A line and the money that goes with what came back of it."""

    id: str
    quantity: str
    refund: Money


class UnitsBack(Answered, frozen=True, omit_defaults=True):
    """What became of a wallet's units."""

    taken: str
    given_back: str
    debt: str
    """The part of `taken` that was not there any more; what comes later repays it."""
    expired: str = ""
    """What the order had brought and time took before; it is neither taken nor owed."""


class TenderShape(Answered, frozen=True, omit_defaults=True):
    """What one way of paying has of a refund."""

    kind: str
    """`points`, `store_credit`, `gift_card`, or `rest` for what the shop was paid otherwise."""
    amount: str
    wallet: str = ""
    """Where it was put back, for gift cards and store credit."""
    gift_card: str = ""
    """The gift card that had paid."""
    onto: str = ""
    """The gift card that has it, where it took the place of the one that had paid."""
    blocked: bool = False
    """Whether that card is blocked now: what came back lies on it and pays nothing."""


class ReturnShape(Answered, frozen=True, omit_defaults=True):
    """What came back of an order, and what that undid."""

    id: str
    order: str
    status: str
    """`applied`, or `duplicate` where this return was known."""
    lines: Sequence[RefundedLine]
    shipping: Money | None
    refund: Money
    """Lines and shipping."""
    units: Mapping[str, UnitsBack]
    tenders: Sequence[TenderShape]
    """How the refund goes back: `points` (given back as units), `store_credit`, each `gift_card`, and the
    `rest` that the shop was paid otherwise; empty where a checkout took nothing."""
    undone: Sequence[Mapping[str, str]]
    """What does not divide: rewards, coupons, badges, uses of limits."""
    complete: bool
    """Whether nothing of the order is left."""
    shortfalls: Sequence[Mapping[str, str]] = ()
    """What should have been undone and could not be."""
    balances: Mapping[str, BalanceShape] = {}
    account: str | None = None
    member: str | None = None
    time: datetime | None = None
    """When it came back."""


class Returns(Answered, frozen=True):
    """What came back of an order, in the order in which it came."""

    data: Sequence[ReturnShape]


@ROUTER.post(
    "/v1/programs/{program}/orders/{order:path}/returns",
    summary="Take back what an order set off",
    **operation(ReturnShape, body=ReturnBody),
)
async def give_back(call: Writing, program: str, order: str) -> Response:
    """Units, rewards, limits, metrics and tiers are undone as they were recorded, for what came back.

    The same `id` once more answers the same; with another body it is refused.
    """
    asked = call.read(ReturnBody)
    lines = tuple(ReturnLine(line.id, line.quantity) for line in asked.lines)
    try:
        said = await call.ask(
            ReturnOrder(
                tenant_id=call.tenant_id,
                program=program,
                received_at=call.now,
                once=call.once,
                asked=ReturnAsked(order, asked.id, lines, asked.all, asked.refund_shipping),
                source=asked.source or "",
            )
        )
    except Problem as problem:
        raise _of_body(problem) from None
    return answer(_shown(said))


@LISTS.get(
    "/v1/programs/{program}/orders/{order:path}/returns",
    summary="What came back of an order",
    **operation(Returns),
)
def all_returns(
    call: Reading, program: str, order: str, source: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """In the order in which it came; nothing of an order that nothing came back of."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        stored = only_one(find_orders(tx, live.program_id, order, source), "order")
        rows = list_returns(tx, live.program_id, stored)
        cards = load_lines(tx, {one.card for _, returned in rows for one in returned.tenders if one.card})
    shown = [
        {**with_cards(return_view(live.program, returned), cards), "status": "applied", "time": at}
        for at, returned in rows
    ]
    return answer({"data": shown})


def _shown(said: Answer) -> dict[str, Any]:
    return {
        **said.returned,
        "status": said.status,
        "shortfalls": said.shortfalls,
        "balances": said.balances,
        "account": said.account or None,
        "member": said.member or None,
    }


def _of_body(problem: Problem) -> Problem:
    """Point into the body of this call: elsewhere a return is the data of an event."""
    names = {"/data/order": ""}
    faults = tuple(
        replace(fault, pointer=names.get(fault.pointer, fault.pointer.removeprefix("/data")))
        for fault in problem.faults
    )
    return Problem(problem.code, problem.detail, faults)
