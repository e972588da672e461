"""What is seen from outside: counters for Prometheus and one line a request, never with identities."""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
import traceback
from collections import Counter as Tally
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from guerdon.engine.loop import BatchDone
from guerdon.infra.db import Database
from guerdon.web.watch.batches import BatchFigures
from guerdon.web.watch.standing import StandingFigures
from guerdon.web.watch.traces import Tracing

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,100}")
_TRACE_PARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32}-[0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_ENCODER: Final = msgspec.json.Encoder()


class Telemetry:
    """Counts requests and writes the access log; paths appear as templates, so no reference does."""

    def __init__(self, database: Database, log_level: str = "info", tracing: Tracing | None = None) -> None:
        """Make an empty set of counters.

        Args:
            database: which knows what waits.
            log_level: at `debug` and `info` each request gets a line on standard error.
            tracing: makes spans; None where nobody collects them.
        """
        self.registry = CollectorRegistry()
        self.tracing = tracing
        self.standing = StandingFigures(database, self.registry)
        self._batches = BatchFigures(self.registry)
        self._logs_requests = log_level in {"debug", "info"}
        labels = ("method", "route", "status")
        self._requests = Counter(
            "guerdon_http_requests_total", "Requests answered.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "guerdon_http_request_seconds",
            "Time from the request's head to the answer's end.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._events = Counter(
            "guerdon_events_total", "Events answered, by outcome.", ("status",), registry=self.registry
        )
        self.open_requests = Gauge(
            "guerdon_http_open_requests", "Requests being worked on.", registry=self.registry
        )
        self._queue = Gauge(
            "guerdon_queue_length", "Commands that wait for the engine.", registry=self.registry
        )
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self._outcomes: dict[str, Any] = {}
        self._lines: list[bytes] = []
        self._prefix = secrets.token_hex(6)
        self._numbers = 0

    def request_id(self, sent: bytes | None, trace_parent: bytes | None = None) -> bytes:
        """Give a request its id: the caller's own, where it is a plain word, or that of the caller's span.

        Args:
            sent: the `X-Request-Id` header.
            trace_parent: the `traceparent` header.

        Returns:
            The id that the answer and the log carry.
        """
        if sent is not None and _REQUEST_ID.fullmatch(sent):
            return sent
        if trace_parent is not None and (found := _TRACE_PARENT.fullmatch(trace_parent)) is not None:
            return found[1]
        self._numbers += 1
        return f"{self._prefix}-{self._numbers:x}".encode()

    def done(self, method: str, route: str, status: int, seconds: float, request_id: bytes) -> None:
        """Count an answered request and write its line.

        Args:
            method: HTTP method.
            route: the path's template, such as `/v1/programs/{program}/events`.
            status: HTTP status, 0 where the caller hung up before.
            seconds: how long it took.
            request_id: its id.
        """
        children = self._children.get((method, route, status))
        if children is None:
            children = (self._requests.labels(method, route, str(status)), self._seconds.labels(route))
            self._children[method, route, status] = children
        children[0].inc()
        children[1].observe(seconds)
        if self._logs_requests:
            self._write(
                {
                    "at": datetime.now(UTC),
                    "event": "request",
                    "method": method,
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                    "request_id": request_id.decode("ascii"),
                }
            )

    def failed(self, error: BaseException, route: str, request_id: bytes) -> None:
        """Write down a fault of ours, without the message, which may hold somebody's data.

        Args:
            error: what was raised.
            route: the path's template.
            request_id: the request's id.
        """
        frames = [
            f"{place[1]}:{frame.lineno}:{frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
            if (place := frame.filename.rpartition("guerdon/"))[0]
        ]
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        line = {"at": datetime.now(UTC), "event": "fault", "kind": kind, "route": route, "frames": frames}
        self._write({**line, "request_id": request_id.decode("ascii")})
        self._flush()

    def watch(self, done: BatchDone) -> None:
        """Count a batch of the engine's, in its thread.

        Args:
            done: the batch.
        """
        self._batches.watch(done)
        if self.tracing is not None:
            self.tracing.watch(done)

    def show_deliveries(self, told: Tally[str]) -> None:
        """Show what became of attempts to deliver.

        Args:
            told: attempts by outcome, counted by whoever makes them.
        """
        self.registry.register(_Attempts(told))

    def count_event(self, status: str) -> None:
        """Count an event by what became of it.

        Args:
            status: `applied`, `duplicate` or `rejected`.
        """
        child = self._outcomes.get(status)
        if child is None:
            child = self._outcomes[status] = self._events.labels(status)
        child.inc()

    def exposition(self, waiting: int) -> bytes:
        """Write all figures in Prometheus' text format.

        Args:
            waiting: commands in the engine's queue now.

        Returns:
            The text.
        """
        self._queue.set(waiting)
        return generate_latest(self.registry)

    def _write(self, line: dict[str, object]) -> None:
        """Write a line at the end of the event loop's present round, with all others of that round."""
        self._lines.append(_ENCODER.encode(line))
        if len(self._lines) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self._flush)
        except RuntimeError:
            self._flush()

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            sys.stderr.write(b"\n".join([*lines, b""]).decode())


class _Attempts(Collector):
    """Shows a tally as a counter."""

    def __init__(self, told: Tally[str]) -> None:
        self._told = told

    def collect(self) -> list[CounterMetricFamily]:
        words = "Attempts to deliver a notice, by outcome: delivered, waiting (to be tried again), dead."
        family = CounterMetricFamily("guerdon_delivery_attempts", words, labels=("outcome",))
        for outcome in ("delivered", "waiting", "dead"):
            family.add_metric((outcome,), self._told[outcome])
        return [family]
