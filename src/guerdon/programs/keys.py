"""API keys: stored as hashes, with scopes, an end and a way to revoke them."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.infra.tx import Tx

ALL_SCOPES = "all"
SCOPES = frozenset(
    {
        ALL_SCOPES,
        "accounts:read",
        "accounts:write",
        "audit:read",
        "boards:read",
        "boards:write",
        "checkouts:write",
        "coupons:read",
        "coupons:write",
        "events:read",
        "events:write",
        "gift_cards:read",
        "gift_cards:write",
        "insights:read",
        "keys:read",
        "keys:write",
        "draws:read",
        "members:read",
        "members:write",
        "posts:moderate",
        "posts:read",
        "posts:write",
        "programs:read",
        "programs:write",
        "quizzes:read",
        "quizzes:write",
        "referrals:read",
        "referrals:write",
        "rewards:read",
        "teams:read",
        "teams:write",
        "redemptions:read",
        "redemptions:write",
        "shares:read",
        "shares:write",
        "webhooks:read",
        "webhooks:write",
        "witness:push",
        "witness:read",
        "witness:write",
    }
)
_MARK = "gk_"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"
_SHAPE = re.compile(r"gk_[A-Za-z0-9_-]{4,120}")
_LENGTH = 40
OVERLAP_AT_MOST = timedelta(days=30)
RATE_AT_MOST = 1_000_000
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is made with."""

    name: str
    """What people call it; up to 200 characters."""
    scopes: Sequence[str]
    actor: str
    """Who makes it."""
    now: datetime
    expires_at: datetime | None = None
    rate_limit: int | None = None
    """Calls a second, 0 … 1,000,000; 0 knows no limit, None takes the server's setting."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is shown: never the key itself."""

    key_id: int
    tenant_id: int
    prefix: str
    """The first letters, by which people recognise it."""
    name: str
    scopes: frozenset[str]
    sandbox: bool
    """Whether its tenant honours test clocks."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    """To about a minute."""
    replaced_by: int | None
    """The key that took its place when it was rotated."""
    rate_limit: int | None
    """Calls a second; 0 knows no limit, None takes the server's setting."""

    def has_expired(self, now: datetime) -> bool:
        """Tell whether its time is over.

        Args:
            now: the instant that judges.

        Returns:
            Whether it had an end, and that has come.
        """
        return self.expires_at is not None and self.expires_at <= now

    def allows(self, scope: str) -> bool:
        """Tell whether the key may do something.

        Args:
            scope: such as `events:write`.

        Returns:
            Whether the key carries that scope, or all.
        """
        return scope in self.scopes or ALL_SCOPES in self.scopes


_COLUMNS = (
    "k.key_id, k.tenant_id, k.prefix, k.name, k.scopes, t.sandbox, k.created_at, k.expires_at, k.revoked_at,"
    " k.last_used_at, k.replaced_by, k.rate_limit"
)
_TABLES = "api_keys k join tenants t using (tenant_id)"


def create_key(tx: Tx, new: NewKey, ids: IdMaker, random_bits: Callable[[int], int]) -> tuple[str, ApiKey]:
    """Make a key.

    Args:
        tx: bound to the tenant, which exists.
        new: name, scopes and end.
        ids: maker of identifiers.
        random_bits: n → an unguessable integer of n bits (`secrets.randbits`).

    Returns:
        The key itself, which is never shown again, and its record.

    Raises:
        Problem: `scope_unknown`, `key_name_invalid`, `key_expiry_invalid` or `rate_limit_invalid`.
    """
    presented = _MARK + "".join(_ALPHABET[random_bits(40) % len(_ALPHABET)] for _ in range(_LENGTH))
    return presented, ensure_key(tx, presented, new, ids)


def ensure_key(tx: Tx, presented: str, new: NewKey, ids: IdMaker) -> ApiKey:
    """Make a given key exist.

    Args:
        tx: bound to the tenant, which exists.
        presented: `gk_` and 4 to 120 letters, digits, `-` or `_`; whoever chooses it makes it hard to guess.
        new: name, scopes and end, used where the key is new.
        ids: maker of identifiers.

    Returns:
        The key's record as it stands; a revoked key stays revoked.

    Raises:
        Problem: `key_malformed`, `scope_unknown`, `key_name_invalid`, `key_expiry_invalid`,
            `rate_limit_invalid`, or `key_taken` where another tenant has this key.
    """
    if _SHAPE.fullmatch(presented) is None:
        raise Problem("key_malformed", "a key is `gk_` and then 4 to 120 letters, digits, `-` or `_`")
    _check(new)
    digest = _digest(presented)
    tx.execute(
        "insert into api_keys"
        " (key_id, prefix, digest, name, scopes, created_by, created_at, expires_at, rate_limit)"
        " values (%s, %s, %s, %s, %s::text[], %s, %s, %s, %s) on conflict (digest) do nothing",
        (
            ids.number(),
            _prefix(presented),
            digest,
            new.name,
            sorted(set(new.scopes)),
            new.actor,
            new.now,
            new.expires_at,
            new.rate_limit,
        ),
    )
    query = f"select {_COLUMNS} from {_TABLES} where k.digest = %s"  # noqa: S608 - columns of ours
    row = tx.execute(query, (digest,)).fetchone()
    if row is None:
        raise Problem("key_taken", "this key is in use elsewhere: choose another")
    return _key(row)


def find_key(lookup_tx: Tx, presented: str) -> ApiKey | None:
    """Find whose key was presented.

    Args:
        lookup_tx: a transaction under the lookup role, which sees the keys of all tenants.
        presented: what the caller sent.

    Returns:
        The key's record, which may have expired (`ApiKey.has_expired`); None where it is unknown or revoked.
    """
    if _SHAPE.fullmatch(presented) is None:
        return None
    digest = _digest(presented)
    query = f"select {_COLUMNS}, k.digest from {_TABLES} where k.prefix = %s"  # noqa: S608 - columns of ours
    found = None
    # Each candidate is compared, and in constant time: how long it takes tells nothing of the stored hash.
    for row in lookup_tx.execute(query, (_prefix(presented),)):
        if hmac.compare_digest(row[-1], digest):
            found = _key(row[:-1])
    return found if found is None or found.revoked_at is None else None


def note_use(tx: Tx, key: ApiKey, now: datetime) -> None:
    """Write down that a key was used, once a minute at most.

    Args:
        tx: bound to the tenant.
        key: as it was found.
        now: when.
    """
    if key.last_used_at is None or now - key.last_used_at >= _USE_NOTED_EVERY:
        tx.execute(
            "update api_keys set last_used_at = greatest(last_used_at, %s) where key_id = %s",
            (now, key.key_id),
        )


def list_keys(tx: Tx, *, after: int = 0, limit: int | None = None) -> list[ApiKey]:
    """List a tenant's keys.

    Args:
        tx: bound to the tenant.
        after: only keys behind this number, the last one of the page before.
        limit: how many at most; None for all.

    Returns:
        Its keys, oldest first, revoked and expired ones included.
    """
    query = f"select {_COLUMNS} from {_TABLES} where k.key_id > %s order by k.key_id limit %s"  # noqa: S608 - columns of ours
    return [_key(row) for row in tx.execute(query, (after, limit))]


def get_key(tx: Tx, key_id: int) -> ApiKey:
    """Give one of a tenant's keys.

    Args:
        tx: bound to the tenant.
        key_id: the key's number.

    Returns:
        Its record.

    Raises:
        Problem: `key_not_found`.
    """
    query = f"select {_COLUMNS} from {_TABLES} where k.key_id = %s"  # noqa: S608 - columns of ours
    row = tx.execute(query, (key_id,)).fetchone()
    if row is None:
        raise _no_such_key()
    return _key(row)


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a key is replaced by a new one."""

    key_id: int
    actor: str
    now: datetime
    overlap: timedelta
    """How long the old one still opens, 0 … 30 days; never beyond its own end."""
    expires_at: datetime | None = None
    """When the new one ends."""


def rotate_key(
    tx: Tx, wanted: Rotation, ids: IdMaker, random_bits: Callable[[int], int]
) -> tuple[str, ApiKey]:
    """Make a key of the same name, scopes and limit, and let the old one end after the overlap.

    Args:
        tx: bound to the tenant.
        wanted: which key, and for how long both open.
        ids: maker of identifiers.
        random_bits: n → an unguessable integer of n bits (`secrets.randbits`).

    Returns:
        The new key itself, which is never shown again, and its record.

    Raises:
        Problem: `key_not_found`, `key_ended` where the old one opens nothing any more or has been replaced,
            `key_overlap_invalid`, `key_expiry_invalid`.
    """
    if not timedelta() <= wanted.overlap <= OVERLAP_AT_MOST:
        raise Problem.at("/overlap_hours", "key_overlap_invalid", "both keys open for at most 720 hours")
    tx.execute("select from api_keys where key_id = %s for update", (wanted.key_id,))
    old = get_key(tx, wanted.key_id)
    if old.revoked_at is not None or old.replaced_by is not None or old.has_expired(wanted.now):
        raise Problem("key_ended", "this key has ended or has been replaced: make a new one")
    new = NewKey(old.name, sorted(old.scopes), wanted.actor, wanted.now, wanted.expires_at, old.rate_limit)
    presented, made = create_key(tx, new, ids, random_bits)
    tx.execute(
        "update api_keys set replaced_by = %s, expires_at = least(expires_at, %s) where key_id = %s",
        (made.key_id, wanted.now + wanted.overlap, wanted.key_id),
    )
    return presented, made


def revoke_key(tx: Tx, key_id: int, now: datetime) -> None:
    """End a key at once; a key that was revoked stays as it is.

    Args:
        tx: bound to the tenant.
        key_id: the key's number.
        now: when.

    Raises:
        Problem: `key_not_found`.
    """
    done = tx.execute(
        "update api_keys set revoked_at = coalesce(revoked_at, %s) where key_id = %s", (now, key_id)
    )
    if done.rowcount != 1:
        raise _no_such_key()


def _no_such_key() -> Problem:
    return Problem("key_not_found", "there is no such key")


def _check(new: NewKey) -> None:
    unknown = sorted(set(new.scopes) - SCOPES)
    if unknown or not new.scopes:
        named = ", ".join(unknown) or "none given"
        detail = f"expected scopes of {', '.join(sorted(SCOPES))}; not {named}"
        raise Problem.at("/scopes", "scope_unknown", detail)
    if not 0 < len(new.name) <= 200 or not new.name.isprintable():
        raise Problem.at("/name", "key_name_invalid", "a key's name has 1 to 200 printable characters")
    if new.expires_at is not None and new.expires_at <= new.now:
        raise Problem.at("/expires_at", "key_expiry_invalid", "a key expires in the future")
    if new.rate_limit is not None and not 0 <= new.rate_limit <= RATE_AT_MOST:
        detail = f"a key may make 0 to {RATE_AT_MOST} calls a second; 0 knows no limit"
        raise Problem.at("/rate_limit", "rate_limit_invalid", detail)


def _prefix(presented: str) -> str:
    # Of a short key that somebody chose, fewer letters are shown.
    return presented[: len(_MARK) + min(6, (len(presented) - len(_MARK)) // 4)]


def _digest(presented: str) -> bytes:
    # Keys made here carry more than 200 random bits: nothing to guess, so a fast hash is enough.
    return hashlib.sha256(presented.encode("ascii")).digest()


def _key(row: Sequence[Any]) -> ApiKey:
    key_id, tenant_id, prefix, name, scopes, *rest = row
    return ApiKey(key_id, tenant_id, prefix, name, frozenset(scopes), *rest)
