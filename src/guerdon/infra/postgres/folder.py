"""The folder an embedded server lives in: its lock, its layout, its passwords, its socket."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import structlog

from guerdon.base.errors import Problem
from guerdon.infra.postgres.configuration import SOCKET_PORT
from guerdon.infra.postgres.isolation import Isolation, reachable_by
from guerdon.infra.postgres.leftovers import clear_leftovers, stop_half_made

_LOG = structlog.get_logger(__name__)
_SOCKET_PATH_LIMIT = 103  # bytes: macOS allows 103, Linux 107
_ELSEWHERE = Path("/var/lib/guerdon")
_SOCKET_PREFIX = "guerdon-"
_DRAFT_PREFIX = ".restoring-"


def has_database(data_dir: Path) -> bool:
    """Tell whether an embedded database is kept in a folder; nothing is made.

    Args:
        data_dir: Guerdon's data folder, which may not be there.

    Returns:
        Whether one was made there once.
    """
    return (home_of(data_dir) / "pgdata").is_dir()


def home_of(data_dir: Path) -> Path:
    """Tell where the server's files of a data folder are; nothing is made.

    Args:
        data_dir: Guerdon's data folder, which may not be there.

    Returns:
        The folder: within the data folder, or where its pointer leads.
    """
    pointer = data_dir / "postgres.location"
    if pointer.is_file():
        return Path(pointer.read_text(encoding="utf-8").strip())
    return data_dir / "postgres"


class DataFolder:
    """One embedded server's files, held by one process at a time."""

    def __init__(self, data_dir: Path, isolation: Isolation) -> None:
        """Make or open the folder, without taking it.

        Args:
            data_dir: Guerdon's data folder; the server's files go into `postgres` below it.
            isolation: who will run the server and must own the files.

        Raises:
            Problem: `data_not_writable` when the folder cannot be made or written.
        """
        self.isolation = isolation
        try:
            self.home = _home(data_dir.absolute(), isolation)
            self.home.mkdir(exist_ok=True)
            # Home stays ours; the server's user may pass through it to its own folder.
            self.home.chmod(0o711 if isolation.drops_user else 0o700)
        except OSError as error:
            raise Problem(
                "data_not_writable", f"the data folder {data_dir} cannot be used: {error}"
            ) from error
        self.pgdata = self.home / "pgdata"
        self.log = self.home / "server.log"
        self._lock: int | None = None

    def take(self) -> None:
        """Take the folder for this process until `release` or the process's end.

        Raises:
            Problem: `data_in_use` when another process has it.
        """
        handle = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            os.close(handle)
            raise Problem(
                "data_in_use",
                f"another process (pid {holder or 'unknown'}) runs on {self.home}: "
                "stop it first, or give another folder",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._lock = handle

    def release(self) -> None:
        """Give the folder back; harmless when it was not taken."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def own_files(self) -> None:
        """Give the server's files to the user that runs it, where that user has changed."""
        if self.pgdata.exists() and self.pgdata.stat().st_uid != self.isolation.uid and os.geteuid() == 0:
            _LOG.info("postgres_files_change_owner", folder=str(self.pgdata), uid=self.isolation.uid)
            self._give(self.pgdata)

    def make_draft(self) -> Path:
        """Make an empty folder in which a first start makes the data.

        Returns:
            Its path, owned by the server's user; what an interrupted start left there is gone.
        """
        draft = self.home / "pgdata.new"
        if draft.exists():
            stop_half_made(draft)
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        self._give(draft)
        return draft

    def major(self) -> int | None:
        """Read the major version of an existing data folder.

        Returns:
            The version, None when there is no data yet.
        """
        mark = self.pgdata / "PG_VERSION"
        return int(mark.read_text().strip()) if mark.is_file() else None

    def passwords(self) -> dict[str, str]:
        """Read the passwords of the server's login roles, making them at the first call.

        Returns:
            Password by role name.
        """
        path = self.home / "passwords.json"
        if not path.is_file():
            made = {name: secrets.token_urlsafe(24) for name in ("postgres", "guerdon_login")}
            write_private(path, json.dumps(made))
        held: dict[str, str] = json.loads(path.read_text())
        return held

    def make_socket_folder(self) -> Path:
        """Make a private folder whose path is short enough for a socket.

        Returns:
            A new folder of mode 0700, owned by the server's user.

        Raises:
            Problem: `socket_path_too_long` when every temporary folder has too long a path.
        """
        for parent in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - the folder made in it is private
            if not parent or not os.access(parent, os.W_OK | os.X_OK):
                continue
            if not reachable_by(self.isolation, Path(parent)):
                continue
            longest = f"{parent}/{_SOCKET_PREFIX}12345678/.s.PGSQL.{SOCKET_PORT}.lock"
            if len(os.fsencode(longest)) <= _SOCKET_PATH_LIMIT:
                folder = Path(tempfile.mkdtemp(prefix=_SOCKET_PREFIX, dir=parent))
                self._give(folder)
                return folder
        raise Problem("socket_path_too_long", "no temporary folder with a short path: set TMPDIR to one")

    def private_file(self, path: Path, text: str) -> None:
        """Write a file that the server's user alone may read.

        Args:
            path: where; a file there, or a link, is replaced and not followed.
            text: what it holds.
        """
        write_private(path, text)
        self._give(path)

    def _give(self, path: Path) -> None:
        if os.geteuid() != 0:
            return
        os.chown(path, self.isolation.uid, self.isolation.gid, follow_symlinks=False)
        if path.is_dir() and not path.is_symlink():
            for child in path.iterdir():
                self._give(child)


def discard(data_dir: Path, isolation: Isolation) -> None:
    """Remove a data folder with its database for good, and what still runs in it.

    Args:
        data_dir: the folder.
        isolation: who ran its server.

    Raises:
        Problem: `data_in_use` when another process has it.
    """
    folder = DataFolder(data_dir, isolation)
    folder.take()
    try:
        socket_folder = clear_leftovers(folder.pgdata)
        if socket_folder is not None:
            remove_socket_folder(socket_folder)
        stop_half_made(folder.home / "pgdata.new")
        shutil.rmtree(folder.home)
        shutil.rmtree(data_dir)
    finally:
        folder.release()


def new_draft(data_dir: Path) -> Path:
    """Make a folder within a data folder, in which a new database is made before it takes its place.

    Args:
        data_dir: the data folder, made where it is missing.

    Returns:
        The folder; no two have the same name, for a server's files elsewhere are named after it.

    Raises:
        Problem: `data_not_writable`.
    """
    draft = data_dir / f"{_DRAFT_PREFIX}{secrets.token_hex(4)}"
    try:
        data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        draft.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise Problem("data_not_writable", f"{data_dir} cannot be used: {error}") from error
    return draft


def drafts_in(data_dir: Path) -> list[Path]:
    """List what `new_draft` made there and nobody finished.

    Args:
        data_dir: the data folder.

    Returns:
        The folders.
    """
    return sorted(data_dir.glob(f"{_DRAFT_PREFIX}*"))


def put_in_place(draft: Path, data_dir: Path) -> None:
    """Let a finished draft become the data folder's database; what names the database moves last.

    Args:
        draft: of `new_draft`; no server runs in it.
        data_dir: the data folder.
    """
    last = {"postgres", "postgres.location"}
    for child in sorted(draft.iterdir(), key=lambda child: child.name in last):
        sync_folder(draft)
        child.rename(data_dir / child.name)
        sync_folder(data_dir)
    draft.rmdir()


def write_private(path: Path, text: str) -> None:
    """Write a new file of mode 0600 that is whole or absent after a crash.

    Args:
        path: where; must not be half-written by others at the same time.
        text: what it holds.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names within a folder survive a power cut.

    Args:
        folder: an existing folder.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def clear_socket_folder(folder: Path) -> None:
    """Remove the socket of a server that was killed: its lock file names a number that may be used again.

    Args:
        folder: the folder, which stays, so that the address stays too.
    """
    for file in folder.glob(".s.PGSQL.*"):
        file.unlink()


def remove_socket_folder(folder: Path) -> None:
    """Remove a socket folder that this module once made; anything else is left alone.

    Args:
        folder: the folder.
    """
    if folder.name.startswith(_SOCKET_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def _home(data_dir: Path, isolation: Isolation) -> Path:
    data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    data_dir = data_dir.resolve()
    home, pointer = data_dir / "postgres", data_dir / "postgres.location"
    if pointer.is_file():
        return Path(pointer.read_text(encoding="utf-8").strip())
    if reachable_by(isolation, data_dir):
        return home
    if home.exists():
        # Starting afresh elsewhere would look like the loss of everything.
        raise Problem(
            "data_not_writable",
            f"PostgreSQL cannot run as root here, and user {isolation.uid} cannot enter {home}: "
            "let it pass (chmod o+x) the folders on the way, or run as an ordinary user",
        )
    # The server's user cannot enter this folder (a home of root, say), so its files live elsewhere.
    mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    home = _ELSEWHERE / f"{data_dir.name}-{mark}"
    _LOG.warning(
        "postgres_files_elsewhere",
        reason="PostgreSQL cannot run as root, and the user that runs it cannot enter the data folder",
        data=str(data_dir),
        files=str(home),
    )
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    pointer.write_text(f"{home}\n", encoding="utf-8")
    return home
