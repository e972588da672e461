"""How much a caller may ask: token buckets by key, and by address for doors that know no key."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from typing import Final

from guerdon.base.errors import Problem

_BUCKETS_KEPT: Final = 20_000
_LEAST_BURST: Final = 10
_SECONDS_OF_BURST: Final = 2
MISSES_A_SECOND: Final = 20
"""Calls from one address under a wrong key or a wrong signature, once the burst is spent."""
MISSES_BURST: Final = 1000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Bucket:
    """A token bucket that is one number: when it will be full again (GCRA, as ATM Forum TM 4.0 has it)."""

    __slots__ = ("_clock", "_full_at", "_policy", "burst", "rate", "seconds")

    def __init__(self, rate: int, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Make a full bucket.

        Args:
            rate: tokens that come in a second, at least 1.
            burst: tokens that it holds, at least 1.
            clock: seconds, ever rising.
        """
        self.rate = rate
        self.burst = burst
        self.seconds = 1.0 / rate
        """Of one token."""
        self._clock = clock
        self._full_at = 0.0
        self._policy = b'"calls";q=%d;w=%d' % (burst, math.ceil(burst / rate))

    def take(self) -> bool:
        """Take a token.

        Returns:
            Whether there was one.
        """
        now = self._clock()
        after = max(now, self._full_at) + self.seconds
        if after - now > self.burst * self.seconds + 1e-9:
            return False
        self._full_at = after
        return True

    @property
    def is_empty(self) -> bool:
        """Whether there is no token now."""
        return self._full_at - self._clock() + self.seconds > self.burst * self.seconds + 1e-9

    @property
    def is_full(self) -> bool:
        """Whether it may be forgotten: a new one would be the same."""
        return self._full_at <= self._clock()

    @property
    def wait_seconds(self) -> int:
        """Whole seconds after which there is a token, at least 1."""
        missing = self._full_at - self._clock() - (self.burst - 1) * self.seconds
        return max(1, math.ceil(missing))

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Say how much is left, as draft-ietf-httpapi-ratelimit-headers has it.

        Returns:
            `RateLimit-Policy` and `RateLimit`, names in lower case: the quota and the seconds in which all of
            it comes back; what is left, and the seconds until the bucket is full.
        """
        ahead = self._full_at - self._clock()
        ahead = max(ahead, 0.0)
        left = int(self.burst - ahead * self.rate + 1e-6)
        return [
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", b'"calls";r=%d;t=%d' % (max(0, left), math.ceil(ahead))),
        ]


class Limits:
    """The buckets of this process; belongs to one event loop."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Make the buckets.

        Args:
            rate: calls a second for keys that say nothing of their own; 0 for no limit.
            clock: seconds, ever rising.
        """
        self._rate = rate
        self._clock = clock
        self._keys: dict[int, Bucket] = {}
        self._addresses: dict[str, Bucket] = {}

    def of_key(self, key_id: int, own_rate: int | None) -> Bucket | None:
        """Give a key's bucket.

        Args:
            key_id: the key's number.
            own_rate: calls a second that the key says; 0 for no limit, None for the server's setting.

        Returns:
            The bucket, None where there is no limit.
        """
        rate = self._rate if own_rate is None else own_rate
        if not rate:
            return None
        found = self._keys.get(key_id)
        if found is None or found.rate != rate:
            _make_room(self._keys)
            burst = max(_LEAST_BURST, _SECONDS_OF_BURST * rate)
            found = self._keys[key_id] = Bucket(rate, burst, self._clock)
        return found

    def spent(self, address: str) -> Bucket | None:
        """Tell whether an address was wrong too often.

        Args:
            address: of the caller.

        Returns:
            Its empty bucket, None where it may try.
        """
        found = self._addresses.get(address)
        return found if found is not None and found.is_empty else None

    def count_miss(self, address: str) -> None:
        """Remember that somebody came without a good key or signature.

        Args:
            address: of the caller.
        """
        found = self._addresses.get(address)
        if found is None:
            _make_room(self._addresses)
            found = self._addresses[address] = Bucket(MISSES_A_SECOND, MISSES_BURST, self._clock)
        found.take()


def refusal(bucket: Bucket) -> Problem:
    """Say that a caller asks too much.

    Args:
        bucket: which is empty.

    Returns:
        The problem `rate_limited`.
    """
    detail = f"too many calls: {bucket.rate} a second, {bucket.burst} at once; wait {bucket.wait_seconds} s"
    return Problem("rate_limited", detail)


def _make_room(buckets: dict[int, Bucket] | dict[str, Bucket]) -> None:
    if len(buckets) < _BUCKETS_KEPT:
        return
    for name in [name for name, bucket in buckets.items() if bucket.is_full]:
        del buckets[name]  # type: ignore[arg-type]  # a name of this very dict
    if len(buckets) >= _BUCKETS_KEPT:
        # So many at once are an attack from many places: forgetting lets a few calls more through.
        buckets.clear()


class Addresses:
    """Finds out from where a call comes, also behind proxies that are trusted."""

    def __init__(self, trusted: str) -> None:
        """Read which proxies are trusted.

        Args:
            trusted: addresses or networks, joined by commas, such as `127.0.0.1, 10.0.0.0/8`.

        Raises:
            Problem: `settings_invalid`.
        """
        try:
            self._trusted: list[Network] = [
                ipaddress.ip_network(word.strip()) for word in trusted.split(",") if word.strip()
            ]
        except ValueError:
            detail = "GUERDON_TRUSTED_PROXIES holds addresses or networks, joined by commas"
            raise Problem.at("/trusted_proxies", "settings_invalid", detail) from None

    def of(self, peer: str, forwarded: bytes | None) -> str:
        """Tell from where a call comes.

        Args:
            peer: address of the other end of the connection.
            forwarded: the `X-Forwarded-For` header.

        Returns:
            The last address of the chain that no trusted proxy has; an IPv6 one as its network of 64 bits,
            for that is what one subscriber has.
        """
        found = peer
        if self._trusted and forwarded is not None:
            chain = [word.strip() for word in forwarded.decode("latin-1").split(",")]
            while chain and self._is_trusted(found):
                found = chain.pop()
        return _subscriber(found)

    def _is_trusted(self, address: str) -> bool:
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(known in network for network in self._trusted)


def _subscriber(address: str) -> str:
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:60]
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known)
