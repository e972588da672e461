"""The file of a backup: what is in it, the data in blocks, and a hash and a seal over every byte.

A line that says what it is; a block of JSON that tells what is inside; blocks of data, each with its length
before it; an empty block; HMAC-SHA-256 of the hash of all that, under a key that only the owner's master key
gives; SHA-256 of all that and the seal. A file that was cut, or changed in one bit, does not end as it must.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final, Protocol

from guerdon.base.errors import Problem
from guerdon.infra.postgres.folder import sync_folder

_MAGIC: Final = b"guerdon backup "
_VERSION: Final = b"1"
_HASH: Final = 32
_LENGTH: Final = 4
_BLOCK: Final = 1 << 20
_BLOCK_AT_MOST: Final = 1 << 24
_KEY_BYTES: Final = 32

Told = Callable[[int], None]


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


def key_print(master_key: bytes) -> str:
    """Tell master keys apart without giving one away.

    Args:
        master_key: 32 bytes.

    Returns:
        32 hexadecimal digits, the same for the same key.
    """
    return hmac.digest(master_key, b"guerdon backup print", "sha256").hex()[:_KEY_BYTES]


def seal_of(master_key: bytes, digest: bytes) -> bytes:
    """Seal the hash of a backup.

    Args:
        master_key: 32 bytes.
        digest: SHA-256 of all that stands before it.

    Returns:
        32 bytes that nobody makes without the key.
    """
    sealing = hmac.digest(master_key, b"guerdon backup seal", "sha256")
    return hmac.digest(sealing, digest, "sha256")


@contextlib.contextmanager
def written_backup(target: Path | None, standard: IO[bytes]) -> Iterator[IO[bytes]]:
    """Open a file that gets its name only once it is whole and on the disk.

    Args:
        target: the file; None writes to the standard output, where a cut stream lacks its end.
        standard: the standard output.

    Yields:
        What is written to; after an error nothing of it is left.

    Raises:
        Problem: `file_exists`, `file_unwritable`, or `backup_running` where another one writes this file.
    """
    if target is None:
        yield standard
        standard.flush()
        return
    if target.exists():
        raise Problem("file_exists", f"{target} is there already: a backup never replaces another one")
    draft = target.with_name(f".{target.name}.part")
    try:
        file = os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb")
    except OSError as error:
        raise Problem("file_unwritable", f"{target} cannot be written: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Problem("backup_running", f"another backup is writing {target}") from None
        try:
            file.truncate(0)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if target.exists():
                raise Problem("file_exists", f"{target} was made by somebody else meanwhile")
            draft.rename(target)
        except OSError as error:
            raise Problem("file_unwritable", f"{target} cannot be written: {error.strerror}") from None
        finally:
            draft.unlink(missing_ok=True)
            sync_folder(target.parent)


def write_blocks(
    file: IO[bytes], about: dict[str, Any], data: Iterable[bytes], master_key: bytes
) -> tuple[int, str]:
    """Write a backup as a stream.

    Args:
        file: where to.
        about: what it tells of itself, as JSON.
        data: the dump, in pieces of any size.
        master_key: 32 bytes, for the seal.

    Returns:
        How many bytes were written, and the SHA-256 that ends them, in hexadecimal digits.
    """
    digest, size = hashlib.sha256(), 0

    def put(raw: bytes) -> None:
        nonlocal size
        digest.update(raw)
        file.write(raw)
        size += len(raw)

    put(_MAGIC + _VERSION + b"\n")
    text = json.dumps(about, sort_keys=True, ensure_ascii=False).encode()
    for block in chain((text,), _even(data)):
        put(len(block).to_bytes(_LENGTH, "big"))
        put(block)
    put(bytes(_LENGTH))
    put(seal_of(master_key, digest.digest()))
    file.write(digest.digest())
    return size + _HASH, digest.hexdigest()


class BackupFile:
    """A backup that is there to be read."""

    def __init__(self, path: Path) -> None:
        """Name a file; nothing is read yet.

        Args:
            path: where it is.
        """
        self.path = path

    @property
    def size(self) -> int:
        """Its bytes.

        Raises:
            Problem: `file_not_found`.
        """
        try:
            return self.path.stat().st_size
        except OSError:
            raise Problem("file_not_found", f"there is no file {self.path}") from None

    def check(self, told: Told) -> tuple[dict[str, Any], bytes, bytes]:
        """Read all of it, and make sure that it is whole and as it was written.

        Args:
            told: how many bytes more were read.

        Returns:
            What it tells of itself, the hash of it and its data, and the seal, which `check_seal` looks at.

        Raises:
            Problem: `file_not_found`, `backup_unknown`, `backup_newer`, `backup_cut` or `backup_damaged`.
        """
        digest = hashlib.sha256()
        with self._opened() as file:
            blocks = self._blocks(file, digest)
            text = next(blocks, b"")
            told(len(text))
            for block in blocks:
                told(len(block))
            found = digest.digest()
            end = file.read(2 * _HASH + 1)
        if len(end) < 2 * _HASH:
            raise self._cut()
        seal, last = end[:_HASH], end[_HASH:]
        digest.update(seal)
        if not hmac.compare_digest(last, digest.digest()):
            raise Problem("backup_damaged", f"{self.path} is not as it was written: take another copy of it")
        about = json.loads(text)
        assert isinstance(about, dict), "what was hashed is what was written"
        return about, found, seal

    def check_seal(self, found: bytes, seal: bytes, master_key: bytes) -> None:
        """Make sure that it was written by somebody who had the master key.

        Args:
            found: its hash.
            seal: as it stands in the file.
            master_key: 32 bytes, the one whose print it names.

        Raises:
            Problem: `backup_damaged`.
        """
        if not hmac.compare_digest(seal, seal_of(master_key, found)):
            detail = f"{self.path} was written or changed by somebody who does not have the master key"
            raise Problem("backup_damaged", detail)

    def data(self, found: bytes) -> Iterator[bytes]:
        """Give the dump, after `check`.

        Args:
            found: the hash that `check` came to.

        Yields:
            Pieces of it.

        Raises:
            Problem: what `check` raises, where the file was changed since.
        """
        digest = hashlib.sha256()
        with self._opened() as file:
            blocks = self._blocks(file, digest)
            next(blocks, b"")
            yield from blocks
        if digest.digest() != found:
            raise Problem("backup_damaged", f"{self.path} was changed while it was read")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            raise Problem("file_not_found", f"there is no file {self.path}") from None
        except OSError as error:
            raise Problem("file_unreadable", f"{self.path} cannot be read: {error.strerror}") from None
        with file:
            yield file

    def _blocks(self, file: IO[bytes], digest: _Hash) -> Iterator[bytes]:
        head = file.read(len(_MAGIC) + 2)
        digest.update(head)
        if not head.startswith(_MAGIC):
            raise Problem("backup_unknown", f"{self.path} is no backup that `guerdon backup` wrote")
        if head[len(_MAGIC) :] != _VERSION + b"\n":
            detail = f"{self.path} is written in a way that this Guerdon does not know: use a newer one"
            raise Problem("backup_newer", detail)
        while True:
            raw = file.read(_LENGTH)
            digest.update(raw)
            length = int.from_bytes(raw, "big")
            if len(raw) < _LENGTH:
                raise self._cut()
            if not length:
                return
            if length > _BLOCK_AT_MOST:
                raise Problem("backup_damaged", f"{self.path} has a block of {length} bytes, which none has")
            block = file.read(length)
            digest.update(block)
            if len(block) < length:
                raise self._cut()
            yield block

    def _cut(self) -> Problem:
        return Problem("backup_cut", f"{self.path} ends too early: it was never finished, or was cut")


def _even(data: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in data:
        held += piece
        while len(held) >= _BLOCK:
            yield bytes(held[:_BLOCK])
            del held[:_BLOCK]
    if held:
        yield bytes(held)
