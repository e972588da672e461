"""A guerdon that has imported everything before it is called: commands of documents begin as copies of it.

Two thirds of what a short command takes is importing. Each command is still a process of its own with its own
words, folder, environment and terminal; that the installed program starts is shown by tests/cli.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final, Self

_WAIT_SECONDS: Final = 120
_BEFORE: Final = (
    "guerdon.cli",
    "guerdon.cli.opening",
    "guerdon.cli.programs",
    "guerdon.web.serving",
    "guerdon.web.app",
)
_CALLER: Final = """#!{python} -SEs
import array, json, os, signal, socket, sys
caller = socket.socket(socket.AF_UNIX)
caller.connect({path!r})
words = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
caller.sendmsg([b"%08d" % len(words)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
caller.sendall(words)
said = caller.makefile("r")
number = int(said.readline())
for one in (signal.SIGINT, signal.SIGTERM):
    signal.signal(one, lambda which, _: os.kill(number, which))
sys.exit(int(said.readline()))
"""
"""What stands where `guerdon` is: it hands everything over, and ends as the copy ends."""


class Ready:
    """The one that waits for calls; each worker has its own."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "calls"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        prefix = self._folder / "venv"
        (prefix / "bin").mkdir(parents=True)
        for name in ("lib", "pyvenv.cfg"):
            (prefix / name).symlink_to(Path(sys.prefix) / name)
        for tool in (Path(sys.prefix) / "bin").iterdir():
            if tool.name != "guerdon":
                (prefix / "bin" / tool.name).symlink_to(tool)
        caller = prefix / "bin" / "guerdon"
        caller.write_text(_CALLER.format(python=sys.executable, path=str(self._path)), encoding="utf-8")
        caller.chmod(0o755)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GUERDON_")}
        environment |= {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "110"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(self._path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    @property
    def prefix(self) -> Path:
        """What stands for the environment with the program in it."""
        return self._folder / "venv"

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.wait(_WAIT_SECONDS)
        self._process.stdout.close()


def _wait_for_calls(path: str) -> None:
    for name in _BEFORE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a copy has no threads but its own"
    signal.signal(signal.SIGCHLD, _bury)
    door = socket.socket(socket.AF_UNIX)
    door.bind(path)
    door.listen()
    os.write(1, b"ready\n")
    while True:
        call, _ = door.accept()
        if os.fork() == 0:
            door.close()
            _mind(call)
        call.close()


def _bury(*_: object) -> None:
    """Wait for whoever ended, so that their time is counted as that of the tests."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _mind(call: socket.socket) -> None:
    """Begin a copy, tell its number, and then how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, terminal, _, _ = socket.recv_fds(call, 8, 3)
    size, words = int(head), b""
    while len(words) < size:
        words += call.recv(size - len(words))
    number = os.fork()
    if number == 0:
        _become(json.loads(words), terminal, call)
    for one in terminal:
        os.close(one)
    call.sendall(b"%d\n" % number)
    _, status = os.waitpid(number, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        call.sendall(b"%d\n" % (code if code >= 0 else 128 - code))
    os._exit(0)


def _become(said: list[object], terminal: list[int], call: socket.socket) -> None:
    words, folder, environment = said
    assert isinstance(words, list)
    assert isinstance(environment, dict)
    call.close()
    for place, one in enumerate(terminal):
        os.dup2(one, place)
        os.close(one)
    os.chdir(str(folder))
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["guerdon", *words]
    sys.stdin = os.fdopen(0, encoding="utf-8")
    code = 1
    try:
        sys.modules["guerdon.cli"].main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _wait_for_calls(sys.argv[1])
