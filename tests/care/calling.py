"""Callers that never rest: each earns points by HTTP and remembers what was acknowledged, and when."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.served import GUERDON, surroundings

CALLERS = 32
KEY = "gk_for-the-tests-of-backups-0123456789"


@contextmanager
def at_work(data: Path, log: Path) -> Iterator[str]:
    """Run a server whose log goes into a file: 32 callers fill any pipe that nobody empties.

    Args:
        data: its folder.
        log: a new file.

    Yields:
        Its address.
    """
    command = [GUERDON, "serve", "--port", "0", "--data", str(data)]
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, env=surroundings(GUERDON_API_KEY=KEY), stdout=said, stderr=subprocess.STDOUT
        )
    try:
        while (found := re.search(r"ready at (http://127\.0\.0\.1:\d+)", log.read_text())) is None:
            assert process.poll() is None, log.read_text()[-2_000:]
            time.sleep(0.05)
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert "Traceback" not in log.read_text()


class Callers:
    """32 of them, each with a member of its own."""

    def __init__(self, url: str, program: str = "club") -> None:
        self.place = urlsplit(url).netloc
        self.base = f"/v1/programs/{program}"
        self.acknowledged: dict[str, float] = {}
        """Event → when its answer was here."""
        self.begun: dict[str, float] = {}
        """Event → when it was sent."""
        self.trouble: list[str] = []
        self._ended = threading.Event()
        self._awake = threading.Event()
        self._awake.set()
        self._guard = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(CALLERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for(self, count: int) -> None:
        """Wait until so many more were acknowledged."""
        wanted = len(self.acknowledged) + count
        while len(self.acknowledged) < wanted:
            assert not self.trouble, self.trouble[:3]
            assert any(thread.is_alive() for thread in self._threads)
            time.sleep(0.01)

    def rest(self) -> None:
        """Let them wait, so that what does not need them goes faster."""
        self._awake.clear()

    def go_on(self) -> None:
        """Let them work again."""
        self._awake.set()

    def stop(self) -> None:
        self._awake.set()
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        with closing(http.client.HTTPConnection(self.place, timeout=60)) as connection:
            self._earn(connection, number)

    def _earn(self, connection: http.client.HTTPConnection, number: int) -> None:
        self._call(connection, "members", {"external_id": f"m{number}"})
        count = 0
        while not self._ended.is_set():
            self._awake.wait()
            count += 1
            name = f"e{number}-{count}"
            lines = [{"id": "1", "quantity": "1", "price": "3.00"}]
            event = {
                "specversion": "1.0",
                "id": name,
                "source": "till",
                "type": "order.paid",
                "time": "2026-11-20T12:00:00Z",
                "subject": f"m{number}",
                "data": {"id": f"o{number}-{count}", "lines": lines},
            }
            self.begun[name] = time.monotonic()
            if self._call(connection, "events", event):
                with self._guard:
                    self.acknowledged[name] = time.monotonic()

    def _call(self, connection: http.client.HTTPConnection, what: str, body: object) -> bool:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        raw = json.dumps(body).encode()
        try:
            connection.request("POST", f"{self.base}/{what}", raw, headers)
            answer = connection.getresponse()
        except (ConnectionError, http.client.HTTPException):
            # After a rest: servers close connections that say nothing for long.
            connection.close()
            connection.request("POST", f"{self.base}/{what}", raw, headers)
            answer = connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            self.trouble.append(f"{what}: {answer.status} {text[:300]!r}")
            return False
        return True
