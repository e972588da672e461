"""The short way for lone events: from the socket to the engine and back, with no task and no framework.

Only the plainest request goes this way: one whole event of ordinary size under a key that is known.
Whatever is unusual about a request hands it to the server's own protocol, and it takes the long way to the
same answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from guerdon.base.errors import Problem
from guerdon.engine.answers import Answer, problem_in
from guerdon.engine.commands import IngestEvent
from guerdon.web.api.events import MEDIA_TAKEN, SCOPE, shown_row
from guerdon.web.callers import Caller
from guerdon.web.front import EVENTS_ROUTE, allowance, events_of, fault_body
from guerdon.web.house import Premises
from guerdon.web.limits import Bucket, refusal
from guerdon.web.problems import MEDIA_TYPE, ProblemBody, body_of, extra_headers

_BODY_LIMIT: Final = 60_000
"""Bytes; below the mark at which the server stops reading."""
_PLAIN: Final = frozenset(
    {
        b"host",
        b"authorization",
        b"content-type",
        b"content-length",
        b"connection",
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"user-agent",
        b"x-request-id",
        b"traceparent",
        b"tracestate",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
    }
)
"""Headers that leave a request an ordinary one."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
_COMMON: Final = b"x-content-type-options: nosniff\r\ncache-control: no-store\r\n"
_GOOD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + _COMMON


class Visit:
    """One request on its way; to the server's protocol it looks like a cycle of its own."""

    __slots__ = (
        "body",
        "bucket",
        "disconnected",
        "keep_alive",
        "more_body",
        "request_id",
        "response_complete",
        "started",
    )

    def __init__(self, request_id: bytes, bucket: Bucket | None) -> None:
        """Begin.

        Args:
            request_id: which the answer carries.
            bucket: what the caller may still ask.
        """
        self.request_id = request_id
        self.bucket = bucket
        self.started = time.perf_counter()
        self.body = bytearray()
        self.more_body = False
        self.disconnected = False
        self.response_complete = False
        self.keep_alive = True

    @property
    def message_event(self) -> Visit:
        """Whom the protocol wakes when something arrives or the caller hangs up."""
        return self

    def set(self) -> None:
        """Nobody sleeps here."""


class Desk:
    """Takes lone events in and writes their answers."""

    def __init__(self, premises: Premises) -> None:
        """Open a desk.

        Args:
            premises: the house with its door.
        """
        self._premises = premises

    def caller_of(self, headers: list[tuple[bytes, bytes]]) -> tuple[Caller, bytes] | None:
        """Tell who calls, where nothing about the request is unusual.

        Args:
            headers: names in lower case and values, as sent.

        Returns:
            The caller and the request's id; None where the long way must look.
        """
        if self._premises.telemetry.tracing is not None:
            # A span wants the context that only the long way has.
            return None
        named = dict(headers)
        if len(named) < len(headers) or not named.keys() <= _PLAIN:
            return None
        length = named.get(b"content-length", b"")
        if not length.isdigit() or int(length[:10]) > _BODY_LIMIT:
            return None
        media = named.get(b"content-type", b"")
        if media not in MEDIA_TAKEN:
            return None
        caller = self._premises.doorkeeper.remembered(named.get(b"authorization"))
        if caller is None or not caller.key.allows(SCOPE):
            return None
        sent = named.get(b"x-request-id"), named.get(b"traceparent")
        return caller, self._premises.telemetry.request_id(*sent)

    def begin(self, request_id: bytes, bucket: Bucket | None) -> Visit:
        """Count a request in.

        Args:
            request_id: which the answer carries.
            bucket: what the caller may still ask.

        Returns:
            The visit.
        """
        self._premises.telemetry.open_requests.inc()
        return Visit(request_id, bucket)

    def take_in(self, caller: Caller, program: str, raw: bytes, told: Callable[[Answer], None]) -> None:
        """Hand an event to the engine.

        Args:
            caller: whose it is.
            program: the program's key.
            raw: the event.
            told: called with the answer, in the event loop.

        Raises:
            Problem: `rate_limited`, `overloaded` or `shutting_down`.
        """
        if caller.bucket is not None and not caller.bucket.take():
            raise refusal(caller.bucket)
        command = IngestEvent(
            tenant_id=caller.tenant_id, program=program, received_at=datetime.now(UTC), raw=raw
        )
        self._premises.waiting.tell(command, told)

    def written(self, visit: Visit, answer: Answer) -> tuple[int, bytes]:
        """Write an answer.

        Args:
            visit: the request.
            answer: the engine's.

        Returns:
            Status, and the whole answer as it goes over the wire.
        """
        self._premises.telemetry.count_event(answer.status)
        if answer.problem is not None:
            return self.refused(visit, body_of(problem_in(answer.problem)))
        body = _ENCODER.encode(shown_row(answer))
        head = b"%scontent-length: %d\r\nx-request-id: %s\r\n" % (_GOOD, len(body), visit.request_id)
        if visit.bucket is not None:
            head += b"%s: %s\r\n%s: %s\r\n" % (*(pair := visit.bucket.headers())[0], *pair[1])
        return 200, b"%s%s\r\n%s" % (head, b"" if visit.keep_alive else b"connection: close\r\n", body)

    def refused(self, visit: Visit, problem: ProblemBody) -> tuple[int, bytes]:
        """Write a refusal.

        Args:
            visit: the request.
            problem: why.

        Returns:
            Status, and the whole answer as it goes over the wire.
        """
        body = _ENCODER.encode(problem)
        lines = [
            STATUS_LINE[problem.status].rstrip(),
            b"content-type: " + MEDIA_TYPE.encode(),
            b"content-length: %d" % len(body),
            b"x-request-id: " + visit.request_id,
            *(b"%s: %s" % pair for pair in extra_headers(problem.code)),
            *(b"%s: %s" % pair for pair in allowance(visit.bucket, problem.status)),
        ]
        if not visit.keep_alive:
            lines.append(b"connection: close")
        return problem.status, b"\r\n".join(lines) + b"\r\n" + _COMMON + b"\r\n" + body

    def failed(self, visit: Visit, error: Exception) -> tuple[int, bytes]:
        """Write down a fault of ours, and say so.

        Args:
            visit: the request.
            error: what was raised.

        Returns:
            Status, and the whole answer as it goes over the wire.
        """
        self._premises.telemetry.failed(error, EVENTS_ROUTE, visit.request_id)
        return self.refused(visit, fault_body(visit.request_id))

    def end(self, visit: Visit, status: int) -> None:
        """Count a request out.

        Args:
            visit: the request.
            status: how it was answered, 0 where the caller hung up before.
        """
        telemetry = self._premises.telemetry
        telemetry.open_requests.dec()
        seconds = time.perf_counter() - visit.started
        telemetry.done("POST", EVENTS_ROUTE, status, seconds, visit.request_id)


class DeskProtocol(HttpToolsProtocol):
    """The server's protocol, with a desk before it."""

    desk: ClassVar[Desk]
    _parts: list[bytes] | None = None
    """The body so far, while a request may still go the short way."""
    _who: tuple[Caller, bytes, str]

    def on_headers_complete(self) -> None:
        """Choose the way."""
        if self._is_plain():
            self._parts = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body.

        Args:
            body: the part.
        """
        if self._parts is not None:
            self._parts.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the event in; an array of events goes the long way after all."""
        parts, self._parts = self._parts, None
        if parts is None:
            super().on_message_complete()
            return
        raw = b"".join(parts)
        if raw[:1] == b"{":
            self._take_in(raw)
            return
        super().on_headers_complete()
        super().on_body(raw)
        super().on_message_complete()

    def _is_plain(self) -> bool:
        if self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return False
        before: Visit | RequestResponseCycle | None = self.cycle
        if self.pipeline or not (before is None or before.response_complete):
            return False
        program = events_of(self.url.decode("latin-1"))
        if program is None or not program.isascii() or "%" in program or "?" in program:
            return False
        found = self.desk.caller_of(self.headers)
        if found is None or not self.parser.should_keep_alive():
            return False
        self._who = (*found, program)
        return True

    def _take_in(self, raw: bytes) -> None:
        caller, request_id, program = self._who
        visit = self.desk.begin(request_id, caller.bucket)
        self.cycle = visit  # type: ignore[assignment]  # the server's protocol uses no more than there is

        def told(answer: Answer) -> None:
            try:
                status, written = self.desk.written(visit, answer)
            except Exception as error:  # noqa: BLE001 - the last door: the caller gets a plain 500
                status, written = self.desk.failed(visit, error)
            self._answer(visit, status, written)

        try:
            self.desk.take_in(caller, program, raw, told)
        except Problem as problem:
            self._answer(visit, *self.desk.refused(visit, body_of(problem)))

    def _answer(self, visit: Visit, status: int, written: bytes) -> None:
        visit.response_complete = True
        if visit.disconnected or self.transport.is_closing():
            self.desk.end(visit, 0)
            return
        self.transport.write(written)
        self.desk.end(visit, status)
        if not visit.keep_alive:
            self.transport.close()
        self.on_response_complete()


def protocol_before(desk: Desk) -> type[DeskProtocol]:
    """Make the protocol of a server.

    Args:
        desk: which takes lone events in.

    Returns:
        The class that the server makes one of for each connection.
    """

    class Protocol(DeskProtocol):
        """The protocol of one server."""

    Protocol.desk = desk
    return Protocol
