"""Gift cards: make them, look one up by its code, top up, block, replace, claim."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text, to_scaled
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.commands import (
    ClaimGiftCard,
    IssueCards,
    ReplaceGiftCard,
    SetCardBlocked,
    TopUpCard,
)
from guerdon.engine.reading.cards import NO_CARDS
from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.members.identities import parse_ref
from guerdon.rewards.cards import CardRow, find_card, get_card, list_cards
from guerdon.rules.lots import expiring
from guerdon.rules.program import Program
from guerdon.rules.state import WalletState
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.coupons.misses import count_misses, refuse_guessing
from guerdon.web.api.gift_cards.shapes import (
    Blocking,
    Cards,
    CardShape,
    Claim,
    Claimed,
    CodeAsked,
    MadeCards,
    NewCards,
    NewInPlace,
    Replacing,
    TopUp,
)
from guerdon.web.api.shapes import Expiring
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Gift cards"])
Reading = Annotated[Call, Depends(admitted("gift_cards:read"))]
Writing = Annotated[Call, Depends(admitted("gift_cards:write"))]
_BASE: Final = "/v1/programs/{program}/gift-cards"
_EMPTY: Final = WalletState()


@ROUTER.post(_BASE, summary="Make gift cards", **operation(MadeCards, body=NewCards, status=201))
async def make(call: Writing, program: str) -> Response:
    """Their codes are in this answer alone."""
    asked = call.read(NewCards)
    amount = await to_thread.run_sync(_minor, call, program, asked.amount)
    said = await call.ask(
        IssueCards(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            amount=amount,
            count=asked.count,
            expires_at=asked.expires_at,
            reason=asked.reason,
        )
    )
    return answer({"data": said.gift_cards}, 201)


@ROUTER.get(_BASE, summary="List gift cards", **operation(Cards))
def all_cards(call: Reading, program: str, wanted: Paged) -> Response:
    """Newest first, without their codes."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        rows = list_cards(tx, live.program_id, wanted.after(int), wanted.limit + 1)
        shown = _shown(tx, live.program, rows, call.now)
    return listing(rows, wanted, lambda row: row.account_id, lambda row: shown[row.account_id])


@ROUTER.post(f"{_BASE}/lookup", summary="Look a gift card up", **operation(CardShape, body=CodeAsked))
async def look_up(call: Reading, program: str) -> Response:
    """By its code: what is on it, until when, and whether it is blocked."""
    asked = call.read(CodeAsked)
    refuse_guessing(call)

    def look() -> CardShape:
        with call.transaction() as tx:
            live = call.house.live(tx, program)
            row = find_card(tx, live.program_id, call.house.vault(call.tenant_id), asked.code)
            return _shown(tx, live.program, [row], call.now)[row.account_id]

    try:
        return answer(await to_thread.run_sync(look))
    except Problem as problem:
        count_misses(call, [problem.code])
        raise


@ROUTER.post(f"{_BASE}/claim", summary="Turn a gift card into store credit", **operation(Claimed, body=Claim))
async def claim(call: Writing, program: str) -> Response:
    """All that is left on it moves lot by lot, with its expiry, to the member's account."""
    asked = call.read(Claim)
    refuse_guessing(call)
    try:
        ref = parse_ref(asked.member)
    except Problem as problem:
        raise Problem.at("/member", problem.code, problem.detail) from None
    try:
        said = await call.ask(
            ClaimGiftCard(
                tenant_id=call.tenant_id,
                program=program,
                received_at=call.now,
                once=call.once,
                code=asked.code,
                member=ref,
                wallet=asked.wallet,
            )
        )
    except Problem as problem:
        count_misses(call, [problem.code])
        raise
    return answer(
        {
            "account": said.account,
            "member": said.member,
            "balances": said.balances,
            "transactions": said.transactions,
        }
    )


@ROUTER.get(f"{_BASE}/{{card}}", summary="One gift card", **operation(CardShape))
def one_card(call: Reading, program: str, card: str) -> Response:
    """By its id, `gft_…`."""
    return answer(_show_one(call, program, _number(card)))


@ROUTER.post(
    f"{_BASE}/{{card}}/top-up", summary="Put money on a gift card", **operation(CardShape, body=TopUp)
)
async def top_up(call: Writing, program: str, card: str) -> Response:
    """It expires by itself: what was on the card before keeps its own end."""
    asked = call.read(TopUp)
    number = _number(card)
    await to_thread.run_sync(_show_one, call, program, number)
    amount = await to_thread.run_sync(_minor, call, program, asked.amount)
    await call.ask(
        TopUpCard(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            card=number,
            amount=amount,
            expires_at=asked.expires_at,
            reason=asked.reason,
        )
    )
    return answer(await to_thread.run_sync(_show_one, call, program, number))


@ROUTER.post(f"{_BASE}/{{card}}/block", summary="Block a gift card", **operation(CardShape, body=Blocking))
async def block(call: Writing, program: str, card: str) -> Response:
    """It pays nothing any more; open carts keep what they were promised. The body may be left out."""
    return await _set_blocked(call, program, card, blocked=True)


@ROUTER.post(
    f"{_BASE}/{{card}}/unblock", summary="Make a card good again", **operation(CardShape, body=Blocking)
)
async def unblock(call: Writing, program: str, card: str) -> Response:
    """It pays again; the body may be left out."""
    return await _set_blocked(call, program, card, blocked=False)


@ROUTER.post(
    f"{_BASE}/{{card}}/replace",
    summary="Replace a gift card",
    **operation(NewInPlace, body=Replacing, status=201),
)
async def replace(call: Writing, program: str, card: str) -> Response:
    """It is blocked, and a new one has all that can be spent of it; the code is in this answer alone.

    What orders give back for the old card comes onto the new one. The body may be left out.
    """
    asked = call.read(Replacing) if call.body.strip() else Replacing()
    said = await call.ask(
        ReplaceGiftCard(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            card=_number(card),
            reason=asked.reason,
        )
    )
    made = {name: said.gift_cards[0].get(name) for name in NewInPlace.__struct_fields__}
    return answer(msgspec.convert(made, NewInPlace, strict=False), 201)


async def _set_blocked(call: Call, program: str, card: str, *, blocked: bool) -> Response:
    asked = call.read(Blocking) if call.body.strip() else Blocking()
    number = _number(card)
    await call.ask(
        SetCardBlocked(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            card=number,
            blocked=blocked,
            reason=asked.reason,
        )
    )
    return answer(await to_thread.run_sync(_show_one, call, program, number))


def _number(card: str) -> int:
    number = parse_number("gft", card)
    if number is None:
        raise Problem("gift_card_not_found", "there is no such gift card")
    return number


def _minor(call: Call, program: str, amount: Decimal) -> int:
    with call.transaction() as tx:
        return to_scaled(amount, call.house.live(tx, program).program.digits, "/amount")


def _show_one(call: Call, program: str, number: int) -> CardShape:
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        row = get_card(tx, live.program_id, number)
        return _shown(tx, live.program, [row], call.now)[number]


def _shown(tx: Tx, program: Program, rows: list[CardRow], now: datetime) -> dict[int, CardShape]:
    if program.card_wallet is None:
        raise NO_CARDS
    held: Any = load_wallets(tx, [row.account_id for row in rows], now, program) if rows else {}
    return {
        row.account_id: _shape(
            program, row, held.get(row.account_id, {}).get(program.card_wallet, _EMPTY), now
        )
        for row in rows
    }


def _shape(program: Program, row: CardRow, wallet: WalletState, now: datetime) -> CardShape:
    digits = program.digits
    return CardShape(
        id=number_text("gft", row.account_id),
        ending=row.ending,
        currency=program.currency,
        balance=scaled_text(max(wallet.free, 0), digits),
        held=scaled_text(wallet.held, digits),
        expiring=[Expiring(amount=scaled_text(units, digits), at=at) for at, units in expiring(wallet, now)],
        blocked=row.blocked_at is not None,
        blocked_at=row.blocked_at,
        replaced_by=number_text("gft", row.replaced_by) if row.replaced_by is not None else None,
        opened_at=row.opened_at,
        account=number_text("acc", row.account_id),
        redemption=number_text("red", row.redemption_id) if row.redemption_id is not None else None,
    )
