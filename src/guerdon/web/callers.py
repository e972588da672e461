"""Who calls: API keys, what they may do, and the instant that their calls are booked at."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog
from anyio import to_thread

from guerdon.base.calendar import FIRST_INSTANT, LAST_INSTANT
from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.programs.keys import ApiKey, find_key, note_use
from guerdon.web.limits import Addresses, Bucket, Limits, refusal

_LOG = structlog.get_logger(__name__)
_REMEMBERED_SECONDS: Final = 5.0
_REMEMBERED_KEYS: Final = 10_000
_KEY_LENGTH: Final = 200
_BEARER: Final = b"Bearer "
_MISSES: Final = frozenset({"key_unknown", "key_expired"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever presented a good key."""

    tenant_id: int
    actor: str
    """How the audit trail names the caller."""
    key: ApiKey
    bucket: Bucket | None = None
    """What the key may still ask; None where it has no limit."""

    def require(self, scope: str) -> None:
        """Insist on a scope.

        Args:
            scope: such as `events:write`.

        Raises:
            Problem: `scope_missing`.
        """
        if not self.key.allows(scope):
            raise Problem("scope_missing", f"this key has no scope {scope}")


class Way(Protocol):
    """The way out of a request, which says how much its caller may still ask."""

    bucket: Bucket | None


class Doorkeeper:
    """Finds the caller of a request; what it found is believed for five seconds."""

    def __init__(self, database: Database, limits: Limits, addresses: Addresses) -> None:
        """Make a doorkeeper.

        Args:
            database: where keys are kept.
            limits: how much each may ask.
            addresses: tells from where a call comes.
        """
        self._database = database
        self.limits = limits
        self._addresses = addresses
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._unknown: dict[bytes, float] = {}
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
        if known is None or known[0] < time.monotonic():
            return None
        caller = known[1]
        return None if caller.key.has_expired(datetime.now(UTC)) else caller

    def address_of(self, scope: Any) -> str:
        """Tell from where a call comes.

        Args:
            scope: ASGI scope.

        Returns:
            An address, as limits count it.
        """
        client = scope.get("client")
        return self._addresses.of(client[0] if client else "", _header(scope, b"x-forwarded-for"))

    async def admit(self, scope: Any) -> Caller:
        """Let a request in whose key is good and has not asked too much.

        Args:
            scope: ASGI scope; its `answer` (a `Way`) is told of the key's limit.

        Returns:
            The caller.

        Raises:
            Problem: `key_missing`, `key_unknown`, `key_expired`, `rate_limited` or `database_unavailable`.
        """
        authorization = _header(scope, b"authorization")
        caller = self.remembered(authorization)
        if caller is None:
            caller = await self._looked_up(scope, authorization)
        charge(scope, caller.bucket)
        return caller

    def meet(self, scope: Any) -> str:
        """Turn a call away whose address was wrong too often.

        Args:
            scope: ASGI scope; its `answer` (a `Way`) is told of the address's limit.

        Returns:
            The address, for `Limits.count_miss`.

        Raises:
            Problem: `rate_limited`.
        """
        address = self.address_of(scope)
        spent = self.limits.spent(address)
        if spent is not None:
            scope["answer"].bucket = spent
            raise refusal(spent)
        return address

    async def _looked_up(self, scope: Any, authorization: bytes | None) -> Caller:
        presented = _bearer(authorization)
        digest = hashlib.sha256(presented.encode("ascii")).digest()
        if digest in self._known:
            # It was good a while ago: whoever else is wrong behind the same address does not shut it out.
            return await self._found(digest, presented)
        # Who tries keys out is turned away before the database is asked.
        address = self.meet(scope)
        try:
            return await self._found(digest, presented)
        except Problem as problem:
            if problem.code in _MISSES:
                self.limits.count_miss(address)
            raise

    async def _found(self, digest: bytes, presented: str) -> Caller:
        found: Caller | None = None
        if self._unknown.get(digest, 0.0) < time.monotonic():
            asked = self._asked.get(digest)
            if asked is None:
                # All who come with this key meanwhile wait for the same answer.
                asked = self._asked[digest] = asyncio.ensure_future(self._look_up(digest, presented))
                asked.add_done_callback(lambda _: self._asked.pop(digest, None))
            found = await asyncio.shield(asked)
        if found is None:
            raise Problem("key_unknown", "this key is unknown or revoked")
        if found.key.has_expired(datetime.now(UTC)):
            raise Problem("key_expired", "this key has expired: take its successor, or make a new one")
        return found

    async def _look_up(self, digest: bytes, presented: str) -> Caller | None:
        caller = await to_thread.run_sync(self._find, presented)
        until = time.monotonic() + _REMEMBERED_SECONDS
        kept: dict[bytes, Any] = self._unknown if caller is None else self._known
        if len(kept) >= _REMEMBERED_KEYS:
            kept.clear()
        if caller is None:
            self._known.pop(digest, None)
            self._unknown[digest] = until
        else:
            self._known[digest] = (until, caller)
        return caller

    def _find(self, presented: str) -> Caller | None:
        with self._database.transaction_as("lookup") as tx:
            key = find_key(tx, presented)
        if key is None:
            return None
        now = datetime.now(UTC)
        try:
            with self._database.transaction(key.tenant_id) as tx:
                note_use(tx, key, now)
        except Problem as problem:
            # That a key was used is worth less than the call that uses it.
            _LOG.warning("use_not_noted", code=problem.code)
        return Caller(key.tenant_id, f"key:{key.prefix}", key, self.limits.of_key(key.key_id, key.rate_limit))


def charge(scope: Any, bucket: Bucket | None) -> None:
    """Take one call from what somebody may still ask.

    Args:
        scope: ASGI scope; its `answer` (a `Way`) is told of the limit.
        bucket: whose; None where there is no limit.

    Raises:
        Problem: `rate_limited`.
    """
    if bucket is not None:
        scope["answer"].bucket = bucket
        if not bucket.take():
            raise refusal(bucket)


def _header(scope: Any, name: bytes) -> bytes | None:
    return next((bytes(value) for key, value in scope["headers"] if key == name), None)


def _bearer(authorization: bytes | None) -> str:
    if authorization is None:
        raise Problem("key_missing", "send `Authorization: Bearer gk_…`")
    scheme, _, presented = authorization.partition(b" ")
    key = presented.strip()
    if scheme.lower() != b"bearer" or not key:
        raise Problem("key_missing", "send `Authorization: Bearer gk_…`")
    if not key.startswith(b"gk_") or len(key) > _KEY_LENGTH or not key.isascii():
        raise Problem("key_unknown", "this key is unknown or revoked")
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
