"""One run of the server's programs: make a data folder, start, wait until ready, stop."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import psutil

from guerdon.base.errors import Problem
from guerdon.infra.postgres.binaries import Binaries
from guerdon.infra.postgres.configuration import HBA, configuration_text, initdb_arguments
from guerdon.infra.postgres.folder import DataFolder, sync_folder
from guerdon.infra.postgres.leftovers import stop_process

_READY_SECONDS = 300.0  # crash recovery of a few GB of log takes minutes on a slow disk
_STILL_DYING = "pre-existing shared memory block"
_TAIL_CHARACTERS = 2_000


class StillDying(Exception):  # noqa: N818 - says what holds, and is answered by waiting
    """Children of an earlier server hold its shared memory."""


def make_data(binaries: Binaries, folder: DataFolder, durable: bool) -> None:
    """Make a new data folder, whole or not at all.

    Args:
        binaries: PostgreSQL's programs.
        folder: where; its `pgdata` must not exist.
        durable: False skips waiting for the disk.

    Raises:
        Problem: `initdb_failed` with the program's own words.
    """
    draft = folder.make_draft()
    password = folder.home / "initdb.password"
    folder.private_file(password, folder.passwords()["postgres"] + "\n")
    command = [
        str(binaries.folder / "initdb"),
        f"--pgdata={draft}",
        f"--pwfile={password}",
        "--no-instructions",
    ]
    command += initdb_arguments(binaries.major)
    if not durable:
        command.append("--no-sync")
    try:
        answer = _run(folder, command)
    finally:
        password.unlink()
    if answer.returncode != 0:
        raise Problem("initdb_failed", (answer.stderr or answer.stdout)[-_TAIL_CHARACTERS:].strip())
    draft.rename(folder.pgdata)
    sync_folder(folder.home)


def start_postmaster(
    binaries: Binaries, folder: DataFolder, socket_folder: Path, durable: bool
) -> subprocess.Popen[bytes]:
    """Start the server and wait until it takes connections.

    Args:
        binaries: PostgreSQL's programs, of the data folder's version.
        folder: whose `pgdata` to serve.
        socket_folder: where to make the socket.
        durable: False for throw-away databases only.

    Returns:
        The postmaster, ready.

    Raises:
        Problem: `postgres_failed` with the end of the server's log.
        StillDying: children of an earlier server are not gone yet.
    """
    folder.private_file(folder.pgdata / "postgresql.conf", configuration_text(socket_folder, durable))
    folder.private_file(folder.pgdata / "pg_hba.conf", HBA)
    with folder.log.open("ab") as log:
        offset = log.tell()
        process = subprocess.Popen(
            [*folder.isolation.prefix, str(binaries.folder / "postgres"), "-D", str(folder.pgdata)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder.home,
            env=_environment(),
            # Ctrl-C in the terminal is for us; we stop the server after the last commit.
            start_new_session=True,
            user=folder.isolation.run_uid,
            group=folder.isolation.run_gid,
            extra_groups=folder.isolation.run_groups,
        )
    try:
        _wait_until_ready(process, folder, offset)
    except BaseException:
        if process.poll() is None:
            stop_process(psutil.Process(process.pid))
            process.wait()
        raise
    return process


def _wait_until_ready(process: subprocess.Popen[bytes], folder: DataFolder, offset: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not _says_ready(process.pid, folder.pgdata):
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            words = _tail(folder.log, offset)
            if _STILL_DYING in words:
                raise StillDying(words)
            what = f"it ended with {process.returncode}" if ended else "it was not ready in time"
            raise Problem("postgres_failed", f"the embedded PostgreSQL did not start, {what}: {words}")
        time.sleep(0.02)


def _says_ready(pid: int, pgdata: Path) -> bool:
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _tail(log: Path, offset: int) -> str:
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode("utf-8", "replace")[-_TAIL_CHARACTERS:].strip()


def _run(folder: DataFolder, command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*folder.isolation.prefix, *command],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=folder.home,
        env=_environment(),
        user=folder.isolation.run_uid,
        group=folder.isolation.run_gid,
        extra_groups=folder.isolation.run_groups,
    )


def _environment() -> dict[str, str]:
    # PG* variables of whoever starts us must not reach the server, nor our own secrets.
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
