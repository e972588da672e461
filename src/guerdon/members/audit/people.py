"""What is kept about people agrees with itself: what is sealed, what is found by, what was erased."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.infra.walks import Row
from guerdon.members.accounts import AccountRow
from guerdon.members.crypto import MemberKey, Vault
from guerdon.members.identities import Kind, Ref, member_ref, normal_ref
from guerdon.members.names import name_digests
from guerdon.members.stored import StoredProfile, decode_attributes, decode_consents, open_profile
from guerdon.programs.audit import list_acts
from guerdon.rules.state import MemberState

_BIRTHDAY = slice(5, 10)


class Person(NamedTuple):
    """A member's row, and what can be opened of it."""

    program_id: int
    state: MemberState
    key: MemberKey | None
    """None where the person was erased, or where it cannot be opened."""
    profile: StoredProfile | None
    erased_at: datetime | None
    problem: str
    """Why the row cannot be read, or nothing."""


def read_person(vault: Vault, row: Row) -> Person:
    """Open a member's row.

    Args:
        vault: the tenant's keys.
        row: of `walk_members`.

    Returns:
        The person.
    """
    _, member_id, program_id, role, language, birthday, joined_at, attributes, consents, *sealed = row
    wrapped_key, profile, erased_at = sealed
    state = MemberState(
        member_id=member_id, role=role, language=language, birthday=birthday, joined_at=joined_at
    )
    try:
        state = msgspec.structs.replace(
            state,
            attributes=decode_attributes(attributes),
            consents={topic: one.given for topic, one in decode_consents(consents).items()},
        )
        if erased_at is not None:
            return Person(program_id, state, None, None, erased_at, "")
        key = vault.open_key(member_id, wrapped_key or b"")
        return Person(program_id, state, key, open_profile(key, profile or b""), None, "")
    except Problem as problem:
        return Person(program_id, state, None, None, erased_at, problem.code)
    except msgspec.DecodeError as error:
        return Person(program_id, state, None, None, erased_at, type(error).__name__)


class Kept(NamedTuple):
    """What is kept of one account's people."""

    account: AccountRow
    program_id: int
    people: Mapping[int, Person]
    """By member, eldest first."""
    identities: Sequence[Row]
    names: Sequence[Row]


def check_people(tx: Tx, vault: Vault, kept: Kept) -> Iterator[Finding]:
    """Compare an account's row, its members, their identities and the words of their names.

    Args:
        tx: bound to the tenant, to look erasures up.
        vault: the tenant's keys.
        kept: the rows.

    Yields:
        What does not hold.
    """
    account = kept.account
    yield from _check_account(kept)
    for member_id, person in kept.people.items():
        yield from _check_person(tx, kept, member_id, person)
    wanted = {
        (member_id, digest): kind
        for member_id, person in kept.people.items()
        for digest, kind in _claims(vault, member_id, person).items()
    }
    found = {(row[1], bytes(row[2])): row[3] for row in kept.identities}
    yield from _compare(account.account_id, "identities", wanted, found)
    words = {
        (member_id, digest): "a word of the name"
        for member_id, person in kept.people.items()
        for digest in name_digests(vault, person.profile.name if person.profile is not None else "")
    }
    met = {(row[1], bytes(row[2])): "a word of the name" for row in kept.names}
    yield from _compare(account.account_id, "name_words", words, met)
    for table, rows in (("identities", kept.identities), ("name_words", kept.names)):
        for row in rows:
            if row[-1] != kept.program_id:
                yield _finding(account, table, _place(row[1], bytes(row[2])), kept.program_id, row[-1])


def _check_account(kept: Kept) -> Iterator[Finding]:
    account = kept.account
    living = sum(person.erased_at is None for person in kept.people.values())
    if account.members != living:
        yield _finding(account, "accounts", "members", living, account.members)
    if account.kind == "card" or account.merged_into is not None:
        # A gift card's account is nobody's, and that of people who went on is nobody's any more.
        return
    owners = [person for person in kept.people.values() if person.state.role == "owner"]
    if not owners:
        yield _finding(account, "members", "role", "an owner", "none")
    elif owners[0].state.joined_at != account.created_at:
        yield _finding(account, "accounts", "created_at", owners[0].state.joined_at, account.created_at)


def _check_person(tx: Tx, kept: Kept, member_id: int, person: Person) -> Iterator[Finding]:
    account, shown = kept.account, number_text("mem", member_id)
    if person.problem:
        yield _finding(account, "members", f"{shown} sealed", "what can be opened", person.problem)
    if person.program_id != kept.program_id:
        yield _finding(account, "members", f"{shown} program_id", kept.program_id, person.program_id)
    born = person.profile.birthday[_BIRTHDAY] if person.profile is not None else ""
    if not person.problem and person.state.birthday != born:
        yield _finding(account, "members", f"{shown} birth_mmdd", repr(born), repr(person.state.birthday))
    if person.erased_at is None:
        return
    if person.state.attributes or person.state.consents or person.state.language:
        yield _finding(account, "members", shown, "nothing about an erased person", "something")
    acts = [one.act.at for one in list_acts(tx, about=shown) if one.act.action == "member.erased"]
    if person.erased_at not in acts:
        yield _finding(account, "members", f"{shown} erased_at", acts, person.erased_at)


def _claims(vault: Vault, member_id: int, person: Person) -> dict[bytes, str]:
    """Work out by what a living person is found."""
    profile = person.profile
    if profile is None:
        return {}
    own = member_ref(member_id)
    given = (("external", profile.external_id), ("email", profile.email), ("phone", profile.phone))
    refs = [own, Ref("card", profile.card)]
    refs += [normal_ref(cast("Kind", kind), value) for kind, value in given if value]
    return {vault.digest(ref.kind, ref.value): ref.kind for ref in refs}


def _compare(
    account_id: int,
    table: str,
    wanted: Mapping[tuple[int, bytes], str],
    found: Mapping[tuple[int, bytes], str],
) -> Iterator[Finding]:
    shown = number_text("acc", account_id)
    for key in sorted(wanted.keys() | found.keys()):
        expected, there = wanted.get(key, "nothing"), found.get(key, "nothing")
        if expected != there:
            place = f"{shown} {_place(*key)}"
            yield Finding(f"{table}_unlike_profile", table, place, expected, there, account_id)


def _place(member_id: int, digest: bytes) -> str:
    return f"{number_text('mem', member_id)} {digest.hex()[:16]}"


def _finding(account: AccountRow, table: str, place: str, expected: Any, found: Any) -> Finding:
    key = f"{number_text('acc', account.account_id)} {place}"
    return Finding("people", table, key, str(expected), str(found), account.account_id)
