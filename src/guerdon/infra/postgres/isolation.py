"""Under which user the server runs, because PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from guerdon.base.errors import Problem

Choice = Literal["auto", "namespace", "user"]
_PREFERRED_USERS = ("daemon", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Isolation:
    """How the server's programs are run."""

    kind: Literal["plain", "namespace", "user"]
    prefix: tuple[str, ...]
    """Words put before each command."""
    uid: int
    gid: int
    """The owner that the server's files must have, as seen from here."""

    @property
    def drops_user(self) -> bool:
        """Whether the programs run under another user than this process."""
        return self.kind == "user"

    @property
    def run_uid(self) -> int | None:
        """The user to become before a program runs, None to stay."""
        return self.uid if self.drops_user else None

    @property
    def run_gid(self) -> int | None:
        """The group to become before a program runs, None to stay."""
        return self.gid if self.drops_user else None

    @property
    def run_groups(self) -> list[int] | None:
        """The further groups of a program, None to keep those that are."""
        return [] if self.drops_user else None


def choose_isolation(choice: Choice = "auto") -> Isolation:
    """Choose how to run PostgreSQL here.

    Args:
        choice: `auto` takes a user namespace where root may make one, else an unprivileged user;
            the others insist. An ordinary user always runs it as itself.

    Returns:
        What to put before commands, and who owns the files.

    Raises:
        Problem: `postgres_refuses_root` when no unprivileged user exists.
    """
    if os.geteuid() != 0:
        return Isolation("plain", (), os.geteuid(), os.getegid())
    entry = _unprivileged_user()
    if choice in ("auto", "namespace"):
        prefix = _namespace_prefix(entry)
        if prefix is not None:
            return Isolation("namespace", prefix, 0, os.getegid())
        if choice == "namespace":
            raise Problem("postgres_refuses_root", "user namespaces are refused on this machine")
    return Isolation("user", (), entry.pw_uid, entry.pw_gid)


def reachable_by(isolation: Isolation, folder: Path) -> bool:
    """Say whether the server's user can come to a folder.

    Args:
        isolation: who runs the server.
        folder: an existing absolute folder.

    Returns:
        True when each folder on the way may be entered by that user.
    """
    if isolation.kind == "plain":
        return True
    # In a user namespace root has its own files and no more: no power over those of others.
    return all(_may_enter(isolation, step) for step in (folder, *folder.parents))


def _may_enter(isolation: Isolation, folder: Path) -> bool:
    stat = folder.stat()
    if stat.st_uid == isolation.uid:
        return bool(stat.st_mode & 0o100)
    if stat.st_gid == isolation.gid:
        return bool(stat.st_mode & 0o010)
    return bool(stat.st_mode & 0o001)


def _unprivileged_user() -> pwd.struct_passwd:
    # initdb looks its own user up by number, so a made-up number will not do.
    entries = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in _PREFERRED_USERS:
        if name in entries:
            return entries[name]
    if entries:
        return next(iter(entries.values()))
    raise Problem("postgres_refuses_root", "PostgreSQL cannot run as root, and there is no other user here")


def _namespace_prefix(entry: pwd.struct_passwd) -> tuple[str, ...] | None:
    program = shutil.which("unshare")
    if program is None:
        return None
    prefix = (program, "--user", f"--map-user={entry.pw_uid}", f"--map-group={entry.pw_gid}", "--")
    trial = subprocess.run([*prefix, "/bin/sh", "-c", "exit 0"], capture_output=True, check=False)
    return prefix if trial.returncode == 0 else None
