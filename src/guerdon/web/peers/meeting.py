"""The folder where the engines of one machine meet: a socket each, readable for their user alone."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import Final

from guerdon.infra.settings import Settings

SOCKET: Final = ".engine"
_BEGUN: Final = ".begun"
_BACKLOG: Final = 128


def meeting_folder(settings: Settings, master_key: bytes) -> Path | None:
    """Tell where the engines of a database meet.

    Args:
        settings: of this process.
        master_key: 32 bytes; engines with another one do not meet these.

    Returns:
        The folder, which need not be there; None where there is but one engine.
    """
    if settings.database_url is None or not settings.hand_over_from:
        return None
    place = settings.database_url.get_secret_value().encode()
    name = hmac.digest(master_key, b"engines of " + place, hashlib.sha256).hex()[:16]
    return Path(tempfile.gettempdir()) / f"guerdon-{os.geteuid()}" / name


class Meeting:
    """One engine's place in the folder."""

    def __init__(self, folder: Path, engine: str) -> None:
        """Describe it.

        Args:
            folder: where they meet.
            engine: id of this engine.
        """
        self._folder = folder
        self._own = folder / f"{engine}{SOCKET}"
        self._begun = folder / f"{engine}{_BEGUN}"

    def open(self) -> socket.socket:
        """Make the folder and a socket in it, which nobody sees yet.

        Returns:
            The socket, listening.

        Raises:
            OSError: the folder or the socket cannot be made, or others can reach the folder.
        """
        self._folder.parent.mkdir(mode=0o700, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for folder in (self._folder.parent, self._folder):
            _check_private(folder)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(self._begun))
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
        return listening

    def show(self) -> None:
        """Let the others see the socket, now that somebody answers there."""
        self._begun.rename(self._own)

    def others(self) -> list[Path]:
        """List the sockets of the other engines.

        Returns:
            Their paths, in order; some may be of engines that were killed.
        """
        try:
            return sorted(path for path in self._folder.glob(f"*{SOCKET}") if path != self._own)
        except FileNotFoundError:
            return []

    def sweep(self, left: Path) -> None:
        """Take away what an engine left that was killed.

        Args:
            left: its socket, at which nobody listens.
        """
        left.unlink(missing_ok=True)

    def close(self) -> None:
        """Take the socket away."""
        for path in (self._own, self._begun):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            # Unless others are still there.
            self._folder.rmdir()


def _check_private(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder.name} has to be a folder that only its owner can open")
