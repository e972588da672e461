"""Gift cards: all of them by how they stand, one found by its code, new ones with their codes shown once."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Annotated, Any, Final, get_args

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_decimal, scaled_text, to_scaled
from guerdon.base.ids import number_text, parse_number
from guerdon.connect.sealing import SecretBox
from guerdon.engine.answers import Answer, accepted
from guerdon.engine.commands import IssueCards, Once, ReplaceGiftCard
from guerdon.engine.looking.cards import (
    LOOKED_AT_MOST,
    CardPage,
    CardState,
    SeenCard,
    WantedCards,
    look_through,
)
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rewards.cards import card_code, find_card, get_card
from guerdon.web.api.coupons.misses import count_names, refuse_names
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.shop.pages import read_day
from guerdon.web.console.typed import ungrouped
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import Person, card_path, people_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Making = Annotated[Visit, Depends(entitled("gift_cards:write"))]
STATES: Final = {
    "live": "can pay",
    "held": "all of it in open carts",
    "empty": "empty",
    "blocked": "blocked",
}
"""How a card stands; `say.text` translates it."""
_PAGE: Final = 40
_TYPED: Final = ("amount", "count", "until", "reason")
_ONE_DAY: Final = timedelta(days=1)
_FORM_LASTS: Final = timedelta(hours=12)
_CODES_LAST: Final = timedelta(hours=1)
_NO_CODES: Final = Problem(
    "codes_not_shown_again", "These codes are not shown again: they stood on the page for an hour."
)


@dataclass(frozen=True, slots=True)
class Row:
    """A card in a list."""

    seen: SeenCard
    path: str
    left: Decimal
    held: Decimal
    loaded: Decimal
    person: Person | None
    """Who got it as a reward."""


@dataclass(frozen=True, slots=True)
class MadeCard:
    """A new card with its code."""

    path: str
    code: str


@ROUTER.get("/console/p/{program}/gift-cards")
def gift_cards(
    visit: Visitor,
    program: str,
    state: Annotated[str, Query(max_length=10)] = "",
    before: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """List gift cards, newest first, perhaps only those that stand so; offer to find one and to make some."""
    return _list_page(visit, program, (state, before))


@ROUTER.post("/console/p/{program}/gift-cards/look")
async def look(visit: Visitor, program: str) -> Response:
    """Go to the card that a code is: what was typed stands in no address, in no page and in no log."""
    limits = visit.premises.doorkeeper.limits
    address = visit.premises.doorkeeper.address_of(visit.request.scope)
    names = (f"codes of {visit.staff.actor}", f"codes from {address}")
    refuse_names(limits, names)
    try:
        return visit.go(await to_thread.run_sync(_find, visit, program))
    except Problem as problem:
        if not problem.code.startswith("gift_card_"):
            raise
        count_names(limits, names, [problem.code])
        return await to_thread.run_sync(partial(_list_page, visit, program, missed=problem.code))


@ROUTER.post("/console/p/{program}/gift-cards")
async def make(visit: Making, program: str) -> Response:
    """Make cards and show their codes; the same form sent twice makes them once."""
    try:
        command = await to_thread.run_sync(_command, visit, program)
        said = accepted(await visit.premises.waiting.ask(command))
    except Problem as problem:
        if problem.code == "program_not_found":
            raise
        return await to_thread.run_sync(partial(_list_page, visit, program, problem=problem))
    return await to_thread.run_sync(_made_page, visit, command, said)


@ROUTER.post("/console/p/{program}/gift-cards/codes")
def codes(visit: Making, program: str) -> Response:
    """Send the codes of cards that were made just now as a file; the audit trail tells who had it."""
    accounts = _open(visit, visit.field("made", 60_000))
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        found = [get_card(tx, opened.live.program_id, one) for one in accounts]
        _note(tx, visit, opened, ("gift_cards.downloaded", accounts, {}))
    vault = visit.house.vault(visit.tenant_id)
    lines = [f"{number_text('gft', one.account_id)},{card_code(vault, one.account_id)}" for one in found]
    name = f"gift-cards-{visit.now:%Y-%m-%d-%H%M%S}.csv"
    return Response(
        "".join(f"{line}\r\n" for line in ("id,code", *lines)),
        headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
        media_type="text/csv; charset=utf-8",
    )


def read_money(opened: Opened, typed: str) -> int:
    """Read an amount of money that somebody typed.

    Args:
        opened: the program.
        typed: such as `1,250.00`.

    Returns:
        Minor units.

    Raises:
        Problem: `amount_invalid`.
    """
    try:
        amount = Decimal(ungrouped(typed))
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        detail = "The amount is a number above zero, such as 25.00. Nothing was changed."
        raise Problem.at("/amount", "amount_invalid", detail)
    return to_scaled(amount, opened.program.digits, "/amount")


def read_until(opened: Opened, typed: str) -> datetime | None:
    """Read the last day on which money can be spent.

    Args:
        opened: the program.
        typed: such as `2027-12-31`, or empty.

    Returns:
        The end of that day on the program's clocks; None where nothing is said.

    Raises:
        Problem: `wrong_value`.
    """
    day = read_day(typed)
    if typed and day is None:
        raise Problem.at("/until", "wrong_value", "A day is written 2026-11-30. Nothing was made.")
    return opened.program.zone.start_of(day + _ONE_DAY) if day is not None else None


def read_reason(visit: Visit) -> str:
    """Read why somebody does something to a card.

    Args:
        visit: with the form.

    Returns:
        The reason.

    Raises:
        Problem: `reason_missing`.
    """
    reason = visit.field("reason", 300)
    if not reason:
        raise Problem.at("/reason", "reason_missing", "A reason is needed. Nothing was changed.")
    return reason


def new_once(visit: Visit) -> str:
    """Make what tells a form that is sent twice from two forms.

    Args:
        visit: for the instant.

    Returns:
        Text for a hidden field.
    """
    return f"{int(visit.now.timestamp())}.{secrets.token_hex(16)}"


def read_once(visit: Visit, what: str, asked: tuple[object, ...]) -> Once:
    """Read it, so that money is made once.

    Args:
        visit: with the form.
        what: is done.
        asked: all that the form says.

    Returns:
        The same for the same form.

    Raises:
        Problem: `form_stale` where the form is so old that nobody would remember that it was sent before.
    """
    text = visit.field("once", 64)
    made, _, _ = text.partition(".")
    if not made.isdecimal() or datetime.fromtimestamp(int(made[:12]), UTC) < visit.now - _FORM_LASTS:
        raise Problem(
            "form_stale", "This form was opened long ago. Nothing was changed; open the page again."
        )
    return Once(f"console {what} {visit.staff.shown_id}", text, hashlib.sha256(repr(asked).encode()).digest())


def _find(visit: Visit, program: str) -> str:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        vault = visit.house.vault(visit.tenant_id)
        card = find_card(tx, opened.live.program_id, vault, visit.field("code_asked", 160))
    return card_path(opened, card.account_id)


def _command(visit: Visit, program: str) -> IssueCards:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
    amount, until = (
        read_money(opened, visit.field("amount", 40)),
        read_until(opened, visit.field("until", 20)),
    )
    count, reason = ungrouped(visit.field("count", 8)) or "1", read_reason(visit)
    if not count.isdecimal():
        raise Problem.at("/count", "wrong_value", "A count is a whole number. Nothing was made.")
    return IssueCards(
        tenant_id=visit.tenant_id,
        program=program,
        received_at=visit.now,
        once=read_once(visit, "gift cards", (program, amount, until, count, reason)),
        amount=amount,
        count=int(count),
        expires_at=until,
        reason=reason,
    )


def show_replaced(visit: Visit, command: ReplaceGiftCard, said: Answer) -> Response:
    """Show the code of a card that took the place of another one, and note who had it.

    Args:
        visit: of who replaced it.
        command: what was asked.
        said: with the new card.

    Returns:
        The page.
    """
    (made,) = said.gift_cards
    account = parse_number("gft", made["id"]) or 0
    with visit.transaction() as tx:
        opened = open_program(tx, visit, command.program)
        row = get_card(tx, opened.live.program_id, account)
        if row.opened_at == visit.now:
            about = {"amount": made["amount"], "new": made["id"]}
            _note(tx, visit, opened, ("gift_card.replaced", [command.card], about))
        else:
            _note(tx, visit, opened, ("gift_cards.shown_again", [account], {}))
        old = get_card(tx, opened.live.program_id, command.card)
    return visit.page(
        "gift_cards_made.html",
        **framed(opened, "cards"),
        rows=[MadeCard(card_path(opened, account), str(made["code"]))],
        amount=Decimal(made["amount"]),
        until=None,
        replaced=MadeCard(card_path(opened, command.card), f"…{old.ending}"),
        made=_seal(visit, [account]),
    )


def _made_page(visit: Visit, command: IssueCards, said: Answer) -> Response:
    accounts = [parse_number("gft", one["id"]) or 0 for one in said.gift_cards]
    with visit.transaction() as tx:
        opened = open_program(tx, visit, command.program)
        again = get_card(tx, opened.live.program_id, accounts[0]).opened_at != visit.now
        money = {"amount": scaled_text(command.amount, opened.program.digits)}
        _note(tx, visit, opened, ("gift_cards.shown_again" if again else "gift_cards.made", accounts, money))
    return visit.page(
        "gift_cards_made.html",
        **framed(opened, "cards"),
        rows=[
            MadeCard(card_path(opened, account), str(one["code"]))
            for account, one in zip(accounts, said.gift_cards, strict=True)
        ],
        amount=scaled_decimal(command.amount, opened.program.digits),
        until=command.expires_at - timedelta(microseconds=1) if command.expires_at is not None else None,
        replaced=None,
        made=_seal(visit, accounts),
    )


def _list_page(
    visit: Visit,
    program: str,
    asked: tuple[str, str] = ("", ""),
    *,
    problem: Problem | None = None,
    missed: str = "",
) -> Response:
    state, before = asked
    chosen: CardState | None = state if state in get_args(CardState) else None  # type: ignore[assignment]
    wanted = WantedCards(_PAGE, chosen, parse_number("gft", before) if before else None)
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        where = (opened.live.program_id, opened.program)
        page = look_through(tx, where, wanted, visit.now)
        rows = _rows(tx, opened, page)
    return visit.page(
        "gift_cards.html",
        422 if problem is not None or missed else 200,
        **framed(opened, "cards"),
        rows=rows,
        states=STATES,
        standing=chosen or "",
        older=number_text("gft", page.before) if page.before is not None else "",
        looked_at=LOOKED_AT_MOST if chosen is not None and len(rows) < _PAGE and page.before else 0,
        newest=not before,
        missed=missed,
        typed={name: visit.form.get(name, "") for name in _TYPED} if problem is not None else {},
        problem=problem,
        once=new_once(visit),
    )


def _rows(tx: Tx, opened: Opened, page: CardPage) -> list[Row]:
    owners = {(one.row.owner_account, None) for one in page.cards if one.row.owner_account is not None}
    people = people_of(tx, opened, owners)
    digits = opened.program.digits
    return [
        Row(
            one,
            card_path(opened, one.row.account_id),
            scaled_decimal(max(one.wallet.free, 0), digits),
            scaled_decimal(one.wallet.held, digits),
            scaled_decimal(one.turnover.loaded, digits),
            people.get((one.row.owner_account or 0, None)),
        )
        for one in page.cards
    ]


def _note(tx: Tx, visit: Visit, opened: Opened, done: tuple[str, Sequence[int], dict[str, Any]]) -> None:
    action, accounts, detail = done
    about = number_text("gft", accounts[0])
    if len(accounts) > 1:
        detail = {**detail, "count": len(accounts), "last": number_text("gft", accounts[-1])}
    record(
        tx, Act(visit.now, visit.staff.actor, action, about, opened.live.program_id, detail), visit.house.ids
    )


def _seal(visit: Visit, accounts: Sequence[int]) -> str:
    """Write down for the page itself which cards' codes this person may have as a file, and until when."""
    kept = msgspec.json.encode((int((visit.now + _CODES_LAST).timestamp()), accounts))
    box = SecretBox(visit.house.master_key, visit.tenant_id)
    return urlsafe_b64encode(box.seal(_owner(visit), kept)).decode("ascii")


def _open(visit: Visit, sealed: str) -> list[int]:
    box = SecretBox(visit.house.master_key, visit.tenant_id)
    try:
        kept = box.open(_owner(visit), urlsafe_b64decode(sealed))
    except (Problem, ValueError):
        raise _NO_CODES from None
    until, accounts = msgspec.json.decode(kept, type=tuple[int, list[int]])
    if until < visit.now.timestamp() or not accounts:
        raise _NO_CODES
    return accounts


def _owner(visit: Visit) -> str:
    return f"codes of new gift cards for {visit.staff.actor}"
