"""Members: search, one member's page, and adjusting their units."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_decimal, to_scaled
from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer, accepted
from guerdon.engine.commands import AdjustBalance, Once
from guerdon.engine.events import Page, list_events
from guerdon.infra.tx import Tx
from guerdon.insight.segments import segments_of
from guerdon.ledger.wallets import load_wallets
from guerdon.members.crypto import MemberKey
from guerdon.members.members import Member, list_members, search_members
from guerdon.members.standing import Wanted, load_standing
from guerdon.programs.audit import Act, record
from guerdon.rules.state import Lot, WalletState
from guerdon.rules.tiers import tier_at
from guerdon.web.console.ladders.views import ladder_view
from guerdon.web.console.opened import Opened, framed, member_path, open_program
from guerdon.web.console.shop.holdings import load_holdings
from guerdon.web.console.story import Item, tell
from guerdon.web.console.typed import ungrouped
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import find_member

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Adjusting = Annotated[Visit, Depends(entitled("members:adjust"))]
_PAGE: Final = 40
_STORY: Final = 25
_PURPOSE: Final = "console search"
DONE: Final = {
    "adjusted": "The adjustment is booked. It stands at the top of the story.",
    "merged": "The accounts are one now. What came stands at the top of the story.",
}
"""What was just done, as the page says it; `say.text` translates it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A member in a list."""

    member: Member
    shown_id: str
    tiers: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WalletView:
    """A wallet on a member's page."""

    key: str
    unit: str
    available: Decimal
    pending: Decimal
    held: Decimal
    debt: Decimal
    """What comes later repays it."""
    lots: tuple[tuple[Lot, Decimal], ...]
    ready: Decimal
    """The sum of the lots that can be spent, holds included."""
    is_spent: bool
    """Whether it pays for anything; what does not is counted and shown."""


@ROUTER.get("/console/p/{program}/members")
def members(
    visit: Visitor,
    program: str,
    s: Annotated[str, Query(max_length=2000)] = "",
    cursor: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """List members, newest first, or those whom a search found.

    What was searched for may name a person, so it stands sealed in the address and nowhere in the clear.
    """
    text = _open(visit, s) if s else ""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        if text:
            page = search_members(tx, opened.desk, text, cursor=cursor, limit=_PAGE)
        else:
            page = list_members(tx, opened.desk, cursor=cursor, limit=_PAGE)
        rows = _rows(tx, visit, opened, page.members)
    return visit.page(
        "members.html",
        **framed(opened, "members"),
        rows=rows,
        text=text,
        sealed=s,
        next=page.next,
        first=cursor is None,
        unit=[opened.named(key, visit.saying) for key in opened.own_wallets],
    )


@ROUTER.post("/console/p/{program}/members")
def search(visit: Visitor, program: str) -> Response:
    """Seal what is searched for, and go to whom it names, or to the list."""
    text = visit.field("q", 200)
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        page = search_members(tx, opened.desk, text, limit=2) if text else None
    if page is not None and len(page.members) == 1 and page.next is None:
        return visit.go(member_path(opened, page.members[0].member_id))
    return visit.go(f"{opened.path}/members" + (f"?s={_seal(visit, text)}" if text else ""))


@ROUTER.get("/console/p/{program}/members/{member}")
def one_member(
    visit: Visitor, program: str, member: str, before: UUID | None = None, done: str = ""
) -> Response:
    """Say who this is, what they have got, and why."""
    return _member_page(visit, (program, member), before, done=DONE.get(done, ""))


@ROUTER.post("/console/p/{program}/members/{member}/adjust")
async def adjust(visit: Adjusting, program: str, member: str) -> Response:
    """Add or take units, for a reason that the ledger keeps; sending the form twice does it once."""
    try:
        command, path = await to_thread.run_sync(_command, visit, program, member)
        said = accepted(await visit.premises.waiting.ask(command))
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        shown = partial(_member_page, visit, (program, member), None, error=visit.saying.refusal(problem))
        return await to_thread.run_sync(shown)
    await to_thread.run_sync(_note, visit, command, said)
    return visit.go(f"{path}?done=adjusted")


def _member_page(
    visit: Visit, names: tuple[str, str], before: UUID | None, *, error: str = "", done: str = ""
) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, names[0])
        member = find_member(tx, opened, names[1])
        account_id = member.account_id
        held = load_wallets(tx, [account_id], visit.now, opened.program).get(account_id, {})
        metrics = {one.identity for ladder in opened.program.ladders.values() for one in ladder.metrics}
        standing = load_standing(tx, Wanted([account_id], metrics))[account_id]
        segments = segments_of(tx, opened.live.program_id, opened.program, account_id, visit.now)
        events = list_events(tx, opened.live.program_id, Page(_STORY + 1, before, account_id))
        holdings = load_holdings(tx, visit, opened, account_id)
    story: list[Item] = [item for one in events[:_STORY] for item in tell(one, opened, visit.saying)]
    return visit.page(
        "member.html",
        422 if error else 200,
        **framed(opened, "members"),
        member=member,
        shown_id=number_text("mem", member.member_id),
        account=number_text("acc", account_id),
        wallets=[_wallet(opened, key, held.get(key, WalletState()), visit) for key in opened.own_wallets],
        ladders=[
            ladder_view(opened, ladder, standing, visit.now) for ladder in opened.program.ladders.values()
        ],
        segments=[opened.segment(key) for key in segments],
        story=story,
        older=events[_STORY - 1].event_id if len(events) > _STORY else None,
        newest=before is None,
        holdings=holdings,
        consents=sorted((topic, one.given) for topic, one in member.consents.items()),
        error=error,
        done=done,
        typed={name: visit.field(name) for name in ("wallet", "amount", "reason")} if error else {},
        once=secrets.token_hex(16),
    )


def _rows(tx: Tx, visit: Visit, opened: Opened, members: Sequence[Member]) -> list[Row]:
    program, ids = opened.program, sorted({one.account_id for one in members})
    held = load_wallets(tx, ids, visit.now, program) if ids else {}
    metrics = {one.identity for ladder in program.ladders.values() for one in ladder.metrics}
    standing = load_standing(tx, Wanted(ids, metrics)) if ids else {}

    def row(one: Member) -> Row:
        wallets, stands = held.get(one.account_id, {}), standing[one.account_id]
        tiers = (
            opened.tier(
                key,
                tier_at(
                    ladder, stands.tiers.get(key), stands.counts(program.zone), program.zone, visit.now
                ).level,
            )
            for key, ladder in program.ladders.items()
        )
        units = (
            opened.units(key, state.free)
            for key, state in ((key, wallets.get(key, WalletState())) for key in opened.own_wallets)
        )
        return Row(one, number_text("mem", one.member_id), tuple(tiers), tuple(units))

    return [row(one) for one in members]


def _wallet(opened: Opened, key: str, state: WalletState, visit: Visit) -> WalletView:
    scale = opened.program.scales[key]
    lots = tuple((lot, scaled_decimal(lot.remaining, scale)) for lot in state.lots or ())
    ready = sum((units for lot, units in lots if lot.available_at <= visit.now), Decimal(0))
    return WalletView(
        key=key,
        unit=opened.named(key, visit.saying),
        available=scaled_decimal(state.free, scale),
        pending=scaled_decimal(state.pending, scale),
        held=scaled_decimal(state.held, scale),
        debt=scaled_decimal(state.debt, scale),
        lots=lots,
        ready=ready,
        is_spent=opened.program.wallets[key].spendable,
    )


def _command(visit: Visit, program: str, member: str) -> tuple[AdjustBalance, str]:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        found = find_member(tx, opened, member)
    wallet = opened.program.wallets.get(visit.field("wallet"))
    if wallet is None or wallet.key not in opened.own_wallets:
        raise Problem.at("/wallet", "unknown_wallet", "Choose one of the program's wallets.")
    typed = ungrouped(visit.field("amount", 40))
    try:
        amount = to_scaled(Decimal(typed), wallet.scale, "/amount")
    except InvalidOperation:
        detail = "The amount is a number, such as 200 or -50. Nothing was changed."
        raise Problem.at("/amount", "amount_invalid", detail) from None
    reason = visit.field("reason", 300)
    if not reason:
        raise Problem.at("/reason", "reason_missing", "An adjustment needs a reason. Nothing was changed.")
    body = repr((found.account_id, wallet.key, amount, reason)).encode()
    scope = f"console adjust {visit.staff.shown_id}"
    once = Once(scope, visit.field("once", 64) or secrets.token_hex(16), hashlib.sha256(body).digest())
    command = AdjustBalance(
        tenant_id=visit.tenant_id,
        program=program,
        received_at=visit.now,
        once=once,
        account_id=found.account_id,
        wallet=wallet.key,
        amount=amount,
        reason=reason,
    )
    return command, member_path(opened, found.member_id)


def _note(visit: Visit, command: AdjustBalance, said: Answer) -> None:
    detail: dict[str, Any] = {
        "program": command.program,
        "wallet": command.wallet,
        "amount_scaled": command.amount,
        "transactions": list(said.transactions),
    }
    about = number_text("acc", command.account_id)
    with visit.transaction() as tx:
        act = Act(visit.now, visit.staff.actor, "balance.adjusted", about, detail=detail)
        record(tx, act, visit.house.ids)


def _search_key(visit: Visit) -> MemberKey:
    info = b"%s %d" % (_PURPOSE.encode(), visit.tenant_id)
    key = hashlib.blake2b(info, key=visit.house.master_key, digest_size=32).digest()
    return MemberKey(0, key, secrets.token_bytes)


def _seal(visit: Visit, text: str) -> str:
    return urlsafe_b64encode(_search_key(visit).seal(_PURPOSE, text.encode())).decode("ascii")


def _open(visit: Visit, sealed: str) -> str:
    try:
        return _search_key(visit).open(_PURPOSE, urlsafe_b64decode(sealed)).decode()
    except (Problem, ValueError):
        raise Problem("page_not_found", "This search is no longer known. Search again.") from None
