"""Forms with a file: read as they stream in, the file to the disk, everything else in bounded memory."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import unquote

from anyio import to_thread

from guerdon.base.errors import Problem
from guerdon.web.bodies import CallerGoneError

FILE_LIMIT: Final = 256 * 1024 * 1024
"""Bytes of a file that is sent with a form."""
_FIELDS_LIMIT: Final = 2 * 1024 * 1024
_FIELDS_AT_MOST: Final = 100
_HEAD_LIMIT: Final = 8 * 1024
_WRITE_AT_ONCE: Final = 1024 * 1024
_BOUNDARY: Final = re.compile(rb'boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?')
_NAMED: Final = re.compile(rb';[ \t]*(name|filename)="([^"]*)"')
_UNFIT: Final = re.compile(r"[^\w.-]+")
_NAME_LENGTH: Final = 100

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


@dataclass(slots=True)
class Upload:
    """A file that came with a form, in a folder of its own."""

    folder: Path
    name: str
    """As it was called where it came from, made fit for a file's name here."""
    size: int
    is_taken: bool = False
    """Whether somebody looks after the folder from now on."""

    def drop(self) -> None:
        """Remove it, where nobody took it."""
        if not self.is_taken:
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(slots=True)
class Filled:
    """A form as it was filled in."""

    fields: dict[str, str] = field(default_factory=dict)
    upload: Upload | None = None


def file_name(given: str) -> str:
    """Make a name fit for a file in a folder of ours.

    Args:
        given: what a browser said; anything.

    Returns:
        Letters, digits, `.`, `_` and `-`, at most 100, the ending kept; never hidden and never an option.
    """
    last = re.split(r"[/\\]", given)[-1]
    return _UNFIT.sub("-", last).lstrip(".-")[-_NAME_LENGTH:].lstrip(".-") or "file"


def boundary_of(content_type: bytes) -> bytes | None:
    """Find what parts the fields of a form with a file.

    Args:
        content_type: the header.

    Returns:
        The boundary, None where this is no such form.
    """
    if not content_type.lower().startswith(b"multipart/form-data"):
        return None
    found = _BOUNDARY.search(content_type)
    return found[1] if found is not None else None


async def read_form(receive: Receive, boundary: bytes, limit: int = FILE_LIMIT) -> Filled:
    """Read a form with a file.

    Args:
        receive: the ASGI channel of the request.
        boundary: of `boundary_of`.
        limit: bytes that the file may have.

    Returns:
        Fields and file; whoever takes the file removes its folder.

    Raises:
        Problem: `bad_request` or `body_too_large`, with nothing left behind.
        CallerGoneError: when the caller hung up.
    """
    reader = _Reader(boundary, limit)
    try:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise CallerGoneError
            await reader.take(message.get("body", b""))
            more = message.get("more_body", False)
        return await reader.end()
    except BaseException:
        reader.give_up()
        raise


class _Reader:
    """Takes a body apart, piece by piece."""

    def __init__(self, boundary: bytes, limit: int) -> None:
        self._mark = b"\r\n--" + boundary
        # The first boundary has no line before it.
        self._rest = b"\r\n"
        self._in_head = False
        self._is_over = False
        self._name = ""
        self._value: bytearray | None = None
        self._file: IO[bytes] | None = None
        self._pending = bytearray()
        self._fields_size = 0
        self._limit = limit
        self._too_large = False
        self._filled = Filled()

    async def take(self, piece: bytes) -> None:
        if self._is_over or self._too_large:
            return
        self._rest += piece
        while await self._step():
            pass

    async def _step(self) -> bool:
        """Go on as far as what is here allows; tell whether to try again."""
        if self._is_over or self._too_large:
            return False
        if self._in_head:
            return self._head()
        at = self._rest.find(self._mark)
        if at < 0:
            keep = len(self._mark) - 1
            if len(self._rest) > keep:
                await self._content(self._rest[:-keep])
                self._rest = self._rest[-keep:]
            return False
        if len(self._rest) < at + len(self._mark) + 2:
            return False
        await self._content(self._rest[:at])
        await self._close()
        self._rest = self._rest[at + len(self._mark) :]
        self._is_over = self._rest.startswith(b"--")
        self._in_head = not self._is_over
        return not self._is_over

    def _head(self) -> bool:
        end = self._rest.find(b"\r\n\r\n")
        if end < 0:
            if len(self._rest) > _HEAD_LIMIT:
                raise _unreadable()
            return False
        head, self._rest = self._rest[:end], self._rest[end + 4 :]
        self._in_head = False
        named = dict(_NAMED.findall(head))
        if b"name" not in named or len(self._filled.fields) >= _FIELDS_AT_MOST:
            raise _unreadable()
        self._name = _text(named[b"name"])
        given = named.get(b"filename")
        if given is None:
            self._value = bytearray()
        elif given and self._filled.upload is None:
            folder = Path(tempfile.mkdtemp(prefix="guerdon-upload-"))
            self._filled.upload = Upload(folder, file_name(unquote(_text(given))), 0)
            self._file = (folder / self._filled.upload.name).open("xb")
        return True

    async def _content(self, piece: bytes) -> None:
        if self._value is not None:
            self._fields_size += len(piece)
            self._too_large = self._fields_size > _FIELDS_LIMIT
            self._value += piece
        elif self._file is not None and self._filled.upload is not None:
            self._filled.upload.size += len(piece)
            self._too_large = self._filled.upload.size > self._limit
            self._pending += piece
            if len(self._pending) >= _WRITE_AT_ONCE:
                await self._write()

    async def _write(self) -> None:
        assert self._file is not None
        await to_thread.run_sync(self._file.write, bytes(self._pending))
        self._pending.clear()

    async def _close(self) -> None:
        if self._value is not None:
            self._filled.fields[self._name] = _text(bytes(self._value))
            self._value = None
        if self._file is not None:
            await self._write()
            self._file.close()
            self._file = None

    async def end(self) -> Filled:
        if self._too_large:
            most = self._limit // 1024 // 1024
            raise Problem("body_too_large", f"A file has at most {most} MiB here. Nothing was changed.")
        if not self._is_over:
            raise _unreadable()
        return self._filled

    def give_up(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._filled.upload is not None:
            self._filled.upload.drop()


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable() from None
    if "\0" in text:
        raise Problem("nul_character", "A form holds no NUL characters. Nothing was changed.")
    return text


def _unreadable() -> Problem:
    return Problem("bad_request", "The form could not be read. Nothing was changed.")
