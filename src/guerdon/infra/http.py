"""Calls to addresses that somebody else chose: resolved once, never into a network of ours, under caps."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

import httpcore2
import httpx2

from guerdon.base.errors import Problem

URL_LENGTH: Final = 2000
PORTS: Final = frozenset({443, 8443})
"""Where endpoints are called: those of HTTPS, so that no mail or database server hears of us."""
_RESOLVERS: Final = 32
_CONNECTIONS: Final = 512
_KEEP_ALIVE_SECONDS: Final = 20.0
_GLOBAL_V6: Final = ipaddress.ip_network("2000::/3")
# Beyond what the standard library knows: parts that are not for hosts, and IPv6 that carries IPv4 inside,
# which a translator beside us would lead into our own network.
_CLOSED: Final = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


class Reply(NamedTuple):
    """What another server said."""

    status: int
    retry_after: str | None
    """The header as it came."""
    body: bytes = b""
    """As much of it as was read."""


class Reach(NamedTuple):
    """How far and how long calls go."""

    seconds: float = 10.0
    """For all of one call: resolving, connecting, sending, reading."""
    answer_bytes: int = 64 * 1024
    """Read of an answer at most; the rest is left."""
    allow_loopback: bool = False
    """Whether addresses of this machine may be called, without TLS too: for development only."""


def is_reachable(address: str, *, allow_loopback: bool = False) -> bool:
    """Tell whether a call may go to an address.

    Args:
        address: an IPv4 or IPv6 address as text.
        allow_loopback: whether this machine itself may be called.

    Returns:
        True for addresses of the public internet; False for private, link-local, metadata, multicast and
        reserved ones, also where they are wrapped into IPv6.
    """
    try:
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_loopback:
        return allow_loopback
    if found.version == 6 and found not in _GLOBAL_V6:
        return False
    return found.is_global and not found.is_multicast and not any(found in one for one in _CLOSED)


def check_url(url: str, *, allow_loopback: bool = False) -> str:
    """Check an address that calls shall go to, as far as can be told without resolving it.

    Args:
        url: what was given.
        allow_loopback: whether `http` and any port of this machine are allowed as well.

    Returns:
        The same text.

    Raises:
        Problem: `url_invalid` or `url_refused`.
    """
    if len(url) > URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Problem("url_invalid", f"an address is an absolute URL of at most {URL_LENGTH} ASCII letters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Problem("url_invalid", f"this is no URL: {error}") from None
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise Problem("url_invalid", "an address is `https://host/path`, without user, password or fragment")
    local = allow_loopback and _is_local(host)
    _check_scheme(parts, port, local=local)
    literal = _literal(host)
    if literal is not None and not is_reachable(literal, allow_loopback=allow_loopback):
        raise Problem("url_refused", "this address is not one of the public internet")
    return url


def _check_scheme(parts: SplitResult, port: int | None, *, local: bool) -> None:
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise Problem("url_refused", "an address begins with https://")
    if port is not None and port not in PORTS and not local:
        raise Problem("url_refused", f"an address uses port {' or '.join(map(str, sorted(PORTS)))}")


def _literal(host: str) -> str | None:
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host))
    return None


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    literal = _literal(host)
    return literal is not None and ipaddress.ip_address(literal).is_loopback


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for a host's addresses.

    Args:
        host: name or address.
        port: for the question only.

    Returns:
        Addresses as text.

    Raises:
        OSError: where there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Outgoing:
    """A client for such calls, of one event loop; proxies of the surroundings are not used."""

    def __init__(self, reach: Reach = Reach(), resolve: Resolve = resolve) -> None:  # noqa: B008 - frozen
        """Make a client; nothing is opened before the first call.

        Args:
            reach: how far and how long.
            resolve: host and port → addresses; raises `OSError`.
        """
        self._reach = reach
        # A hanging name server must not take the threads of others.
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")
        backend = _OnceResolved(self._threads, resolve, allow_loopback=reach.allow_loopback)
        self._client = httpx2.AsyncClient(
            transport=_Transport(backend),
            timeout=None,
            follow_redirects=False,
            trust_env=False,
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post a body; redirects are answers like any other and not followed.

        Args:
            url: checked by `check_url`.
            headers: to send.
            body: to send.

        Returns:
            What was answered.

        Raises:
            Problem: `timed_out`, `url_refused`, `host_unknown` or `unreachable`.
        """
        try:
            async with asyncio.timeout(self._reach.seconds):
                return await self._post(url, headers, body)
        except TimeoutError:
            raise Problem("timed_out", f"no whole answer within {self._reach.seconds:g} seconds") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Problem("unreachable", type(error).__name__) from None

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        async with self._client.stream("POST", url, content=body, headers=dict(headers)) as response:
            read = bytearray()
            async for piece in response.aiter_raw():
                read += piece
                if len(read) > self._reach.answer_bytes:
                    break
            return Reply(response.status_code, response.headers.get("retry-after"), bytes(read))

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Transport(httpx2.AsyncHTTPTransport):
    """The usual transport over connections that our own backend makes."""

    def __init__(self, backend: httpcore2.AsyncNetworkBackend) -> None:
        context = httpx2.create_ssl_context()
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=backend,
        )


class _OnceResolved(httpcore2.AsyncNetworkBackend):
    """Connects to the very address that was judged, so that a second answer of the name server is nothing."""

    def __init__(self, threads: ThreadPoolExecutor, resolve: Resolve, *, allow_loopback: bool) -> None:
        self._threads = threads
        self._resolve = resolve
        self._allow_loopback = allow_loopback
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of the backend
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            addresses = await loop.run_in_executor(self._threads, self._resolve, host, port)
        except (OSError, UnicodeError):
            raise Problem("host_unknown", "the name of the host leads nowhere") from None
        # One bad address among good ones is how somebody plays for time: the name is refused as a whole.
        if not addresses or not all(
            is_reachable(one, allow_loopback=self._allow_loopback) for one in addresses
        ):
            raise Problem("url_refused", "the name of the host leads into a network that is not public")
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
