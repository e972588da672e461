"""What an earlier run may have left: a living postmaster, dying children, a stale pid file.

An orphan (its parent was killed) is stopped, not adopted: its settings, its socket folder and its log may be
those of an older version, and no transaction of the dead process can then be half-way through a commit.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import structlog

from guerdon.base.errors import Problem

_LOG = structlog.get_logger(__name__)
_PATIENCE_SECONDS = 60.0
# PostgreSQL 18.6 never ends when a fast shutdown comes while it recovers from a killed backend (the
# checkpointer sleeps, the start-up process is gone). SIGQUIT ends it at once, losing nothing: the next start
# replays the log. Eight seconds are meant for the last checkpoint, and fit into the ten that containers get.
_STEPS = ((signal.SIGINT, 8.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))


def clear_leftovers(pgdata: Path) -> Path | None:
    """Stop an orphaned server of this folder and wait until none of its processes is left.

    The caller holds the folder's lock, so that no living Guerdon uses the server that is stopped.

    Args:
        pgdata: the server's data folder.

    Returns:
        The socket folder of the server that was, None when there was none.

    Raises:
        Problem: `postgres_will_not_stop` when processes outlive all signals.
    """
    pid_file = pgdata / "postmaster.pid"
    if not pid_file.is_file():
        return None
    lines = pid_file.read_text(errors="replace").splitlines()
    pid = int(lines[0]) if lines and lines[0].lstrip("-").isdigit() else 0
    orphan = _server_process(abs(pid), pgdata)
    if orphan is not None:
        _LOG.warning("postgres_orphan_found", pid=orphan.pid, folder=str(pgdata))
        stop_process(orphan)
    _wait_for_children(pgdata)
    # The file outlives a kill, and PostgreSQL refuses to start when its number is another program's by now.
    pid_file.unlink(missing_ok=True)
    return Path(lines[4]) if len(lines) > 4 else None


def stop_half_made(draft: Path) -> None:
    """End what is left of an interrupted first start.

    Args:
        draft: the folder that was being made, and will be thrown away.
    """
    for process in psutil.process_iter():
        if _names(process, f"--pgdata={draft}") or _works_in(process, draft):
            _LOG.warning("postgres_half_made", pid=process.pid)
            process.kill()
            process.wait(10)


def stop_process(process: psutil.Process) -> None:
    """Stop a postmaster: fast, then at once, then by force.

    Args:
        process: the postmaster, child of this process or not.

    Raises:
        Problem: `postgres_will_not_stop` when even force does not help.
    """
    for step, seconds in _STEPS:
        try:
            process.send_signal(step)
            process.wait(seconds)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired:
            _LOG.warning("postgres_stops_slowly", pid=process.pid, signal=step.name)
            continue
        return
    raise Problem("postgres_will_not_stop", f"the PostgreSQL process {process.pid} does not end")


def _server_process(pid: int, pgdata: Path) -> psutil.Process | None:
    if pid <= 1 or pid == os.getpid():
        return None
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        # Numbers are used again: only a process that names this folder is this folder's server.
        return process if _names(process, str(pgdata)) or _works_in(process, pgdata) else None
    except psutil.NoSuchProcess:
        return None


def _names(process: psutil.Process, word: str) -> bool:
    try:
        return word in process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _works_in(process: psutil.Process, pgdata: Path) -> bool:
    try:
        return bool(process.cwd() == str(pgdata)) and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        # Gone, or another user's and so not ours.
        return False


def _wait_for_children(pgdata: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    pause = 0.01
    while left := [p for p in psutil.process_iter() if _works_in(p, pgdata)]:
        if time.monotonic() > deadline:
            pids = ", ".join(str(p.pid) for p in left)
            raise Problem("postgres_will_not_stop", f"old PostgreSQL processes are still dying: {pids}")
        time.sleep(pause)
        pause = min(pause * 2, 0.5)
