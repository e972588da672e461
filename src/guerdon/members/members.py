"""Members as people see them: one, a page, a search, and what may be changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.identities import Found, Kind, Ref, normal_ref, parse_ref, resolve
from guerdon.members.merging.locking import lock_found
from guerdon.members.names import is_meant, search_digest, words_of
from guerdon.members.profiles import ProfileChange
from guerdon.members.stored import (
    Consent,
    StoredProfile,
    decode_attributes,
    decode_consents,
    encode_attributes,
    encode_consents,
    open_profile,
    seal_profile,
    told,
)

_SCANNED_AT_MOST = 2_000
_NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Member:
    """A person, with what names them."""

    account_id: int
    member_id: int
    role: str
    joined_at: datetime
    language: str = ""
    profile: StoredProfile = field(default_factory=StoredProfile)
    """Card, external id, e-mail, phone, name, birthday, personal attributes."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """The plain ones."""
    consents: Mapping[str, Consent] = field(default_factory=dict)

    @property
    def all_attributes(self) -> dict[str, Any]:
        """Plain and personal attributes together."""
        return {**self.attributes, **self.profile.attributes}


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Some of a program's members, newest first."""

    members: Sequence[Member]
    next: str | None
    """Cursor of the page after; None at the end."""


@dataclass(frozen=True, slots=True)
class Desk:
    """In which program members are looked at, and with which keys."""

    vault: Vault
    program_id: int


_COLUMNS = """m.account_id, m.member_id, m.role, m.joined_at, m.language, m.attributes::text,
    m.consents::text, m.wrapped_key, m.sealed"""
_BY_ID = f"""
select {_COLUMNS} from members m
where m.program_id = %s and m.account_id = any(%s::bigint[]) and m.member_id = any(%s::bigint[])
  and m.erased_at is null
"""  # noqa: S608 - columns of ours
_OF_ACCOUNT = f"""
select {_COLUMNS} from members m
where m.program_id = %s and m.account_id = %s and m.erased_at is null order by m.member_id
"""  # noqa: S608 - columns of ours
_ELDEST = f"""
select distinct on (m.account_id) {_COLUMNS} from members m
where m.program_id = %s and m.account_id = any(%s::bigint[]) and m.erased_at is null
order by m.account_id, m.member_id
"""  # noqa: S608 - columns of ours
_PAGE = f"""
select {_COLUMNS} from members m
where m.program_id = %s and m.member_id < %s and m.erased_at is null
order by m.member_id desc limit %s
"""  # noqa: S608 - columns of ours
_NAMED = f"""
select {_COLUMNS} from (
    select account_id, member_id from name_words
    where program_id = %s and digest = %s and member_id < %s
    order by member_id desc limit %s
) w join members m on m.account_id = w.account_id and m.member_id = w.member_id
order by m.member_id desc
"""  # noqa: S608 - columns of ours
_PATCH = """
update members set language = %s, attributes = %s::jsonb, consents = %s::jsonb, sealed = %s
where account_id = %s and member_id = %s
"""


def find_member(tx: Tx, desk: Desk, ref: Ref) -> Member | None:
    """Find a member.

    Args:
        tx: bound to the tenant.
        desk: program and keys.
        ref: any reference, in normal form.

    Returns:
        The member, None where nobody is meant.
    """
    found = resolve(tx, desk.vault, desk.program_id, [ref]).get(ref)
    return load_profiles(tx, desk, [found]).get(found.member_id) if found is not None else None


def get_member(tx: Tx, desk: Desk, ref: Ref) -> Member:
    """Get a member.

    Args:
        tx: bound to the tenant.
        desk: program and keys.
        ref: any reference, in normal form.

    Returns:
        The member.

    Raises:
        Problem: `member_not_found`; its detail does not repeat the reference.
    """
    member = find_member(tx, desk, ref)
    if member is None:
        raise _not_found()
    return member


def load_profiles(tx: Tx, desk: Desk, found: Sequence[Found]) -> dict[int, Member]:
    """Read many members with what names them.

    Args:
        tx: bound to the tenant.
        desk: program and keys.
        found: which ones.

    Returns:
        The members by id; those who were erased are left out.
    """
    if not found:
        return {}
    accounts = [one.account_id for one in found]
    members = [one.member_id for one in found]
    rows = tx.execute(_BY_ID, (desk.program_id, accounts, members)).fetchall()
    return {row[1]: _member(desk.vault, row) for row in rows}


def list_of_account(tx: Tx, desk: Desk, account_id: int) -> list[Member]:
    """List the people who act for an account.

    Args:
        tx: bound to the tenant.
        desk: program and keys.
        account_id: the account.

    Returns:
        Its members, eldest first; those who were erased are left out.
    """
    rows = tx.execute(_OF_ACCOUNT, (desk.program_id, account_id)).fetchall()
    return [_member(desk.vault, row) for row in rows]


def load_eldest(tx: Tx, desk: Desk, account_ids: Collection[int]) -> dict[int, Member]:
    """Read who stands for each of many accounts.

    Args:
        tx: bound to the tenant.
        desk: program and keys.
        account_ids: the accounts.

    Returns:
        By account, its eldest member; accounts whose members were all erased are left out.
    """
    if not account_ids:
        return {}
    rows = tx.execute(_ELDEST, (desk.program_id, sorted(account_ids))).fetchall()
    return {row[0]: _member(desk.vault, row) for row in rows}


def list_members(tx: Tx, desk: Desk, *, cursor: str | None = None, limit: int = 50) -> MemberPage:
    """List a program's members, newest first.

    Args:
        tx: bound to the tenant.
        desk: program and keys.
        cursor: `next` of the page before.
        limit: how many at most, 1 to 1000.

    Returns:
        A page.

    Raises:
        Problem: `cursor_invalid`.
    """
    rows = tx.execute(_PAGE, (desk.program_id, _before(cursor), limit + 1)).fetchall()
    return _page([_member(desk.vault, row) for row in rows[:limit]], more=len(rows) > limit)


def search_members(
    tx: Tx, desk: Desk, text: str, *, cursor: str | None = None, limit: int = 50
) -> MemberPage:
    """Search by whatever was typed: an id, card, e-mail, phone, external id, or words of a name.

    Args:
        tx: bound to the tenant.
        desk: program and keys.
        text: as typed; words of three letters or more also find names that have words beginning so.
        cursor: `next` of the page before.
        limit: how many at most, 1 to 1000.

    Returns:
        A page: whom the text names as an identity, else whose name has all of its words. A page may be
        short, or empty, and still have a next one, where many names begin alike.

    Raises:
        Problem: `cursor_invalid`.
    """
    before = _before(cursor)
    if cursor is None:
        refs = _possible_refs(text)
        found = list(dict.fromkeys(resolve(tx, desk.vault, desk.program_id, refs).values()))
        named = load_profiles(tx, desk, found)
        if named:
            return MemberPage(sorted(named.values(), key=lambda member: -member.member_id)[:limit], None)
    words = words_of(text)
    if not words:
        return MemberPage((), None)
    # The longest word leaves the fewest to be opened.
    rarest = search_digest(desk.vault, max(words, key=len))
    rows = tx.execute(_NAMED, (desk.program_id, rarest, before, _SCANNED_AT_MOST)).fetchall()
    meant: list[Member] = []
    for place, row in enumerate(rows, start=1):
        member = _member(desk.vault, row)
        if is_meant(words, member.profile.name):
            meant.append(member)
        if len(meant) == limit:
            return _page(meant, more=place < len(rows) or len(rows) == _SCANNED_AT_MOST)
    last = number_text("mem", rows[-1][1]) if len(rows) == _SCANNED_AT_MOST else None
    return MemberPage(meant, last)


def patch_member(tx: Tx, desk: Desk, ref: Ref, change: ProfileChange, now: datetime) -> Member:
    """Change attributes, language and consents.

    Args:
        tx: bound to the tenant; the member's account gets locked, so that no decision reads half of it.
        desk: program and keys.
        ref: whom.
        change: what is to change (`profiles.read_change`).
        now: dates the consents.

    Returns:
        The member as they are now.

    Raises:
        Problem: `member_not_found`.
    """
    found = lock_found(tx, desk.vault, desk.program_id, ref)
    if found is None:
        raise _not_found()
    rows = tx.execute(_BY_ID, (desk.program_id, [found.account_id], [found.member_id])).fetchall()
    if not rows:
        raise _not_found()
    row = rows[0]
    before = _member(desk.vault, row)
    after = _changed(before, change, now)
    sealed = row[8]
    if after.profile != before.profile:
        sealed = seal_profile(desk.vault.open_key(found.member_id, row[7]), after.profile)
    attributes, consents = encode_attributes(after.attributes), encode_consents(after.consents)
    tx.execute(_PATCH, (after.language, attributes, consents, sealed, found.account_id, found.member_id))
    return after


def _changed(before: Member, change: ProfileChange, now: datetime) -> Member:
    gone = set(change.attributes.removed) | change.attributes.plain.keys() | change.attributes.personal.keys()
    plain = {name: value for name, value in before.attributes.items() if name not in gone}
    personal = {name: value for name, value in before.profile.attributes.items() if name not in gone}
    profile = before.profile
    return Member(
        account_id=before.account_id,
        member_id=before.member_id,
        role=before.role,
        joined_at=before.joined_at,
        language=before.language if change.language is None else change.language,
        profile=StoredProfile(
            card=profile.card,
            external_id=profile.external_id,
            email=profile.email,
            phone=profile.phone,
            name=profile.name,
            birthday=profile.birthday,
            attributes={**personal, **change.attributes.personal},
        ),
        attributes={**plain, **change.attributes.plain},
        consents={**before.consents, **told(change.consents, now)},
    )


def _member(vault: Vault, row: Sequence[Any]) -> Member:
    account_id, member_id, role, joined_at, language, attributes, consents, wrapped, sealed = row
    return Member(
        account_id=account_id,
        member_id=member_id,
        role=role,
        joined_at=joined_at,
        language=language,
        profile=open_profile(vault.open_key(member_id, wrapped), sealed),
        attributes=decode_attributes(attributes),
        consents=decode_consents(consents),
    )


def _possible_refs(text: str) -> list[Ref]:
    bare = text.strip()
    kinds: tuple[Kind, ...] = ("card", "email", "phone", "external")
    possible = [_as_ref(lambda: parse_ref(bare))]
    possible += [_as_ref(partial(normal_ref, kind, bare)) for kind in kinds]
    return [ref for ref in possible if ref is not None]


def _as_ref(read: Callable[[], Ref]) -> Ref | None:
    try:
        return read()
    except Problem:
        return None


def _page(members: Sequence[Member], *, more: bool) -> MemberPage:
    return MemberPage(members, number_text("mem", members[-1].member_id) if more else None)


def _before(cursor: str | None) -> int:
    if cursor is None:
        return _NEWEST
    number = parse_number("mem", cursor)
    if number is None:
        raise Problem("cursor_invalid", "expected a cursor as the page before gave it")
    return number


def _not_found() -> Problem:
    return Problem("member_not_found", "nobody here is meant by this reference")
