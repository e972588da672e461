"""Forms that carry a file (RFC 7578): read under a limit, in pieces that are plain to see, refused else.

Why this is ours: no pinned package reads such forms (Starlette would by python-multipart, which nothing
else here needs). That package would take the place of `take_apart` and `_part` alone, some thirty lines, by
about as many for its callbacks; the limits on bytes, parts and heads, the refusals with their codes, the
words without NUL and the one file would stay ours. The console reads forms with files of 256 MiB to the
disk as they come (`console/forms.py`); here all of a small body is in memory, so that it is split at once.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from fastapi import Request

from guerdon.base.errors import Problem
from guerdon.web.bodies import read_body
from guerdon.web.front import header

FILE_MOST: Final = 8 * 1024 * 1024
"""Bytes of a photo as cameras of telephones write them."""
_WORDS_MOST: Final = 64 * 1024
_PARTS_MOST: Final = 100
_HEAD_MOST: Final = 2_000
_BOUNDARY: Final = re.compile(
    r'multipart/form-data\s*;(?:[^"]*;)?\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))', re.IGNORECASE
)
_NAMED: Final = re.compile(r"^content-disposition:\s*form-data\s*;(.*)$", re.IGNORECASE | re.MULTILINE)
_PARAMETER: Final = re.compile(r'(?:^|[\s;])(name|filename)="([^"\r\n]*)"')
_MISREAD: Final = Problem("bad_request", "the form could not be read")


class Parcel(NamedTuple):
    """What a form said, and the file that was with it."""

    fields: dict[str, str]
    """The first value of each name, without blanks around it."""
    file: bytes
    """Empty where none was chosen."""


def is_parcel(request: Request) -> bool:
    """Tell whether a form says that it carries files.

    Args:
        request: with its headers.

    Returns:
        Whether it does.
    """
    said: str = request.headers.get("content-type", "")
    return said.lower().startswith("multipart/form-data")


async def read_parcel(request: Request) -> Parcel:
    """Read a form with at most one file.

    Args:
        request: whose body is read.

    Returns:
        What it said.

    Raises:
        Problem: `photo_too_large`, `body_too_large`, `nul_character` or `bad_request`.
    """
    boundary = _BOUNDARY.match(request.headers.get("content-type", ""))
    if boundary is None:
        raise _MISREAD
    most = FILE_MOST + _WORDS_MOST
    try:
        body = await read_body(request.receive, header(request.scope, b"content-length"), most)
    except Problem as problem:
        if problem.code != "body_too_large":
            raise
        # Words are far shorter: what is too long is the file.
        raise too_large() from None
    return take_apart(body, (boundary[1] or boundary[2]).encode("latin-1", "replace"))


def take_apart(body: bytes, boundary: bytes) -> Parcel:
    """Take a form apart.

    Args:
        body: the whole of it.
        boundary: what stands between its parts, without the dashes.

    Returns:
        What it said.

    Raises:
        Problem: `photo_too_large`, `body_too_large`, `nul_character` or `bad_request`.
    """
    first, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary, _PARTS_MOST + 2)
    if first.strip() or not parts or not parts[-1].startswith(b"--") or len(parts) > _PARTS_MOST:
        raise _MISREAD
    fields: dict[str, str] = {}
    file = b""
    for part in parts[:-1]:
        named, content = _part(part)
        if "filename" in named:
            if content and file:
                raise _MISREAD
            file = file or content
        else:
            fields.setdefault(named["name"], _words(content))
    if len(file) > FILE_MOST:
        raise too_large()
    if sum(map(len, fields.values())) > _WORDS_MOST:
        raise Problem("body_too_large", f"the words of a form have at most {_WORDS_MOST} letters")
    return Parcel(fields, file)


def too_large() -> Problem:
    """Say that a photo is too large.

    Returns:
        `photo_too_large`.
    """
    return Problem.at("/photo", "photo_too_large", f"a photo has at most {FILE_MOST // 1024 // 1024} MiB")


def _part(part: bytes) -> tuple[dict[str, str], bytes]:
    head, gap, content = part.partition(b"\r\n\r\n")
    if not gap or not head.startswith(b"\r\n") or len(head) > _HEAD_MOST:
        raise _MISREAD
    said = _NAMED.search(head.decode("utf-8", "replace").replace("\r\n", "\n"))
    named = {name: unquote(value) for name, value in _PARAMETER.findall(said[1] if said else "")}
    if "name" not in named:
        raise _MISREAD
    return named, content


def _words(content: bytes) -> str:
    try:
        words = content.decode("utf-8")
    except UnicodeDecodeError:
        raise _MISREAD from None
    if "\0" in words:
        raise Problem("nul_character", "a form holds no NUL characters; nothing was changed")
    # Browsers send the ends of lines of what is typed as two characters.
    return words.replace("\r\n", "\n").strip()
