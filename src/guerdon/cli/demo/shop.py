"""The demo's pretend shop: it hears the webhooks, checks signatures and writes down what it was told."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from guerdon.connect.webhooks.signing import sign

_LONGEST: Final = 1_000_000
_STAMP_LENGTH: Final = 11
_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


class PretendShop:
    """A server on this machine that does what a shop's webhook address would do."""

    def __init__(self, notes: Path, secret: Callable[[], bytes]) -> None:
        """Begin to listen on a free port of this machine.

        Args:
            notes: the file that gets a line for each notice.
            secret: the webhook's, asked for when something comes.
        """
        shop = self
        self._notes, self._secret, self._writing = notes, secret, threading.Lock()

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response_only(shop.hear(self))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
                """Say nothing: what was told stands in the notes."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="pretend-shop", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/guerdon"

    def hear(self, call: BaseHTTPRequestHandler) -> int:
        """Take one notice.

        Args:
            call: as it came in.

        Returns:
            The status: 204 where it is written down, 401 where it is not signed by us.
        """
        size = int(call.headers.get("content-length") or 0)
        if not 0 < size <= _LONGEST:
            return 413
        body = call.rfile.read(size)
        message, stamp, signature = (call.headers.get(name, "") for name in _HEADERS)
        if not stamp.isdecimal() or len(stamp) > _STAMP_LENGTH:
            return 401
        wanted = sign([self._secret()], message, datetime.fromtimestamp(int(stamp), UTC), body)
        if not any(hmac.compare_digest(wanted["webhook-signature"], one) for one in signature.split()):
            return 401
        with self._writing, self._notes.open("ab") as file:
            file.write(body.rstrip(b"\n") + b"\n")
        return 204

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
