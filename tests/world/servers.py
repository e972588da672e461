"""`guerdon serve` as a process of its own, and plain calls to it."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from tests.world.nursery import Nursery

KEY = "gk_" + "world0123456789abcdefghijklmnopqrstuvwxyz"
MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
START_SECONDS = 300
CALL_SECONDS = 60


class LostError(Exception):
    """No answer came: nobody knows what became of the call."""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class Server:
    """A served engine on somebody else's database."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.log = folder / "serve.log"
        self.point = folder / "failpoint"
        self.port = free_port()
        self.process: psutil.Process | None = None

    def start(self, nursery: Nursery | None = None) -> float:
        """Start it and wait until it is ready.

        Args:
            nursery: forks it, where its start is not to be timed.

        Returns:
            Seconds until it was.
        """
        began = time.monotonic()
        self.spawn(nursery)
        self.wait_ready()
        return time.monotonic() - began

    def spawn(self, nursery: Nursery | None = None) -> None:
        """Start it.

        Args:
            nursery: forks it.
        """
        self.point.unlink(missing_ok=True)
        env = {name: value for name, value in os.environ.items() if not name.startswith("GUERDON_")}
        env |= {"GUERDON_DATABASE_URL": self.dsn, "GUERDON_MASTER_KEY": MASTER_KEY, "GUERDON_API_KEY": KEY}
        env |= {"GUERDON_SANDBOX": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        env["GUERDON_FAILPOINT"] = f"@{self.point}"
        words = ["serve", "--port", str(self.port)]
        if nursery is not None:
            self.process = psutil.Process(nursery.fork(words, env, self.log))
        else:
            command = [sys.executable, "-c", "from guerdon.cli import main; main()", *words]
            with self.log.open("ab") as log:
                self.process = psutil.Popen(command, env=env, stdout=log, stderr=log)

    def arm(self, failpoint: str) -> None:
        """Have it killed at a failpoint from now on.

        Args:
            failpoint: `name:n`.
        """
        draft = self.point.with_suffix(".new")
        draft.write_text(failpoint, encoding="utf-8")
        draft.replace(self.point)

    def wait_ready(self) -> None:
        """Wait until it answers that it is ready."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.is_alive():
                raise AssertionError(f"the server ended: {self.log.read_text()[-2_000:]}")
            try:
                if self.call("GET", "/readyz", None, {})[0] == 200:
                    return
            except LostError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the server is not ready: {self.log.read_text()[-2_000:]}")

    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_running() and not self._is_dead()

    def _is_dead(self) -> bool:
        assert self.process is not None
        try:
            return bool(self.process.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            with suppress(psutil.NoSuchProcess):
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def wait_end(self, seconds: float) -> bool:
        """Wait for it to end by itself.

        Args:
            seconds: for how long.

        Returns:
            Whether it did.
        """
        assert self.process is not None
        try:
            self.process.wait(seconds)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            return False
        return True

    def stop(self) -> None:
        """End it politely."""
        if self.process is not None and self.is_alive():
            self.process.terminate()
            self.process.wait(60)

    def call(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Make one call on a connection of its own.

        Args:
            method: of HTTP.
            path: below the address.
            body: sent as JSON, or as it is where it is a text.
            headers: beside the key.

        Returns:
            Status and answer.

        Raises:
            LostError: where the answer did not come whole.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_SECONDS)
        try:
            return ask(connection, (method, path), body, headers)
        finally:
            connection.close()


def ask(
    connection: http.client.HTTPConnection, where: tuple[str, str], body: Any, headers: Mapping[str, str]
) -> tuple[int, dict[str, Any]]:
    """Make a call on a connection that stays open."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else None
    media = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    try:
        connection.request(*where, body=raw, headers={**media, **headers})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise LostError(type(error).__name__) from error
    try:
        return answer.status, json.loads(text)
    except ValueError as error:
        raise LostError("no JSON") from error


def clock(now: datetime) -> dict[str, str]:
    """The header that sets a sandbox's clock."""
    return {"Guerdon-Now": now.isoformat()}
