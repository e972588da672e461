"""Two accounts of one person become one: the other is found, what would move is shown, then it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import Answer, accepted
from guerdon.engine.commands import MergeAccounts, Once
from guerdon.infra.tx import Tx
from guerdon.members.members import Member, list_of_account, search_members
from guerdon.rules.difference.voice import as_words
from guerdon.web.console.opened import Opened, framed, member_path, open_program
from guerdon.web.console.shop.cards import new_once, read_once, read_reason
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import Person, find_member, person_of

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Merging = Annotated[Visit, Depends(entitled("accounts:merge"))]
_PATH: Final = "/console/p/{program}/members/{member}/merge"
_FOUND_AT_MOST: Final = 8
_STALE: Final = "This form is from another session. Nothing was changed; go back and try again."


@dataclass(frozen=True, slots=True)
class Side:
    """An account with the people who act for it."""

    number: int
    shown: str
    people: tuple[Person, ...]

    @property
    def name(self) -> str:
        """Who stands for it."""
        return self.people[0].name if self.people else self.shown


@dataclass(frozen=True, slots=True)
class UnitsRow:
    """What moves of a wallet, and what the account that stays can spend then."""

    unit: str
    moves: Decimal
    pending: Decimal
    owed: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class TierRow:
    """A ladder's tier of both accounts, and of the one that stays afterwards."""

    ladder: str
    goes: str
    stays: str
    after: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What would move."""

    goes: Side
    stays: Side
    units: tuple[UnitsRow, ...]
    tiers: tuple[TierRow, ...]
    badges: tuple[str, ...]
    redemptions: int
    open: int
    carts: int
    members: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody whom a search found."""

    number: str
    person: Person
    details: str
    account: str


@ROUTER.get(_PATH)
def merging(visit: Visitor, program: str, member: str) -> Response:
    """Ask which other account is this person's too."""
    return _page(visit, (program, member))


@ROUTER.post(_PATH + "/look")
async def look(visit: Merging, program: str, member: str) -> Response:
    """Find the other account, and show what would move; what was typed stands in no address."""
    names = (program, member)
    try:
        found = await to_thread.run_sync(_search, visit, names)
        if isinstance(found, list):
            return await to_thread.run_sync(partial(_page, visit, names, choices=found))
        said = accepted(await visit.premises.waiting.ask(_looks(visit, program, found)))
    except Problem as problem:
        if problem.code in ("program_not_found", "member_not_found"):
            raise
        return await to_thread.run_sync(partial(_page, visit, names, problem=problem))
    return await to_thread.run_sync(partial(_page, visit, names, said=said))


@ROUTER.post(_PATH)
async def merge(visit: Merging, program: str, member: str) -> Response:
    """Merge them, for a reason that the audit trail keeps; sending the form twice does it once."""
    names = (program, member)
    try:
        command, path = await to_thread.run_sync(_command, visit, names)
        accepted(await visit.premises.waiting.ask(command))
    except Problem as problem:
        if problem.code in ("program_not_found", "member_not_found"):
            raise
        seen = await _look_again(visit, program)
        return await to_thread.run_sync(partial(_page, visit, names, said=seen, problem=problem))
    return visit.go(f"{path}?done=merged")


async def _look_again(visit: Visit, program: str) -> Answer | None:
    """Say once more what would move, for a form that was refused; None where that is refused too."""
    sides = [parse_number("acc", visit.form.get(name, "")) or 0 for name in ("goes", "into")]
    said = await visit.premises.waiting.ask(_looks(visit, program, (sides[0], sides[1])))
    return said if said.problem is None else None


def _search(visit: Visit, names: tuple[str, str]) -> tuple[int, int] | list[Choice]:
    """Find both accounts, the one that goes first; a list where several people are meant."""
    text = visit.field("other", 200)
    if not text:
        raise Problem.at("/other", "missing_field", "Say who has the other account. Nothing was changed.")
    with visit.transaction() as tx:
        opened = open_program(tx, visit, names[0])
        own = find_member(tx, opened, names[1]).account_id
        number = parse_number("acc", text)
        if number is not None:
            accounts = {number} - {own}
            found: Sequence[Member] = ()
        else:
            found = search_members(tx, opened.desk, text, limit=_FOUND_AT_MOST).members
            accounts = {one.account_id for one in found} - {own}
    if len(accounts) > 1:
        return [_choice(opened, one) for one in found if one.account_id != own]
    if not accounts and (found or number == own):
        raise Problem.at("/other", "same_account", "This is the same account already.")
    if not accounts:
        raise Problem.at("/other", "nobody_found", "Nobody was found. Nothing was changed.")
    other = accounts.pop()
    return (own, other) if visit.field("stays", 10) == "other" else (other, own)


def _looks(visit: Visit, program: str, sides: tuple[int, int]) -> MergeAccounts:
    return MergeAccounts(
        tenant_id=visit.tenant_id,
        program=program,
        received_at=visit.now,
        account_id=sides[0],
        into_account=sides[1],
        by=visit.staff.actor,
        looks=True,
    )


def _command(visit: Visit, names: tuple[str, str]) -> tuple[MergeAccounts, str]:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, names[0])
        member = find_member(tx, opened, names[1])
    sides = tuple(parse_number("acc", visit.field(name, 40)) or 0 for name in ("goes", "into"))
    if member.account_id not in sides:
        raise Problem("form_stale", _STALE)
    reason = read_reason(visit)
    once: Once = read_once(visit, "merge", (names[0], *sides, reason))
    command = MergeAccounts(
        tenant_id=visit.tenant_id,
        program=names[0],
        received_at=visit.now,
        once=once,
        account_id=sides[0],
        into_account=sides[1],
        by=visit.staff.actor,
        reason=reason,
    )
    return command, member_path(opened, member.member_id)


def _page(
    visit: Visit,
    names: tuple[str, str],
    *,
    said: Answer | None = None,
    choices: Sequence[Choice] = (),
    problem: Problem | None = None,
) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, names[0])
        member = find_member(tx, opened, names[1])
        preview = _preview(tx, visit, opened, said) if said is not None else None
    return visit.page(
        "merge.html",
        422 if problem is not None else 200,
        **framed(opened, "members"),
        person=person_of(opened, member),
        base=f"{member_path(opened, member.member_id)}/merge",
        account=number_text("acc", member.account_id),
        preview=preview,
        choices=choices,
        problem=problem,
        typed=visit.form.get("other", "") if problem is not None or choices else "",
        stays=visit.form.get("stays", ""),
        reason=visit.form.get("reason", "") if problem is not None else "",
        once=new_once(visit),
    )


def _choice(opened: Opened, member: Member) -> Choice:
    profile = member.profile
    details = [one for one in (profile.card, profile.email, profile.phone, profile.external_id) if one]
    shown = number_text("mem", member.member_id)
    return Choice(shown, person_of(opened, member), ", ".join(details), number_text("acc", member.account_id))


def _preview(tx: Tx, visit: Visit, opened: Opened, said: Answer) -> Preview:
    merged: Mapping[str, Any] = said.merged
    goes, stays = (_side(tx, opened, merged[name]) for name in ("account", "into"))
    badges = opened.program.definition.badges
    return Preview(
        goes=goes,
        stays=stays,
        units=tuple(_units(visit, opened, key, one, said) for key, one in merged["wallets"].items()),
        tiers=tuple(
            TierRow(
                as_words(key).capitalize(),
                opened.tier(key, one["account"]),
                opened.tier(key, one["before"]),
                opened.tier(key, one["after"]),
            )
            for key, one in merged["tiers"].items()
        ),
        badges=tuple(
            opened.voice.called(key, badges[key].name) if key in badges else as_words(key)
            for key in merged["badges"]
        ),
        redemptions=merged["redemptions"]["all"],
        open=merged["redemptions"]["open"],
        carts=merged["carts"],
        members=merged["members"],
    )


def _side(tx: Tx, opened: Opened, shown: str) -> Side:
    number = parse_number("acc", shown) or 0
    people = list_of_account(tx, opened.desk, number)
    return Side(number, shown, tuple(person_of(opened, one) for one in people))


def _units(visit: Visit, opened: Opened, key: str, one: Mapping[str, str], said: Answer) -> UnitsRow:
    after = said.balances.get(key)
    return UnitsRow(
        opened.named(key, visit.saying),
        Decimal(one["available"]),
        Decimal(one["pending"]),
        Decimal(one["debt"]),
        Decimal(after.available) if after is not None else Decimal(0),
    )
