"""The backtest of the demo's own year, made beside the running server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from guerdon.cli.demo.folder import DemoFolder, write_lines

_RUN: Final = "import sys; from guerdon.cli import run; sys.exit(run(sys.argv[1:]))"
_SILVER: Final = (b"{from: 500,", b"{from: 300,")
_SECONDS: Final = 20
_NICENESS: Final = 10


class ReportMaker:
    """Runs the year twice: as the club is, and with silver from 300."""

    def __init__(self, folder: DemoFolder, document: bytes, program: Path) -> None:
        """Describe what is run.

        Args:
            folder: of the demo, with its year.
            document: the program's definition.
            program: its file.
        """
        self._folder, self._document, self._program = folder, document, program
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None

    def begin(self, say: Callable[[str], None]) -> Path:
        """Begin to make the report, unless it is there.

        Args:
            say: told when it is done, or why not.

        Returns:
            Where the page will stand.
        """
        page = self._folder.report / "report.html"
        if page.is_file():
            return page
        definitions = [str(self._program)]
        easier = self._document.replace(*_SILVER)
        if easier != self._document:
            path = self._folder.path / "easier.yaml"
            write_lines(path, [easier])
            definitions.append(str(path))
        words = ["backtest", *definitions, "--events", str(self._folder.year), "--report", str(page.parent)]
        # A process of its own, and a polite one: callers of the server come first.
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUN, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: os.nice(_NICENESS),  # noqa: PLW1509 - it calls nothing that takes a lock
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._wait, args=(page, say), daemon=True)
        self._listener.start()
        return page

    def _wait(self, page: Path, say: Callable[[str], None]) -> None:
        assert self._process is not None
        _, said = self._process.communicate()
        if self._process.returncode == 0:
            say(f"The backtest report is there: {page}")
        elif self._process.returncode > 0:
            say(f"The backtest report was not made: {said.decode('utf-8', 'replace').strip()}")

    def end(self) -> None:
        """Stop it where it still runs."""
        if self._process is None or self._listener is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
        self._listener.join(_SECONDS)
