"""A server of a test's own, started as anybody starts one and stopped in good order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

GUERDON = str(Path(sys.executable).with_name("guerdon"))


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
    command = [GUERDON, "serve", "--port", "0", "--data", str(data)]
    with subprocess.Popen(
        command, env=surroundings(**more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line)
            if (address := re.search(r"ready at (http://127\.0\.0\.1:\d+)", line)) is not None:
                break
        else:
            pytest.fail("".join(said))
        yield address.group(1)
        server.send_signal(signal.SIGTERM)
        rest = server.stdout.read()
    assert server.returncode == 0, rest
    assert never not in rest
