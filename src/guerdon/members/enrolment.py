"""Enrolling people, many at once: each identity belongs to one member, however many ask at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from guerdon.base.errors import Fault, Problem
from guerdon.base.ids import Chance, IdMaker
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.identities import Found, Ref, make_card, member_ref
from guerdon.members.names import name_digests
from guerdon.members.profiles import Profile
from guerdon.members.stored import StoredProfile, encode_attributes, encode_consents, seal_profile, told

_ATTEMPTS = 5
_SALT_BYTES = 16
_POINTERS = {"external": "/external_id", "email": "/email", "phone": "/phone"}


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who asks to be enrolled."""

    profile: Profile
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class EnrolBatch:
    """All that enrolling needs."""

    vault: Vault
    program_id: int
    newcomers: Sequence[Newcomer]
    ids: IdMaker
    chance: Chance
    """Makes the cards."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of one newcomer."""

    account_id: int
    member_id: int
    is_new: bool
    """False where an identity was known already, also from earlier in the batch."""


@dataclass(frozen=True, slots=True)
class _Fresh:
    newcomer: Newcomer
    found: Found
    card: str
    claims: Mapping[bytes, str]
    """Digest → kind of each identity that is to be theirs."""


@dataclass(slots=True)
class _Plan:
    answers: list[Enrolled | Problem] = field(default_factory=list)
    fresh: list[_Fresh] = field(default_factory=list)


_KNOWN = """
select digest, account_id, member_id from identities where program_id = %s and digest = any(%s::bytea[])
"""
# In order of the digests, so that two batches that want the same ones wait for each other in one order.
_CLAIM = """
insert into identities (program_id, digest, kind, account_id, member_id)
select %s::bigint, c.digest, c.kind, c.account_id, c.member_id
from unnest(%s::bytea[], %s::text[], %s::bigint[], %s::bigint[]) as c (digest, kind, account_id, member_id)
order by c.digest
on conflict (program_id, digest) do nothing
returning digest
"""
_LET_GO = "delete from identities where program_id = %s and digest = any(%s::bytea[])"
_ACCOUNTS = """
insert into accounts (program_id, account_id, kind, created_at, salt)
select %s::bigint, n.account_id, 'person', n.created_at, n.salt
from unnest(%s::bigint[], %s::timestamptz[], %s::bytea[]) as n (account_id, created_at, salt)
on conflict (account_id) do nothing
"""
_MEMBERS = """
insert into members (program_id, role, account_id, member_id, joined_at, language, birth_mmdd, attributes,
    consents, wrapped_key, sealed)
select %s::bigint, 'owner', n.account_id, n.member_id, n.joined_at, n.language, n.birth_mmdd,
    n.attributes::jsonb, n.consents::jsonb, n.wrapped_key, n.sealed
from unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::bytea[], %s::bytea[])
    as n (account_id, member_id, joined_at, language, birth_mmdd, attributes, consents, wrapped_key, sealed)
on conflict (account_id, member_id) do nothing
"""
_NAMES = """
insert into name_words (program_id, account_id, member_id, digest)
select %s::bigint, n.account_id, n.member_id, n.digest
from unnest(%s::bigint[], %s::bigint[], %s::bytea[]) as n (account_id, member_id, digest)
on conflict (account_id, member_id, digest) do nothing
"""


def enrol(tx: Tx, batch: EnrolBatch) -> list[Enrolled | Problem]:
    """Enrol people; whoever is known by an identity comes back as they are, nothing about them changed.

    Identities are claimed before any account is locked: call it before `lock_accounts`.

    Args:
        tx: bound to the tenant.
        batch: who, where and with which keys.

    Returns:
        One answer for each newcomer, in their order; `identity_conflict` where identities of one newcomer
        belong to different members.

    Raises:
        Problem: `enrolment_contended` where others kept enrolling the same people meanwhile; nothing is kept.
    """
    owned = [_digests(batch.vault, newcomer.profile) for newcomer in batch.newcomers]
    for _ in range(_ATTEMPTS):
        plan = _plan(batch, owned, _known(tx, batch.program_id, owned))
        if _claim(tx, batch.program_id, plan.fresh):
            _insert(tx, batch, plan.fresh)
            return plan.answers
    raise Problem("enrolment_contended", "others are enrolling the same people: try again in a moment")


def _digests(vault: Vault, profile: Profile) -> dict[bytes, Ref]:
    return {vault.digest(ref.kind, ref.value): ref for ref in profile.identities}


def _known(tx: Tx, program_id: int, owned: Sequence[Mapping[bytes, Ref]]) -> dict[bytes, Found]:
    wanted = sorted({digest for digests in owned for digest in digests})
    if not wanted:
        return {}
    rows = tx.execute(_KNOWN, (program_id, wanted)).fetchall()
    return {digest: Found(*found) for digest, *found in rows}


def _plan(batch: EnrolBatch, owned: Sequence[Mapping[bytes, Ref]], known: dict[bytes, Found]) -> _Plan:
    plan = _Plan()
    for newcomer, digests in zip(batch.newcomers, owned, strict=True):
        met = {found for digest in digests if (found := known.get(digest)) is not None}
        if len(met) > 1:
            plan.answers.append(_conflict([ref for digest, ref in digests.items() if digest in known]))
        elif met:
            found = met.pop()
            plan.answers.append(Enrolled(found.account_id, found.member_id, is_new=False))
        else:
            fresh = _fresh(batch, newcomer, digests)
            known.update(dict.fromkeys(digests, fresh.found))
            plan.fresh.append(fresh)
            plan.answers.append(Enrolled(fresh.found.account_id, fresh.found.member_id, is_new=True))
    return plan


def _fresh(batch: EnrolBatch, newcomer: Newcomer, digests: Mapping[bytes, Ref]) -> _Fresh:
    found = Found(batch.ids.number(), batch.ids.number())
    card = make_card(batch.chance)
    own = member_ref(found.member_id)
    claims = {digest: str(ref.kind) for digest, ref in digests.items()}
    claims[batch.vault.digest("card", card)] = "card"
    claims[batch.vault.digest(own.kind, own.value)] = own.kind
    return _Fresh(newcomer, found, card, claims)


def _conflict(refs: Sequence[Ref]) -> Problem:
    detail = "this identity belongs to another member than the others that were given"
    faults = tuple(Fault(_POINTERS[ref.kind], "identity_conflict", detail) for ref in refs)
    return Problem("identity_conflict", "the identities belong to different members", faults)


def _claim(tx: Tx, program_id: int, fresh: Sequence[_Fresh]) -> bool:
    """Claim all identities, or none where another transaction was first with one of them."""
    claims = [
        (digest, kind, one.found.account_id, one.found.member_id)
        for one in fresh
        for digest, kind in one.claims.items()
    ]
    if not claims:
        return True
    rows = tx.execute(_CLAIM, (program_id, *_columns(claims))).fetchall()
    if len(rows) == len(claims):
        return True
    tx.execute(_LET_GO, (program_id, [row[0] for row in rows]))
    return False


def _insert(tx: Tx, batch: EnrolBatch, fresh: Sequence[_Fresh]) -> None:
    if not fresh:
        return
    vault = batch.vault
    accounts = [
        (one.found.account_id, one.newcomer.joined_at, vault.random_bytes(_SALT_BYTES)) for one in fresh
    ]
    members = [_member_row(vault, one) for one in fresh]
    names = [
        (one.found.account_id, one.found.member_id, digest)
        for one in fresh
        for digest in name_digests(vault, one.newcomer.profile.name)
    ]
    _insert_all(tx, _ACCOUNTS, batch.program_id, accounts)
    _insert_all(tx, _MEMBERS, batch.program_id, members)
    if names:
        _insert_all(tx, _NAMES, batch.program_id, names)


def _insert_all(tx: Tx, statement: str, program_id: int, rows: Sequence[tuple[Any, ...]]) -> None:
    done = tx.execute(statement, (program_id, *_columns(rows)))
    if done.rowcount != len(rows):
        # Another process made the same number in the same millisecond; the batch is run again with new ones.
        raise RuntimeError("an identifier that was made here is taken")


def _member_row(vault: Vault, one: _Fresh) -> tuple[Any, ...]:
    profile, joined_at = one.newcomer.profile, one.newcomer.joined_at
    wrapped, key = vault.make_key(one.found.member_id)
    stored = StoredProfile(
        card=one.card,
        external_id=profile.external_id,
        email=profile.email,
        phone=profile.phone,
        name=profile.name,
        birthday=profile.birthday.isoformat() if profile.birthday else "",
        attributes=dict(profile.personal_attributes),
    )
    return (
        one.found.account_id,
        one.found.member_id,
        joined_at,
        profile.language,
        profile.birthday.strftime("%m-%d") if profile.birthday else "",
        encode_attributes(profile.attributes),
        encode_consents(told(profile.consents, joined_at)),
        wrapped,
        seal_profile(key, stored),
    )


def _columns(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))
