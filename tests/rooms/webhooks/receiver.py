"""A real endpoint on this machine, that answers as it is told and remembers what came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec


class Came(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        return dict(msgspec.json.decode(self.body))


class Says(NamedTuple):
    """One answer."""

    status: int = 204
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    hold: threading.Event | None = None
    """Answer only when it is set."""


Behaviour = Callable[[int, Came], Says]
"""Number of the request from 0, and the request → the answer."""


class Receiver:
    """An HTTP server in a thread."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour: Behaviour = behaviour or (lambda _number, _came: Says())
        self.came: list[Came] = []
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/in"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, count: int, seconds: float = 60) -> list[Came]:
        """Wait until so many requests have come."""
        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(self.came) >= count, seconds)
            assert enough, f"only {len(self.came)} of {count} requests came"
            return list(self.came)

    def _take(self, came: Came) -> Says:
        with self._arrived:
            number = len(self.came)
            self.came.append(came)
            self._arrived.notify_all()
        return self.behaviour(number, came)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                says = receiver._take(Came(self.path, headers, body))
                if says.hold is not None:
                    says.hold.wait(60)
                try:
                    self.send_response(says.status)
                    for name, value in says.headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(says.body)))
                    self.end_headers()
                    self.wfile.write(says.body)
                except (BrokenPipeError, ConnectionResetError):
                    # The caller hung up first: that is what some tests are about.
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
