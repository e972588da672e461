"""Watches over backtests: one process at a time, its progress written down, stopped when somebody asks."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import msgspec
import structlog

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.insight.backtest.trials import Ending, Progress, end_trial, note_progress
from guerdon.web.trials.task import Task, Word

_LOG = structlog.get_logger(__name__)
_LOOK_SECONDS: Final = 1.0
_END_SECONDS: Final = 10.0
_LAST_WORDS: Final = 2_000
_FILE_BYTES: Final = 64 * 2**20
"""A file of a report that is larger is not kept."""
WAITING_AT_MOST: Final = 20
_NICER: Final = 10
FOLDERS: Final = ("guerdon-backtest-", "guerdon-upload-")
"""How the folders of backtests begin, and those of files that were sent for them."""
_LEFT_SECONDS: Final = 24 * 3600
_KEPT_FILES: Final = ("report.html", "report.json", "accounts.csv", "rejects.ndjson")


@dataclass(frozen=True, slots=True)
class Asked:
    """A backtest that waits for its turn."""

    tenant_id: int
    backtest_id: int
    task: Task


class Runner:
    """Runs what was asked, in the order in which it was, in a thread that is there while there is work."""

    def __init__(self, database: Database) -> None:
        """Begin with nothing to do.

        Args:
            database: where progress and results are written.
        """
        self._database = database
        self._guard = threading.Lock()
        self._waiting: deque[Asked] = deque()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._woken = threading.Event()

    def check_room(self) -> None:
        """Refuse where too much waits already.

        Raises:
            Problem: `too_many_backtests`.
        """
        if len(self._waiting) >= WAITING_AT_MOST:
            detail = f"{WAITING_AT_MOST} backtests wait already. Come again when some are done."
            raise Problem("too_many_backtests", detail)

    def put(self, asked: Asked) -> None:
        """Queue a backtest; its folder is removed when it is over.

        Args:
            asked: which.

        Raises:
            Problem: `shutting_down`.
        """
        with self._guard:
            if self._stopping:
                raise Problem("shutting_down", "The server is being stopped. Nothing was begun.")
            self._waiting.append(asked)
            if self._thread is None:
                _sweep()
                self._thread = threading.Thread(target=self._work, name="backtests", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End what runs and forget what waits; both show as interrupted."""
        with self._guard:
            self._stopping = True
            thread = self._thread
        self._woken.set()
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._guard:
                if self._stopping or not self._waiting:
                    for one in self._waiting:
                        shutil.rmtree(one.task.folder, ignore_errors=True)
                    self._waiting.clear()
                    self._thread = None
                    return
                asked = self._waiting.popleft()
            try:
                self._run(asked)
            except Exception as error:  # noqa: BLE001 - one bad backtest must not end all that follow
                _LOG.error("backtest_lost", fault=type(error).__name__, exc_info=error)
            finally:
                shutil.rmtree(asked.task.folder, ignore_errors=True)

    def _run(self, asked: Asked) -> None:
        if not self._goes_on(asked, Progress("starting")):
            self._end(asked, Ending("cancelled"))
            return
        with tempfile.TemporaryFile() as errors, _started(asked.task, errors) as process:
            said = _Said(process)
            stopped = self._watch(asked, process, said)
            if stopped:
                process.kill()
            process.wait()
            said.join()
            if self._stopping:
                # Its lease runs out: whoever looks sees that it was interrupted.
                return
            self._end(asked, Ending("cancelled") if stopped else _ending(asked, process, said, errors))

    def _watch(self, asked: Asked, process: subprocess.Popen[bytes], said: _Said) -> bool:
        while True:
            said.over.wait(_LOOK_SECONDS)
            if self._stopping:
                return True
            if said.over.is_set() and process.poll() is not None:
                return False
            if not self._goes_on(asked, said.progress):
                return True
            self._keep_waiting()

    def _goes_on(self, asked: Asked, progress: Progress) -> bool:
        with self._database.transaction(asked.tenant_id) as tx:
            return note_progress(tx, asked.backtest_id, progress, datetime.now(UTC))

    def _keep_waiting(self) -> None:
        with self._guard:
            waiting = list(self._waiting)
        for one in waiting:
            self._goes_on(one, Progress())

    def _end(self, asked: Asked, ending: Ending) -> None:
        with self._database.transaction(asked.tenant_id) as tx:
            end_trial(tx, asked.backtest_id, ending, datetime.now(UTC))


class _Said:
    """What a process has said so far, read in a thread so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.progress = Progress("starting")
        self.last = Word()
        self.over = threading.Event()
        assert process.stdout is not None
        self._lines = process.stdout
        self._thread = threading.Thread(target=self._listen, name="backtest words", daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _listen(self) -> None:
        try:
            for line in self._lines:
                self.last = word = msgspec.json.decode(line, type=Word)
                if word.part and word.part != "done":
                    self.progress = Progress(word.part, word.done, word.total)
        except (msgspec.DecodeError, ValueError):
            _LOG.warning("backtest_unreadable")
        finally:
            self.over.set()


def _started(task: Task, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        # -P: the folder it runs in holds a file of somebody's, and must not be one to import from.
        [sys.executable, "-P", "-m", "guerdon.web.trials"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=task.folder,
        env=_surroundings(os.environ),
        start_new_session=True,
    )
    assert process.stdin is not None
    try:
        # No argument: others can read those, and the database's address may hold a password.
        process.stdin.write(msgspec.json.encode(task) + b"\n")
        process.stdin.flush()
        # Live traffic goes first.
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICER)
    except OSError:
        _LOG.warning("backtest_ended_early")
    return process


def _sweep() -> None:
    """Remove what a server that was killed left behind: files of people's orders."""
    long_ago = time.time() - _LEFT_SECONDS
    for prefix in FOLDERS:
        for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            with contextlib.suppress(OSError):
                if folder.stat().st_uid == os.getuid() and folder.stat().st_mtime < long_ago:
                    shutil.rmtree(folder, ignore_errors=True)


def _surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """Keep secrets out of a process that reads files of others."""
    return {name: value for name, value in environment.items() if not name.startswith("GUERDON_")}


def _ending(asked: Asked, process: subprocess.Popen[bytes], said: _Said, errors: IO[bytes]) -> Ending:
    word = said.last
    if process.returncode == 0 and word.part == "done":
        return Ending("done", None, word.figures, _files(asked.task.report))
    if word.problem:
        return Ending("failed", Problem(word.problem, word.detail))
    errors.seek(0)
    _LOG.error(
        "backtest_failed",
        code=process.returncode,
        said=errors.read()[-_LAST_WORDS:].decode("utf-8", "replace"),
    )
    detail = (
        "The backtest ended by itself, perhaps for want of memory. Nothing was changed; the log says more."
    )
    return Ending("failed", Problem("process_lost", detail))


def _files(folder: Path) -> dict[str, bytes]:
    found = {}
    for name in _KEPT_FILES:
        path = folder / name
        if path.is_file() and path.stat().st_size <= _FILE_BYTES:
            found[name] = path.read_bytes()
    return found
