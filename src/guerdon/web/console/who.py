"""Whom rows of a list are about, people and gift cards: their names and pages, read for a page at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found, Ref, member_ref
from guerdon.members.members import Member, get_member, load_eldest, load_profiles
from guerdon.rewards.cards import ask_cards
from guerdon.web.console.opened import Opened, member_path

Whom = tuple[int, int | None]
"""Account, and the member where one is known."""


class Person(NamedTuple):
    """Somebody as a list names them."""

    path: str
    """Where their page is."""
    name: str


def person_of(opened: Opened, member: Member) -> Person:
    """Name somebody by the best that is known of them.

    Args:
        opened: the program.
        member: whom.

    Returns:
        The name with the page.
    """
    profile = member.profile
    named = profile.name or profile.external_id or profile.card or profile.email
    return Person(member_path(opened, member.member_id), named or number_text("mem", member.member_id))


def ref_of(shown: str) -> Ref:
    """Read a member's id as it stands in an address.

    Args:
        shown: such as `mem_01h8xj3q0abcd`; anything.

    Returns:
        Who is meant.

    Raises:
        Problem: `member_not_found`.
    """
    number = parse_number("mem", shown)
    if number is None:
        raise Problem("member_not_found", "There is no such member here.")
    return member_ref(number)


def find_member(tx: Tx, opened: Opened, shown: str) -> Member:
    """Find the member whom an address names.

    Args:
        tx: bound to the tenant.
        opened: the program.
        shown: the id as it stands there.

    Returns:
        The member.

    Raises:
        Problem: `member_not_found`.
    """
    return get_member(tx, opened.desk, ref_of(shown))


def people_of(tx: Tx, opened: Opened, whom: Collection[Whom]) -> Mapping[Whom, Person]:
    """Say whom rows are about; where only an account is known, who stands for it.

    Args:
        tx: bound to the tenant.
        opened: the program.
        whom: account and member of each row; account 0 is that of guests.

    Returns:
        People; guests and those who were erased are left out.
    """
    found = {Found(account, member) for account, member in whom if member is not None}
    alone = {account for account, member in whom if member is None and account}
    members = load_profiles(tx, opened.desk, list(found))
    eldest = load_eldest(tx, opened.desk, alone)
    people: dict[Whom, Person] = {}
    for account, member in whom:
        named = eldest.get(account) if member is None else members.get(member)
        if named is not None:
            people[account, member] = person_of(opened, named)
    nobodys = {account for account, _ in whom if account} - {account for account, _ in people}
    for account, card in ask_cards(tx, nobodys)().items():
        people[account, None] = Person(card_path(opened, account), f"GIFT-…{card.ending}")
    return people


def card_path(opened: Opened, account_id: int) -> str:
    """Say where a gift card's page is.

    Args:
        opened: the program.
        account_id: the card's.

    Returns:
        Path.
    """
    return f"{opened.path}/gift-cards/{number_text('gft', account_id)}"
