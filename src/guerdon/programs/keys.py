"""API keys: stored as hashes, with scopes, an end and a way to revoke them."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
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
        "checkouts:write",
        "coupons:read",
        "coupons:write",
        "events:read",
        "events:write",
        "insights:read",
        "keys:write",
        "members:read",
        "members:write",
        "programs:read",
        "programs:write",
        "rewards:read",
        "redemptions:read",
        "redemptions:write",
        "webhooks:read",
        "webhooks:write",
    }
)
_MARK = "gk_"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"
_SHAPE = re.compile(r"gk_[A-Za-z0-9_-]{4,120}")
_LENGTH = 40


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

    def allows(self, scope: str) -> bool:
        """Tell whether the key may do something.

        Args:
            scope: such as `events:write`.

        Returns:
            Whether the key carries that scope, or all.
        """
        return scope in self.scopes or ALL_SCOPES in self.scopes


_COLUMNS = (
    "k.key_id, k.tenant_id, k.prefix, k.name, k.scopes, t.sandbox, k.created_at, k.expires_at, k.revoked_at"
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
        Problem: `scope_unknown`, `key_name_invalid` or `key_expiry_invalid`.
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
        Problem: `key_malformed`, `scope_unknown`, `key_name_invalid`, `key_expiry_invalid`, or
            `key_taken` where another tenant has this key.
    """
    if _SHAPE.fullmatch(presented) is None:
        raise Problem("key_malformed", "a key is `gk_` and then 4 to 120 letters, digits, `-` or `_`")
    _check(new)
    digest = _digest(presented)
    tx.execute(
        "insert into api_keys (key_id, prefix, digest, name, scopes, created_by, created_at, expires_at)"
        " values (%s, %s, %s, %s, %s::text[], %s, %s, %s) on conflict (digest) do nothing",
        (
            ids.number(),
            _prefix(presented),
            digest,
            new.name,
            sorted(set(new.scopes)),
            new.actor,
            new.now,
            new.expires_at,
        ),
    )
    query = f"select {_COLUMNS} from {_TABLES} where k.digest = %s"  # noqa: S608
    row = tx.execute(query, (digest,)).fetchone()
    if row is None:
        raise Problem("key_taken", "this key is in use elsewhere: choose another")
    return _key(row)


def find_key(lookup_tx: Tx, presented: str, now: datetime) -> ApiKey | None:
    """Find whose key was presented.

    Args:
        lookup_tx: a transaction under the lookup role, which sees the keys of all tenants.
        presented: what the caller sent.
        now: judges expiry.

    Returns:
        The key's record, None where it is unknown, expired or revoked.
    """
    if _SHAPE.fullmatch(presented) is None:
        return None
    digest = _digest(presented)
    query = f"select {_COLUMNS}, k.digest from {_TABLES} where k.prefix = %s"  # noqa: S608
    found = None
    # Each candidate is compared, and in constant time: how long it takes tells nothing of the stored hash.
    for row in lookup_tx.execute(query, (_prefix(presented),)):
        if hmac.compare_digest(row[-1], digest):
            found = _key(row[:-1])
    if found is None or found.revoked_at is not None:
        return None
    if found.expires_at is not None and found.expires_at <= now:
        return None
    return found


def list_keys(tx: Tx) -> list[ApiKey]:
    """List a tenant's keys.

    Args:
        tx: bound to the tenant.

    Returns:
        All its keys, oldest first, revoked and expired ones included.
    """
    query = f"select {_COLUMNS} from {_TABLES} order by k.key_id"  # noqa: S608
    return [_key(row) for row in tx.execute(query)]


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
        raise Problem("key_not_found", "there is no such key")


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


def _prefix(presented: str) -> str:
    # Of a short key that somebody chose, fewer letters are shown.
    return presented[: len(_MARK) + min(6, (len(presented) - len(_MARK)) // 4)]


def _digest(presented: str) -> bytes:
    # Keys made here carry more than 200 random bits: nothing to guess, so a fast hash is enough.
    return hashlib.sha256(presented.encode("ascii")).digest()


def _key(row: Sequence[Any]) -> ApiKey:
    key_id, tenant_id, prefix, name, scopes, *rest = row
    return ApiKey(key_id, tenant_id, prefix, name, frozenset(scopes), *rest)
