"""Stands between engines and PostgreSQL, and cuts a connection in its commit: before it is told, or after."""

from __future__ import annotations

import selectors
import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_WRITES = b"insert into events"
_COMMIT = b"COMMIT"
_BYTES = 1 << 18
When = Literal["untold", "unanswered"]


class _Line:
    """One connection: the engine's end and the server's."""

    def __init__(self, engine: socket.socket, server: socket.socket) -> None:
        self.engine, self.server = engine, server
        self.writes = False

    def other(self, end: socket.socket) -> socket.socket:
        return self.server if end is self.engine else self.engine

    def close(self) -> None:
        self.engine.close()
        self.server.close()


class Cutter:
    """Passes everything on, and waits for a commit of what writes events."""

    def __init__(self, dsn: str) -> None:
        """Begin to listen.

        Args:
            dsn: how the server is reached, by its socket.
        """
        known = conninfo_to_dict(dsn)
        self._server = f"{known['host']}/.s.PGSQL.{known['port']}"
        self._folder = Path(tempfile.mkdtemp(prefix="cut"))
        self.dsn = make_conninfo(dsn, host=str(self._folder))
        """How engines are to connect."""
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self._folder / f".s.PGSQL.{known['port']}"))
        self._listening.listen(64)
        self._waker, self._wakes = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(self._wakes, selectors.EVENT_READ)
        self._lines: dict[socket.socket, _Line] = {}
        self._armed: When | None = None
        self._cut = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self, when: When, seconds: float) -> bool:
        """Cut the next commit.

        Args:
            when: `untold`, so that the server never hears of it, or `unanswered`.
            seconds: to wait for one.

        Returns:
            Whether there was one.
        """
        self._cut.clear()
        self._armed = when
        return self._cut.wait(seconds)

    def close(self) -> None:
        """Hang up on everybody."""
        self._waker.close()
        self._thread.join()
        for line in set(self._lines.values()):
            line.close()
        self._listening.close()
        self._wakes.close()
        self._selector.close()
        shutil.rmtree(self._folder)

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                end = key.fileobj
                assert isinstance(end, socket.socket)
                if end is self._wakes:
                    return
                if end is self._listening:
                    self._accept()
                elif end in self._lines:
                    self._pass_on(end, self._lines[end])

    def _accept(self) -> None:
        engine, _ = self._listening.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._server)
        except OSError:
            engine.close()
            server.close()
            return
        line = _Line(engine, server)
        for end in (engine, server):
            self._lines[end] = line
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, end: socket.socket, line: _Line) -> None:
        said = b""
        with suppress(OSError):
            said = end.recv(_BYTES)
        if not said:
            self._hang_up(line)
            return
        if end is line.engine and self._is_cut(line, said):
            if self._armed == "unanswered":
                with suppress(OSError):
                    line.server.sendall(said)
            self._armed = None
            self._hang_up(line)
            self._cut.set()
            return
        try:
            line.other(end).sendall(said)
        except OSError:
            self._hang_up(line)

    def _is_cut(self, line: _Line, said: bytes) -> bool:
        line.writes = line.writes or _WRITES in said.lower()
        return self._armed is not None and line.writes and _COMMIT in said

    def _hang_up(self, line: _Line) -> None:
        for end in (line.engine, line.server):
            self._selector.unregister(end)
            del self._lines[end]
        line.close()
