"""The outermost layer: request ids, counting, the fast way for events, and no fault shown bare."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NamedTuple

import msgspec

from guerdon.base.errors import Problem
from guerdon.web.bodies import CallerGoneError, Receive
from guerdon.web.house import Premises
from guerdon.web.limits import Bucket
from guerdon.web.problems import MEDIA_TYPE, ProblemBody, body_of, extra_headers, problem_of, status_of

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
FastHandler = Callable[[Scope, Receive, str], Awaitable[tuple[int, bytes]]]
Answering = Callable[[Scope, Receive], Awaitable[tuple[int, bytes]]]


class Way(NamedTuple):
    """How a request is answered without the framework."""

    template: str
    """Of its path, as the log and the figures name it."""
    answer: Answering
    """Gives the status and JSON."""


EVENTS_ROUTE: Final = "/v1/programs/{program}/events"
_PROGRAMS: Final = "/v1/programs/"
_EVENTS: Final = "/events"
_NOT_FOUND: Final = "(none)"
_ENCODER: Final = msgspec.json.Encoder()
_CARRIED: Final = ("traceparent", "tracestate")
_CALLS: Final = ("/v1/", "/log/")
"""What is no page: pages refuse with a page."""
_COMMON: Final = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


class Front:
    """The ASGI application that the server runs."""

    def __init__(
        self,
        inner: App,
        events: FastHandler,
        premises: Premises,
        quick: Callable[[Scope], Way | None] = lambda _: None,
    ) -> None:
        """Stand before an application.

        Args:
            inner: everything but the fast ways.
            events: answers `POST …/events`: scope, receive, program → status and JSON.
            premises: the house with its door.
            quick: finds the way of other requests that need no framework.
        """
        self._inner = inner
        self._events = events
        self._quick = quick
        self._premises = premises

    @property
    def premises(self) -> Premises:
        """The house with its door."""
        return self._premises

    @property
    def description(self) -> dict[str, Any]:
        """The OpenAPI description of everything behind."""
        return self._premises.description

    def stop(self) -> None:
        """Say from now on that no more work is wanted here."""
        self._premises.stopping = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Args:
            scope: ASGI scope.
            receive: channel of the request.
            send: channel of the answer.
        """
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        tracing = self._premises.telemetry.tracing
        if tracing is None:
            await self._take(scope, receive, send)
            return
        sent = {name: value.decode("latin-1") for name in _CARRIED if (value := header(scope, name.encode()))}
        ids = header(scope, b"x-request-id"), header(scope, b"traceparent")
        with tracing.request(scope["method"], self._premises.telemetry.request_id(*ids), sent) as span:
            route, status = await self._take(scope, receive, send)
            tracing.finish(span, scope["method"], route, status)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> tuple[str, int]:
        started = time.perf_counter()
        telemetry = self._premises.telemetry
        scope["request_id"] = request_id = telemetry.request_id(
            header(scope, b"x-request-id"), header(scope, b"traceparent")
        )
        telemetry.open_requests.inc()
        answer = scope["answer"] = _Answer(send, request_id)
        way = self._way(scope)
        if scope["method"] == "HEAD":
            # The same answer; the server knows the true method and sends no body.
            scope = {**scope, "method": "GET"}
        try:
            if scope["path"].startswith(_CALLS) and holds_nul(scope):
                await answer.refuse(Problem("nul_character", "an address holds no NUL characters"))
            elif way is not None:
                await self._fast(scope, receive, answer, way)
            else:
                await self._slow(scope, receive, answer)
        except CallerGoneError:
            pass
        finally:
            telemetry.open_requests.dec()
            route = scope.get("route")
            template = way.template if way is not None else str(getattr(route, "path_format", _NOT_FOUND))
            seconds = time.perf_counter() - started
            telemetry.done(scope["method"], template, answer.status, seconds, request_id)
        return template, answer.status

    def _way(self, scope: Scope) -> Way | None:
        program = events_of(scope["path"]) if scope["method"] == "POST" else None
        if program is None:
            return self._quick(scope)
        return Way(EVENTS_ROUTE, lambda scope, receive: self._events(scope, receive, program))

    async def _fast(self, scope: Scope, receive: Receive, answer: _Answer, way: Way) -> None:
        try:
            status, body = await way.answer(scope, receive)
        except Problem as problem:
            await answer.refuse(problem)
        except CallerGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - the last door: whatever it is, the caller gets a plain 500
            self._premises.telemetry.failed(error, way.template, answer.request_id)
            await answer.fault()
        else:
            await answer.whole(status, b"application/json", body)

    async def _slow(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            await self._inner(scope, receive, answer)
        except CallerGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - the last door: whatever it is, the caller gets a plain 500
            template = str(getattr(scope.get("route"), "path_format", _NOT_FOUND))
            self._premises.telemetry.failed(error, template, answer.request_id)
            if answer.status == 0:
                await answer.fault()


class _Answer:
    """The way out: remembers the status and adds what every answer carries."""

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0
        self.bucket: Bucket | None = None

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.setdefault("headers", [])
            present = {name for name, _ in headers}
            headers.append((b"x-request-id", self.request_id))
            headers.extend(pair for pair in _COMMON if pair[0] not in present)
            headers.extend(allowance(self.bucket, self.status))
        await self._send(message)

    async def whole(
        self, status: int, media: bytes, body: bytes, further: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        self.status = status
        headers = [
            (b"content-type", media),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", self.request_id),
            *_COMMON,
            *(further or ()),
            *allowance(self.bucket, status),
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, problem: Problem) -> None:
        body = _ENCODER.encode(body_of(problem))
        further = extra_headers(problem.code)
        await self.whole(status_of(problem.code), MEDIA_TYPE.encode(), body, further)

    async def fault(self) -> None:
        body = _ENCODER.encode(fault_body(self.request_id))
        await self.whole(500, MEDIA_TYPE.encode(), body)


def allowance(bucket: Bucket | None, status: int) -> list[tuple[bytes, bytes]]:
    """Say how much a caller may still ask.

    Args:
        bucket: the caller's; None where there is no limit.
        status: of the answer.

    Returns:
        Headers, with `retry-after` where too much was asked.
    """
    if bucket is None:
        return []
    headers = bucket.headers()
    if status == 429:
        headers.append((b"retry-after", b"%d" % bucket.wait_seconds))
    return headers


def fault_body(request_id: bytes) -> ProblemBody:
    """Say that something of ours failed, and nothing of what.

    Args:
        request_id: under which the log tells more.

    Returns:
        The problem to show.
    """
    detail = (
        f"something failed here; nothing was stored. The log tells more under {request_id.decode('ascii')}"
    )
    return problem_of("internal_error", detail)


def header(scope: Scope, name: bytes) -> bytes | None:
    """Read one header.

    Args:
        scope: ASGI scope.
        name: in lower case.

    Returns:
        The first one's value, None where it was not sent.
    """
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def holds_nul(scope: Scope) -> bool:
    """Tell whether an address holds a NUL, which PostgreSQL keeps in no text: nothing is called so.

    Args:
        scope: ASGI scope.

    Returns:
        Whether one stands in the path or in a parameter.
    """
    return "\0" in scope["path"] or b"%00" in scope["query_string"]


def events_of(path: str) -> str | None:
    """Tell whose events a path takes in.

    Args:
        path: of a request.

    Returns:
        The program's key as the path has it, None where it is another path.
    """
    if not path.endswith(_EVENTS) or not path.startswith(_PROGRAMS):
        return None
    program = path[len(_PROGRAMS) : -len(_EVENTS)]
    return program if program and "/" not in program else None
