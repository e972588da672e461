"""Rewards: the catalogue with what was taken and what it cost, and what waits to be handed out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final, get_args

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import accepted
from guerdon.engine.commands import CancelRedemption, ChooseReward, SendRedemption, UseRedemption
from guerdon.engine.returns.choosing import is_settled
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rewards.causes import Total, load_totals
from guerdon.rewards.counting import Counts, Wanted, count_redemptions, list_to_hand_out
from guerdon.rewards.looking import load_room
from guerdon.rewards.redemptions import Redemption, Status, get_redemption
from guerdon.rules.definition import Reward
from guerdon.rules.difference.voice import as_words
from guerdon.rules.limits import stock_draw
from guerdon.web.api.seats.seating import fill_seats
from guerdon.web.console.chart import stitch_length, stitches
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import Person, people_of
from guerdon.web.languages.saying import Saying

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Handing = Annotated[Visit, Depends(entitled("redemptions:write"))]
_PAGE: Final = 40
KINDS: Final = {
    "product": "Product",
    "coupon": "Coupon",
    "discount": "Discount",
    "shipping": "Shipping",
    "event": "Event",
    "access": "Access",
    "content": "Content",
    "donation": "Donation",
    "warranty": "Warranty",
    "gift_card": "Gift card",
    "partner": "Partner points",
    "service": "Service",
    "experience": "Experience",
    "choice": "Choice",
}
"""What a kind is called; `say.text` translates it."""
STATES: Final = {"issued": "to hand out", "sent": "on its way", "used": "done", "cancelled": "given back"}
"""What a taking's state is called, likewise."""
_BY_ITSELF: Final = frozenset(
    {"coupon", "discount", "shipping", "access", "content", "donation", "gift_card"}
)
"""Kinds that nobody hands out."""
HANDED_OUT: Final = frozenset(KINDS) - _BY_ITSELF
"""Kinds that somebody packs, sends or hands over."""


@dataclass(frozen=True, slots=True)
class Row:
    """A reward in the catalogue."""

    key: str
    name: str
    kind: str
    price: str
    counts: Counts
    left: int | None
    """Of the stock or the seats; None where there is no end."""
    stock: int | None
    cost: Decimal | None
    """Money that those who kept it have cost so far; None where no cost is written."""
    open: str
    """Whether it can be had now: empty, or why not."""


@dataclass(frozen=True, slots=True)
class CauseRow:
    """What came together for a cause."""

    name: str
    total: Total
    target: Decimal | None

    @property
    def length(self) -> int:
        """How long the seam is that is sewn, in the drawing's units; 0 without a target."""
        together = self.total.given + self.total.matched
        return stitch_length(stitches(together, self.target)) if self.target else 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A taking in a list."""

    redemption: Redemption
    id: str
    reward: str
    person: Person | None
    choices: tuple[tuple[str, str], ...]
    """What it can become, each with its name, where it was given with its choice open."""


@ROUTER.get("/console/p/{program}/rewards")
def rewards(visit: Visitor, program: str) -> Response:
    """Show each reward with what is left, what was taken and what it cost."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        counts = count_redemptions(tx, opened.live.program_id)
        rows = _rows(tx, opened, counts, visit)
        causes = _causes(tx, opened)
    gone = [
        (opened.voice.reward(key), one) for key, one in counts.items() if key not in opened.program.rewards
    ]
    spent = [row.cost for row in rows if row.cost is not None]
    return visit.page(
        "rewards.html",
        **framed(opened, "rewards"),
        rows=rows,
        kinds=KINDS,
        causes=causes,
        gone=sorted(gone),
        cost=sum(spent, Decimal(0)) if spent else None,
        waiting_here=sum(row.counts.issued for row in rows if row.kind in HANDED_OUT),
    )


def _asked(
    status: Annotated[str, Query(max_length=10)] = "issued",
    kind: Annotated[str, Query(max_length=20)] = "",
    before: Annotated[str, Query(max_length=40)] = "",
) -> tuple[str, str, str]:
    return status, kind, before


@ROUTER.get("/console/p/{program}/redemptions")
def redemptions(
    visit: Visitor, program: str, asked: Annotated[tuple[str, str, str], Depends(_asked)], done: str = ""
) -> Response:
    """List what waits to be handed out, what is on its way, and what is done."""
    return _list_page(visit, program, asked, done=done if done in (*STATES, "chosen") else "")


@ROUTER.post("/console/p/{program}/redemptions/{redemption}")
async def move(visit: Handing, program: str, redemption: str) -> Response:
    """Note that a reward was sent, handed over or given back; what cannot be is refused in words."""
    act, number = visit.field("act", 20), parse_number("red", redemption)
    if number is None:
        raise Problem("redemption_not_found", "there is no such redemption")
    asked = visit.field("status", 10), visit.field("kind", 20), ""
    try:
        accepted(await visit.premises.waiting.ask(_command(visit, program, act, number)))
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return await to_thread.run_sync(partial(_list_page, visit, program, asked, problem=problem))
    await to_thread.run_sync(_note, visit, program, number, act)
    if act == "cancelled":
        reward = await to_thread.run_sync(_reward_of, visit, program, number)
        await to_thread.run_sync(fill_seats, visit.house, visit.tenant_id, program, (reward, visit.now))
    back = f"/console/p/{program}/redemptions?status={asked[0]}" if asked[0] in STATES else ""
    return visit.go(f"{back or f'/console/p/{program}/redemptions?status=issued'}&done={act}")


def _command(
    visit: Visit, program: str, act: str, number: int
) -> SendRedemption | UseRedemption | CancelRedemption | ChooseReward:
    said: dict[str, Any] = {
        "tenant_id": visit.tenant_id,
        "program": program,
        "received_at": visit.now,
        "by": visit.staff.actor,
    }
    if act == "sent":
        return SendRedemption(**said, redemption_id=number, tracking=visit.field("tracking", 200))
    if act == "used":
        return UseRedemption(**said, redemption_id=number)
    if act == "chosen":
        choice = visit.field("choice", 200)
        if not choice:
            raise Problem.at("/choice", "choice_missing", "Say what is chosen. Nothing was changed.")
        return ChooseReward(**said, redemption_id=number, choice=choice)
    if act == "cancelled":
        return CancelRedemption(**said, redemption_id=number)
    raise Problem("page_not_found", "There is no such page.")


def _reward_of(visit: Visit, program: str, number: int) -> str:
    with visit.transaction() as tx:
        return get_redemption(tx, open_program(tx, visit, program).live.program_id, number).reward


def _note(visit: Visit, program: str, number: int, act: str) -> None:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        about = number_text("red", number)
        done = Act(visit.now, visit.staff.actor, f"redemption.{act}", about, opened.live.program_id)
        record(tx, done, visit.house.ids)


def _list_page(
    visit: Visit, program: str, asked: tuple[str, str, str], *, done: str = "", problem: Problem | None = None
) -> Response:
    status = asked[0] if asked[0] in get_args(Status) else "issued"
    kind = asked[1] if asked[1] in KINDS else ""
    kinds = frozenset({kind}) if kind else HANDED_OUT
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        before = parse_number("red", asked[2]) if asked[2] else None
        found = list_to_hand_out(tx, opened.live.program_id, Wanted(_PAGE + 1, status, kinds, before))
        rows = show_taken(tx, opened, found[:_PAGE])
    there = {one.kind for one in opened.program.definition.rewards.values()}
    return visit.page(
        "redemptions.html",
        422 if problem is not None else 200,
        **framed(opened, "rewards"),
        rows=rows,
        states=STATES,
        standing=status,
        kind=kind,
        kinds={key: name for key, name in KINDS.items() if key in there},
        older=rows[-1].id if len(found) > _PAGE else "",
        newest=not asked[2],
        done=done,
        problem=problem,
    )


def show_taken(tx: Tx, opened: Opened, found: Sequence[Redemption]) -> list[Taken]:
    """Show takings as they stand in a list.

    Args:
        tx: bound to the tenant.
        opened: the program.
        found: the redemptions.

    Returns:
        What is shown of each.
    """
    people = people_of(tx, opened, {(one.account_id, one.member_id) for one in found})
    return [
        Taken(
            one,
            number_text("red", one.redemption_id),
            opened.voice.reward(one.reward),
            people.get((one.account_id, one.member_id)),
            _choices(opened, one),
        )
        for one in found
    ]


def _choices(opened: Opened, taken: Redemption) -> tuple[tuple[str, str], ...]:
    reward = opened.program.rewards.get(taken.reward)
    if reward is None or taken.status != "issued" or is_settled(taken):
        return ()
    named = opened.voice.reward if reward.kind == "choice" else str
    return tuple((one, named(one)) for one in reward.choices)


def _rows(tx: Tx, opened: Opened, counts: Mapping[str, Counts], visit: Visit) -> list[Row]:
    program = opened.program
    stocks = {key: one.stock for key, one in program.rewards.items() if one.stock is not None}
    draws = {key: stock_draw(key, stock) for key, stock in stocks.items()}
    room, _ = load_room(tx, opened.live.program_id, list(draws.values()), 0, visit.now)
    rows = []
    for key, written in program.definition.rewards.items():
        counted = counts.get(key, Counts())
        rows.append(
            Row(
                key,
                opened.voice.reward(key),
                written.kind,
                ", ".join(
                    f"{visit.saying.number(units)} {opened.unit(wallet)}"
                    for wallet, units in written.price.items()
                ),
                counted,
                max(0, int(room(draws[key]))) if key in draws else None,
                stocks.get(key),
                written.cost * counted.kept if written.cost is not None else None,
                _not_now(written, opened, visit.now),
            )
        )
    return rows


def _price(written: Reward, opened: Opened, say: Saying) -> str:
    """Say the price, and what tiers pay instead."""

    def said(price: Mapping[str, Decimal]) -> str:
        return ", ".join(f"{say.number(units)} {opened.unit(wallet)}" for wallet, units in price.items())

    tiers = (f"{as_words(tier).capitalize()}: {said(price)}" for tier, price in written.price_by_tier.items())
    return "; ".join([said(written.price), *tiers])


def _causes(tx: Tx, opened: Opened) -> list[CauseRow]:
    program = opened.program
    given_to = {one.gift.cause for one in program.rewards.values() if one.gift is not None}
    keys = sorted({*program.definition.causes, *given_to})
    totals = load_totals(tx, opened.live.program_id, keys)
    rows = []
    for key in keys:
        written = program.definition.causes.get(key)
        name = opened.voice.called(key, written.name if written is not None else None)
        rows.append(CauseRow(name, totals[key], written.target if written is not None else None))
    return rows


def _not_now(written: Reward, opened: Opened, now: datetime) -> str:
    local = opened.program.zone.local(now).replace(tzinfo=None)
    until = written.until
    if until is not None:
        last = until if isinstance(until, datetime) else datetime.combine(until, time.max)
        if last < local:
            return "over"
    begins = written.opens
    if begins is not None:
        first = begins if isinstance(begins, datetime) else datetime.combine(begins, time.min)
        if first > local:
            return "later"
    return "" if written.price else "granted"
