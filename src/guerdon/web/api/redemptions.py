"""Redemptions: take a reward, look at it, use it, give it back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, NamedTuple

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.commands import (
    CancelRedemption,
    ChooseReward,
    RedeemReward,
    SendRedemption,
    UseRedemption,
)
from guerdon.engine.looking.covered import CoverAsked, find_covered
from guerdon.members.identities import Ref, parse_ref, resolve
from guerdon.rewards.cards import ask_of_redemptions, card_code
from guerdon.rewards.redemptions import Page, Status, get_redemption, list_redemptions
from guerdon.rules.definition.rewards import RewardKind
from guerdon.rules.particulars import Covered
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.seats.seating import fill_seats
from guerdon.web.api.taking.shapes import CardCode, Redemptions, RedemptionShape
from guerdon.web.api.taking.shown import show_redemption
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Rewards"])
Reading = Annotated[Call, Depends(admitted("redemptions:read"))]
Writing = Annotated[Call, Depends(admitted("redemptions:write"))]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class CoverBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a warranty is for: a line of an order, or a product."""

    order: Text | None = None
    source: Text | None = None
    """Whose order it is, where several sources have that id."""
    line: Text | None = None
    sku: Text | None = None
    ends_at: datetime | None = None
    """When the warranty that is there already ends; else it counts from the order, or from now."""


class NewRedemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reward that a member takes."""

    member: str
    """An id, or `card:…`, `email:…`, `phone:…`, `external:…`."""
    reward: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    """At most 1,000; of a donation at most 1,000,000."""
    choice: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    for_: CoverBody | None = msgspec.field(default=None, name="for")
    """What a warranty is for; for nothing else."""


@ROUTER.post(
    "/v1/programs/{program}/redemptions",
    summary="Take a reward",
    **operation(RedemptionShape, body=NewRedemption, status=201),
)
async def redeem(call: Writing, program: str) -> Response:
    """The price is paid and the reward issued in one step, or neither."""
    asked = call.read(NewRedemption)
    try:
        ref = parse_ref(asked.member)
    except Problem as problem:
        raise Problem.at("/member", problem.code, problem.detail) from None
    covers = None
    if asked.for_ is not None:
        covers = await to_thread.run_sync(_covered, call, program, (ref, asked.for_))
    said = await call.ask(
        RedeemReward(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            member=ref,
            reward=asked.reward,
            quantity=asked.quantity,
            choice=asked.choice or "",
            by=call.caller.actor,
            covers=covers,
        )
    )
    made = parse_number("red", str(said.redemptions[0]["id"]))
    return answer(await to_thread.run_sync(_show_one, call, program, made), 201)


class Filters(NamedTuple):
    """Which redemptions are wanted."""

    member: str | None
    status: Status | None
    kind: RewardKind | None
    reward: str | None


def filters(
    member: Annotated[str | None, Query(max_length=260)] = None,
    status: Annotated[Status | None, Query()] = None,
    state: Annotated[Status | None, Query(description="The same as `status`.")] = None,
    kind: Annotated[RewardKind | None, Query()] = None,
    reward: Annotated[str | None, Query(max_length=200)] = None,
) -> Filters:
    """Read what a list of redemptions is narrowed to.

    Args:
        member: whose account's.
        status: how they stand.
        state: the same.
        kind: of which kind of reward.
        reward: of which reward.

    Returns:
        What is wanted.

    Raises:
        Problem: `unknown_parameter` where both words are said and differ.
    """
    if status is not None and state is not None and status != state:
        raise Problem("unknown_parameter", "`state` is another word for `status`; say one of them")
    return Filters(member, status or state, kind, reward)


@ROUTER.get("/v1/programs/{program}/redemptions", summary="List redemptions", **operation(Redemptions))
def all_redemptions(
    call: Reading, program: str, wanted: Paged, only: Annotated[Filters, Depends(filters)]
) -> Response:
    """Newest first; `status=issued&kind=product` is what a warehouse still has to send."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        account_id = None
        if only.member is not None:
            ref = parse_ref(only.member)
            found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
            if found is None:
                raise Problem("member_not_found", "nobody here is meant by this reference")
            account_id = found.account_id
        page = Page(wanted.limit + 1, wanted.after(int), account_id, only.status, only.kind, only.reward)
        rows = list_redemptions(tx, live.program_id, page)
    return listing(
        rows, wanted, lambda row: row.redemption_id, lambda row: show_redemption(live.program, row)
    )


@ROUTER.get(
    "/v1/programs/{program}/redemptions/{redemption}", summary="One redemption", **operation(RedemptionShape)
)
def one_redemption(call: Reading, program: str, redemption: str) -> Response:
    """With its code and its state."""
    return answer(_show_one(call, program, parse_number("red", redemption)))


@ROUTER.post(
    "/v1/programs/{program}/redemptions/{redemption}/cancel",
    summary="Give a reward back",
    **operation(RedemptionShape),
)
async def cancel(call: Writing, program: str, redemption: str) -> Response:
    """Units return with their expiry; stock and limits are freed."""
    number = _number(redemption)
    await call.ask(
        CancelRedemption(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            redemption_id=number,
            by=call.caller.actor,
        )
    )
    shown = await to_thread.run_sync(_show_one, call, program, number)
    await to_thread.run_sync(fill_seats, call.house, call.tenant_id, program, (shown.reward, call.now))
    return answer(shown)


@ROUTER.post(
    "/v1/programs/{program}/redemptions/{redemption}/use",
    summary="Mark a reward as used",
    **operation(RedemptionShape),
)
async def use(call: Writing, program: str, redemption: str) -> Response:
    """A used redemption cannot be given back."""
    number = _number(redemption)
    await call.ask(
        UseRedemption(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            redemption_id=number,
            by=call.caller.actor,
        )
    )
    return answer(await to_thread.run_sync(_show_one, call, program, number))


class Choosing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is chosen."""

    choice: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


@ROUTER.post(
    "/v1/programs/{program}/redemptions/{redemption}/choose",
    summary="Say what is chosen of a reward that was given",
    **operation(RedemptionShape, body=Choosing),
)
async def choose(call: Writing, program: str, redemption: str) -> Response:
    """Its stock and its seats are taken now; something is chosen once."""
    asked = call.read(Choosing)
    number = _number(redemption)
    await call.ask(
        ChooseReward(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            redemption_id=number,
            choice=asked.choice,
            by=call.caller.actor,
        )
    )
    return answer(await to_thread.run_sync(_show_one, call, program, number))


class Sending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a reward was sent."""

    tracking: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Where to look for it, such as a parcel's number; nothing that names a person."""


@ROUTER.post(
    "/v1/programs/{program}/redemptions/{redemption}/send",
    summary="Mark a reward as sent",
    **operation(RedemptionShape, body=Sending),
)
async def send(call: Writing, program: str, redemption: str) -> Response:
    """What is sent can still be used, or given back when it comes back; the body may be left out."""
    asked = call.read(Sending) if call.body.strip() else Sending()
    number = _number(redemption)
    await call.ask(
        SendRedemption(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            redemption_id=number,
            by=call.caller.actor,
            tracking=asked.tracking,
        )
    )
    return answer(await to_thread.run_sync(_show_one, call, program, number))


def _covered(call: Call, program: str, asked: tuple[Ref, CoverBody]) -> Covered:
    ref, body = asked
    ends_at = body.ends_at
    if ends_at is not None and ends_at.tzinfo is None:
        raise Problem.at("/for/ends_at", "time_without_offset", "a time has an offset, such as Z")
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
        if found is None:
            raise Problem.at("/member", "member_not_found", "no member is known by this reference")
        wanted = CoverAsked(body.order or "", body.source, body.line or "", body.sku or "", ends_at)
        return find_covered(tx, live.program_id, found.account_id, wanted)


def _number(redemption: str) -> int:
    number = parse_number("red", redemption)
    if number is None:
        raise Problem("redemption_not_found", "there is no such redemption")
    return number


def _show_one(call: Call, program: str, number: int | None) -> RedemptionShape:
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        row = get_redemption(tx, live.program_id, number or 0)
        shown = show_redemption(live.program, row)
        cards = ask_of_redemptions(tx, live.program_id, [row.redemption_id])().get(row.redemption_id, [])
    if not cards:
        return shown
    vault = call.house.vault(call.tenant_id)
    codes = [CardCode(id=number_text("gft", one), code=card_code(vault, one)) for one in cards]
    return msgspec.structs.replace(shown, gift_cards=codes)
