"""Calls about donations: receipts, what charities are due, and that they were paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.engine.charity.paying import Office, pay_out
from guerdon.members.links.addresses import RECEIPT, Link, make_link
from guerdon.rewards.charity.payouts import Asked, Place, period_of
from guerdon.rewards.redemptions import get_redemption
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.charity.reckoning import (
    as_csv,
    causes_of,
    load_dues,
    load_receipt,
    show_due,
    show_payout,
)
from guerdon.web.api.charity.shapes import Dues, PayoutShape, ReceiptShape
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Causes"])
_LASTS: Final = timedelta(days=366)
Reading = Annotated[Call, Depends(admitted("redemptions:read"))]
Writing = Annotated[Call, Depends(admitted("redemptions:write"))]


class Paying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For which period a charity is paid."""

    period: Annotated[str, msgspec.Meta(min_length=4, max_length=10)]
    """`2026-10`, `2026-Q4` or `2026`, as the cause says how often it is paid."""
    reference: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """What finance calls the payment; nothing that names a person."""


@ROUTER.get(
    "/v1/programs/{program}/redemptions/{redemption}/receipt",
    summary="The receipt of a donation",
    **operation(ReceiptShape),
)
def receipt(call: Reading, program: str, redemption: str) -> Response:
    """Who got how much and when, with the ledger's transactions and where their proofs are."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        row = get_redemption(tx, live.program_id, parse_number("red", redemption) or 0)
        shown = load_receipt(tx, live, row)
    if row.member_id is None:
        return answer(shown)
    # Made by the clock on the wall, by which addresses are ended.
    now = datetime.now(UTC)
    link = Link(call.tenant_id, program, row.member_id, shown.redemption, now, now + _LASTS)
    return answer(
        msgspec.structs.replace(shown, page=make_link(call.house.vault(call.tenant_id), RECEIPT, link))
    )


@ROUTER.get("/v1/programs/{program}/payouts", summary="What charities are due", **operation(Dues))
def payouts(
    call: Reading,
    program: str,
    cause: Annotated[str | None, Query(max_length=63)] = None,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Response:
    """Each period with a donation: what came together, what was paid, what is due."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        dues = [show_due(live.program, one) for one in load_dues(tx, live, cause, call.now)]
    if form == "csv":
        return Response(as_csv(dues), media_type="text/csv; charset=utf-8")
    return answer(Dues(data=dues, next=None))


@ROUTER.post(
    "/v1/programs/{program}/causes/{cause}/payouts",
    summary="Note that a charity was paid",
    **operation(PayoutShape, body=Paying, status=201),
)
async def pay(call: Writing, program: str, cause: str) -> Response:
    """Its donations of that period cannot be given back any more. A second time says `nothing_due`."""
    asked = call.read(Paying)
    shown = await to_thread.run_sync(_pay, call, program, (cause, asked))
    return answer(shown, 201)


def _pay(call: Call, program: str, what: tuple[str, Paying]) -> PayoutShape:
    cause, asked = what
    with call.transaction() as tx:
        live = call.house.live(tx, program)
    if cause not in causes_of(live.program):
        raise Problem("cause_not_found", "there is no such cause")
    written = live.program.definition.causes.get(cause)
    starts_on, ends_on = period_of(asked.period, written.pays_out if written is not None else "month")
    office = Office(call.house.database, call.house.engine, call.house.ids, call.tenant_id, program)
    place = Place(live.program_id, live.program.zone)
    who = Asked(cause, starts_on, ends_on, asked.reference, call.caller.actor)
    return show_payout(live.program, pay_out(office, place, who, call.now))
