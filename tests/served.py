"""A server of a test's own, started as anybody starts one and stopped in good order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

GUERDON = str(Path(sys.executable).with_name("guerdon"))
READY = "ready at "


def surroundings(**more: str) -> dict[str, str]:
    """Give an environment in which nothing speaks of Guerdon but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GUERDON_")}
    return {**kept, **more}


@contextmanager
def served(data: Path, never: str, **more: str) -> Iterator[str]:
    """Run a server in a folder on a free port.

    Args:
        data: the folder.
        never: a word that it must not print when it stops.
        more: its settings.

    Yields:
        Its address.
    """
    log = data.with_name(f"{data.name}.log")
    command = [GUERDON, "serve", "--port", "0", "--data", str(data)]
    # Into a file: a pipe that nobody empties would make the server wait at its next line.
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(command, env=surroundings(**more), stdout=out, stderr=subprocess.STDOUT) as server,
    ):
        try:
            yield _address(server, log)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    said = log.read_text(encoding="utf-8")
    assert server.returncode == 0, said
    assert never not in said.partition(READY)[2]


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    while True:
        ended = server.poll() is not None
        said = log.read_text(encoding="utf-8")
        if (address := re.search(rf"{READY}(http://127\.0\.0\.1:\d+)\s", said)) is not None:
            return address.group(1)
        if ended:
            pytest.fail(said)
        time.sleep(0.05)
