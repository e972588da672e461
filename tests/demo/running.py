"""The demo as a newcomer starts it: a process of its own, watched by what it says."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import psutil

GUERDON = Path(sys.executable).with_name("guerdon")
WAIT_SECONDS = 90


def clean_environment() -> dict[str, str]:
    """Give the environment without settings of Guerdon that somebody may have exported."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GUERDON_")}


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def taken_port() -> Iterator[int]:
    """Listen on a port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield int(one.getsockname()[1])


class Demo:
    """One start of `guerdon demo`."""

    def __init__(self, data: Path, *options: str, wait_seconds: float = WAIT_SECONDS) -> None:
        self.data = data
        self._wait_seconds = wait_seconds
        self.lines: list[str] = []
        self._heard = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [GUERDON, "demo", "--data", str(data), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environment(),
            cwd=data.parent,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def wait_for(self, words: str) -> str:
        """Wait for a line with some words in it, and give that line."""

        def found() -> str | None:
            return next((line for line in self.lines if words in line), None)

        with self._heard:
            self._heard.wait_for(lambda: found() is not None or self._ended, self._wait_seconds)
            line = found()
        assert line is not None, f"never said {words!r}:\n{self.text}"
        return line

    @property
    def text(self) -> str:
        """All that was said so far."""
        return "".join(self.lines)

    @property
    def address(self) -> str:
        """Where it listens, once it is ready."""
        found = re.search(r"http://\S+", self.wait_for("Guerdon is ready"))
        assert found is not None
        return found.group()

    def page(self) -> tuple[int, str]:
        """Open the page at `/`."""
        answer = httpx2.get(f"{self.address}/", timeout=WAIT_SECONDS)
        return answer.status_code, answer.text

    def printed_calls(self) -> list[list[str]]:
        """Give the curl commands that were printed, as words."""
        self.wait_for("Guerdon is ready")
        joined = self.text.replace("\\\n", " ")
        exported = dict(re.findall(r"export (\w+)=(\S+)", joined))
        calls = [line for line in joined.splitlines() if line.strip().startswith("curl ")]
        return [
            [re.sub(r"\$(KEY|CLUB)", lambda found: exported[found[1]], word) for word in shlex.split(line)]
            for line in calls
        ]

    def interrupt(self) -> int:
        """Press Ctrl-C and wait for the end."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end."""
        code = self.process.wait(WAIT_SECONDS)
        self._listener.join(WAIT_SECONDS)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.interrupt()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._heard:
                self.lines.append(line)
                self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()


def call(words: Sequence[str]) -> Any:
    """Do what a curl command says, and read the JSON that comes back."""
    headers, body, url = {}, None, ""
    rest = iter(words[1:])
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest).encode()
        elif word != "-s":
            url = word
    method = "GET" if body is None else "POST"
    answer = httpx2.request(method, url, content=body, headers=headers, timeout=WAIT_SECONDS)
    assert answer.status_code == 200, answer.text
    return answer.json()


def servers_of(data: Path) -> list[int]:
    """Find processes that have to do with a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue
        if any(str(data) in word for word in words):
            found.append(process.pid)
    return found
