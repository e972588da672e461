"""The commands of a document, run as a reader would: one shell, one folder, what is printed compared."""

from __future__ import annotations

import re
import secrets
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.architecture.source import ROOT
from tests.demo.running import clean_environment, free_port

BLOCK = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HERE = re.compile(r"<<'?(\w+)'?")
WRITTEN_PORT = "8080"
_READY_SECONDS = 300
_ANY_LINES = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block: ```` ```language words ````."""

    language: str
    words: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Step:
    """A command and what a document says it prints."""

    command: str
    expected: str


def blocks(document: Path) -> list[Block]:
    """Find the fenced blocks of a document."""
    found = BLOCK.findall(document.read_text(encoding="utf-8"))
    return [Block(language, tuple(words.split()), text) for language, words, text in found]


def steps(block: Block) -> Iterator[Step]:
    """Take a console block apart: `$ ` begins a command, which goes on until the shell has all of it."""
    command = ""
    printed: list[str] = []
    for line in block.text.splitlines():
        if command and not is_whole(command):
            command += "\n" + line
        elif line.startswith("$ "):
            if command:
                yield Step(command, "\n".join(printed))
            command, printed = line[2:], []
        else:
            printed.append(line)
    if command:
        yield Step(command, "\n".join(printed))


def is_whole(command: str) -> bool:
    """Tell whether a shell would run this, or wait for the rest of a text or of a document in place."""
    here = HERE.search(command)
    if here is not None:
        return command.splitlines()[-1] == here.group(1)
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        list(lexer)
    except ValueError:
        return False
    return not command.endswith("\\")


def matches(expected: str, printed: str) -> bool:
    """Compare; `…` stands for anything within a line, and alone on a line for any lines."""
    pattern = ""
    for line in expected.rstrip().splitlines():
        if line.strip() == _ANY_LINES:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split(_ANY_LINES)) + r"[ \t]*\n"
    return re.fullmatch(pattern, printed.rstrip() + "\n" if printed.strip() else "") is not None


class Reader:
    """Somebody who follows a document in a folder of their own."""

    def __init__(self, folder: Path, prefix: Path) -> None:
        self._folder = folder
        self._port = str(free_port())
        (folder / "examples").symlink_to(ROOT / "examples")
        (folder / ".venv").symlink_to(prefix)
        self._environment = clean_environment() | {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "110"}
        self._shell = self._start(["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE)
        self._servers: list[tuple[subprocess.Popen[str], threading.Thread]] = []

    def write(self, name: str, text: str) -> None:
        """Save a file that the document shows."""
        (self._folder / name).write_text(text, encoding="utf-8")

    def run(self, command: str) -> str:
        """Run a command in the reader's shell, and give what it printed."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        mark = secrets.token_hex(8)
        self._shell.stdin.write(f"{self._here(command)}\necho; echo {mark} $?\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(mark):
                code = int(line.split()[1])
                assert code == 0, f"{command}\nended with {code}:\n{''.join(lines)}"
                break
            lines.append(line.replace(self._port, WRITTEN_PORT))
        return "".join(lines)

    def serve(self, command: str) -> None:
        """Start a server in another terminal, and wait until it is ready."""
        server = self._start(["bash", "--norc", "-c", f"exec env {self._here(command)}"])
        ready = threading.Event()
        said: list[str] = []

        def listen() -> None:
            assert server.stdout is not None
            for line in server.stdout:
                said.append(line)
                if "Guerdon is ready" in line:
                    ready.set()
            ready.set()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        self._servers.append((server, listener))
        assert ready.wait(_READY_SECONDS), "".join(said)
        assert server.poll() is None, "".join(said)

    def stop(self) -> None:
        """Press Ctrl-C in the terminals of the servers."""
        while self._servers:
            server, listener = self._servers.pop()
            server.send_signal(signal.SIGINT)
            code = server.wait(_READY_SECONDS)
            listener.join()
            assert server.stdout is not None
            server.stdout.close()
            assert code == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            assert self._shell.stdin is not None
            self._shell.stdin.close()
            self._shell.wait(_READY_SECONDS)
            assert self._shell.stdout is not None
            self._shell.stdout.close()

    def _here(self, command: str) -> str:
        return command.replace(WRITTEN_PORT, self._port)

    def _start(self, words: list[str], stdin: int | None = subprocess.DEVNULL) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            cwd=self._folder,
            env=self._environment,
        )
