"""Who calls: API keys, what they may do, and the instant that their calls are booked at."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from anyio import to_thread

from guerdon.base.calendar import FIRST_INSTANT, LAST_INSTANT
from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.programs.keys import ApiKey, find_key

_REMEMBERED_SECONDS: Final = 5.0
_REMEMBERED_KEYS: Final = 10_000
_KEY_LENGTH: Final = 200
_BEARER: Final = b"Bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever presented a good key."""

    tenant_id: int
    actor: str
    """How the audit trail names the caller."""
    key: ApiKey

    def require(self, scope: str) -> None:
        """Insist on a scope.

        Args:
            scope: such as `events:write`.

        Raises:
            Problem: `scope_missing`.
        """
        if not self.key.allows(scope):
            raise Problem("scope_missing", f"this key has no scope {scope}")


class Doorkeeper:
    """Finds the caller of a request; what it found is believed for five seconds."""

    def __init__(self, database: Database) -> None:
        """Make a doorkeeper.

        Args:
            database: where keys are kept.
        """
        self._database = database
        self._known: dict[bytes, tuple[float, Caller | None]] = {}
        self._asked: dict[bytes, asyncio.Future[Caller | None]] = {}

    def remembered(self, authorization: bytes | None) -> Caller | None:
        """Find a caller without asking anybody.

        Args:
            authorization: the header as it was sent.

        Returns:
            The caller, None where `admit` must find out, or say what is wrong.
        """
        if authorization is None or not authorization.startswith(_BEARER):
            return None
        known = self._known.get(hashlib.sha256(authorization[len(_BEARER) :]).digest())
        return known[1] if known is not None and known[0] >= time.monotonic() else None

    async def admit(self, authorization: bytes | None) -> Caller:
        """Find who calls.

        Args:
            authorization: the header as it was sent.

        Returns:
            The caller.

        Raises:
            Problem: `key_missing`, `key_unknown` or `database_unavailable`.
        """
        presented = _bearer(authorization)
        digest = hashlib.sha256(presented.encode("ascii")).digest()
        remembered = self._known.get(digest)
        if remembered is None or remembered[0] < time.monotonic():
            asked = self._asked.get(digest)
            if asked is None:
                # All who come with this key meanwhile wait for the same answer.
                asked = self._asked[digest] = asyncio.ensure_future(self._look_up(digest, presented))
                asked.add_done_callback(lambda _: self._asked.pop(digest, None))
            found = await asyncio.shield(asked)
        else:
            found = remembered[1]
        if found is None:
            raise Problem("key_unknown", "this key is unknown, revoked or expired")
        return found

    async def _look_up(self, digest: bytes, presented: str) -> Caller | None:
        caller = await to_thread.run_sync(self._find, presented)
        if len(self._known) >= _REMEMBERED_KEYS:
            self._known.clear()
        self._known[digest] = (time.monotonic() + _REMEMBERED_SECONDS, caller)
        return caller

    def _find(self, presented: str) -> Caller | None:
        with self._database.transaction_as("lookup") as tx:
            key = find_key(tx, presented, datetime.now(UTC))
        return Caller(key.tenant_id, f"key:{key.prefix}", key) if key is not None else None


def _bearer(authorization: bytes | None) -> str:
    if authorization is None:
        raise Problem("key_missing", "send `Authorization: Bearer gk_…`")
    scheme, _, presented = authorization.partition(b" ")
    key = presented.strip()
    if scheme.lower() != b"bearer" or not key:
        raise Problem("key_missing", "send `Authorization: Bearer gk_…`")
    if not key.startswith(b"gk_") or len(key) > _KEY_LENGTH or not key.isascii():
        raise Problem("key_unknown", "this key is unknown, revoked or expired")
    return key.decode("ascii")


def instant_of_call(caller: Caller, test_clock: bytes | None) -> datetime:
    """Give the instant at which a call is booked.

    Args:
        caller: whose call it is.
        test_clock: the `Guerdon-Now` header, None where it was not sent.

    Returns:
        The receiving instant in UTC, or the sandbox's own.

    Raises:
        Problem: `test_clock_refused` outside of a sandbox, `test_clock_invalid`.
    """
    if test_clock is None:
        return datetime.now(UTC)
    if not caller.key.sandbox:
        raise Problem("test_clock_refused", "`Guerdon-Now` is honoured only where the tenant is a sandbox")
    return read_instant(test_clock.decode("ascii", "replace"), "test_clock_invalid", "`Guerdon-Now`")


def read_instant(text: str, code: str, what: str) -> datetime:
    """Read an instant with its offset.

    Args:
        text: RFC 3339, such as `2026-11-21T10:00:00Z`.
        code: error code for a wrong one.
        what: how the sentence calls it.

    Returns:
        The instant in UTC.

    Raises:
        Problem: the given code.
    """
    # An offset may carry a time at the edge of the calendar beyond it.
    with contextlib.suppress(ValueError, OverflowError):
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None and FIRST_INSTANT <= (found := instant.astimezone(UTC)) <= LAST_INSTANT:
            return found
    detail = f"{what} is an RFC 3339 time with an offset, from 1970 to 2200, such as 2026-11-21T10:00:00Z"
    raise Problem(code, detail)
