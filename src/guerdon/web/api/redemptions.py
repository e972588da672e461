"""Redemptions: take a reward, look at it, use it, give it back."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.commands import CancelRedemption, RedeemReward, SendRedemption, UseRedemption
from guerdon.members.identities import parse_ref, resolve
from guerdon.rewards.cards import ask_of_redemptions, card_code
from guerdon.rewards.redemptions import Page, Redemption, get_redemption, list_redemptions
from guerdon.rules.program import Program
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.shapes import CardCode, Redemptions, RedemptionShape
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Rewards"])
Reading = Annotated[Call, Depends(admitted("redemptions:read"))]
Writing = Annotated[Call, Depends(admitted("redemptions:write"))]


class NewRedemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reward that a member takes."""

    member: str
    """An id, or `card:…`, `email:…`, `phone:…`, `external:…`."""
    reward: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    choice: Annotated[str, msgspec.Meta(max_length=200)] | None = None


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
        )
    )
    made = parse_number("red", str(said.redemptions[0]["id"]))
    return answer(await to_thread.run_sync(_show_one, call, program, made), 201)


@ROUTER.get("/v1/programs/{program}/redemptions", summary="List redemptions", **operation(Redemptions))
def all_redemptions(
    call: Reading,
    program: str,
    wanted: Paged,
    member: Annotated[str | None, Query(max_length=260)] = None,
    status: Annotated[Literal["issued", "sent", "used", "cancelled"] | None, Query()] = None,
) -> Response:
    """Newest first; of one member's account with `member`."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        account_id = None
        if member is not None:
            ref = parse_ref(member)
            found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
            if found is None:
                raise Problem("member_not_found", "nobody here is meant by this reference")
            account_id = found.account_id
        page = Page(wanted.limit + 1, wanted.after(int), account_id, status)
        rows = list_redemptions(tx, live.program_id, page)
    return listing(rows, wanted, lambda row: row.redemption_id, lambda row: _shown(live.program, row))


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
        )
    )
    return answer(await to_thread.run_sync(_show_one, call, program, number))


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
            tracking=asked.tracking,
        )
    )
    return answer(await to_thread.run_sync(_show_one, call, program, number))


def _number(redemption: str) -> int:
    number = parse_number("red", redemption)
    if number is None:
        raise Problem("redemption_not_found", "there is no such redemption")
    return number


def _show_one(call: Call, program: str, number: int | None) -> RedemptionShape:
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        shown = _shown(live.program, get_redemption(tx, live.program_id, number or 0))
        cards = ask_of_redemptions(tx, live.program_id, [number or 0])().get(number or 0, [])
    if not cards:
        return shown
    vault = call.house.vault(call.tenant_id)
    codes = [CardCode(id=number_text("gft", one), code=card_code(vault, one)) for one in cards]
    return msgspec.structs.replace(shown, gift_cards=codes)


def _shown(program: Program, row: Redemption) -> RedemptionShape:
    return RedemptionShape(
        id=number_text("red", row.redemption_id),
        account=number_text("acc", row.account_id),
        member=number_text("mem", row.member_id) if row.member_id is not None else None,
        reward=row.reward,
        kind=row.kind,
        quantity=row.quantity,
        price={key: scaled_text(units, program.scales.get(key, 0)) for key, units in row.price.items()},
        code=row.code or None,
        choice=row.choice or None,
        campaign=row.campaign or None,
        status=row.status,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        changed_at=row.changed_at,
        tracking=row.tracking or None,
    )
