"""OpenTelemetry: a span for each request, and one for each batch with its transactions, linked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TracerProvider,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from guerdon.base.errors import Problem
from guerdon.engine.loop import BatchDone

_SWITCHES: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_LINKS_AT_MOST: Final = 128


class Tracing:
    """Makes spans; nothing in them names a person: paths are templates, bodies are not looked at."""

    def __init__(self, provider: TracerProvider) -> None:
        """Take where spans go.

        Args:
            provider: of tracers.
        """
        self._provider = provider
        self._tracer = provider.get_tracer("guerdon", version("guerdon"))

    @contextmanager
    def request(self, method: str, request_id: bytes, carried: Mapping[str, str]) -> Iterator[Span]:
        """Trace a request; what it asks of the engine meanwhile is linked to it.

        Args:
            method: HTTP method.
            request_id: which the answer carries.
            carried: its headers `traceparent` and `tracestate`, where they were sent.

        Yields:
            The span, whose name and end the caller says (`finish`).
        """
        attributes = {"http.request.method": method, "guerdon.request_id": request_id.decode("ascii")}
        span = self._tracer.start_span(
            method, _PROPAGATOR.extract(carried), kind=SpanKind.SERVER, attributes=attributes
        )
        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield span

    @staticmethod
    def finish(span: Span, method: str, route: str, status: int) -> None:
        """Say what a request was and how it was answered.

        Args:
            span: of the request.
            method: HTTP method.
            route: the path's template.
            status: HTTP status, 0 where the caller hung up before.
        """
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
        if status:
            span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))

    @staticmethod
    def origin() -> SpanContext | None:
        """Tell which request asks now.

        Returns:
            What a batch can be linked to, None where no request is traced.
        """
        found = get_current_span().get_span_context()
        return found if found.is_valid else None

    def watch(self, done: BatchDone) -> None:
        """Trace a batch and its transactions after they have ended; runs in the engine's thread.

        Args:
            done: the batch.
        """
        origins: dict[int, SpanContext] = {}
        for job, _ in done.answered:
            origin = getattr(job.sink, "origin", None)
            if origin is not None:
                origins[origin.span_id] = origin
        if not origins:
            return
        several = list(origins.values())
        # A batch of one request belongs to its trace; one of many belongs to none of them alone.
        parent = set_span_in_context(NonRecordingSpan(several[0])) if len(several) == 1 else Context()
        batch = self._tracer.start_span(
            "batch",
            parent,
            attributes={
                "guerdon.batch.commands": len(done.answered),
                "guerdon.batch.requests": len(several),
            },
            links=[Link(one) for one in several[:_LINKS_AT_MOST]],
            start_time=done.began,
        )
        inside = set_span_in_context(batch)
        for one in done.transactions:
            span = self._tracer.start_span(
                "transaction",
                inside,
                kind=SpanKind.CLIENT,
                attributes={"db.system.name": "postgresql"},
                start_time=one.began,
            )
            span.add_event("commit", timestamp=one.commit_began)
            span.end(one.ended)
        batch.end(done.ended)

    def close(self) -> None:
        """Send what is left."""
        end = getattr(self._provider, "shutdown", None)
        if end is not None:
            end()


def open_tracing() -> Tracing | None:
    """Trace where the environment says to which collector, as OpenTelemetry's own variables do.

    Returns:
        None where none of `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set.

    Raises:
        Problem: `tracing_unavailable` where the extra `otel` is not installed.
    """
    if not any(os.environ.get(name) for name in _SWITCHES):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider as Provider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        detail = f"{' or '.join(_SWITCHES)} is set, and tracing wants: pip install 'guerdon[otel]'"
        raise Problem("tracing_unavailable", detail) from error
    named = {"service.version": version("guerdon")}
    if not os.environ.get("OTEL_SERVICE_NAME"):
        named["service.name"] = "guerdon"
    provider = Provider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
