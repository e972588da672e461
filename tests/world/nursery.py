"""A process that has imported everything, and forks engines: these start in a fifth of the time.

`python -m tests.world.nursery` reads a line of JSON for each engine and answers with its process id.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


class Nursery:
    """Asks for forked engines."""

    def __init__(self) -> None:
        """Start the process that they are forked from."""
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        words = [sys.executable, "-m", "tests.world.nursery"]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(words, env=env, **pipes)

    def fork(self, words: list[str], env: dict[str, str], log: Path) -> int:
        """Have an engine forked.

        Args:
            words: of the command line, without `guerdon`.
            env: its surroundings.
            log: where its outputs go.

        Returns:
            Its process id.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"words": words, "env": env, "log": str(log)}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


def main() -> None:
    """Fork an engine for each line."""
    # Whatever an engine imports when it starts.
    importlib.import_module("guerdon.cli")
    importlib.import_module("guerdon.web.serving")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _live(asked)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _live(asked: dict[str, Any]) -> None:
    from guerdon.infra import failpoints

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(asked["env"])
    importlib.reload(failpoints)
    sys.argv = ["guerdon", *asked["words"]]
    try:
        from guerdon.cli import main as guerdon

        guerdon()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
