"""Photos at addresses of their own: for anybody, as long as their post is shown."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Request, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.circles.posts.photos import find_photo, open_photo
from guerdon.circles.posts.rows import find_post
from guerdon.infra.pictures.photos import MOST_BYTES, Picture, rewrite
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.states import load_keys
from guerdon.web.front import header
from guerdon.web.house import Premises

PATH: Final = "/photos"
ROUTER: Final = APIRouter(include_in_schema=False)
_KIND: Final = "photo link"
_MARK_BYTES: Final = 12
_AT_A_TIME: Final = 2
_READING: Final[RunVar[CapacityLimiter]] = RunVar("photos that are read")
_GONE: Final = Problem("photo_not_found", "there is no such photo, or it is not shown any more")
HEADERS: Final = {
    "cache-control": "public, max-age=300",
    "content-security-policy": "default-src 'none'; sandbox",
    "content-disposition": 'inline; filename="photo.jpg"',
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of a picture that a stranger sent, though it was written anew: a browser takes it for nothing else."""


def photo_path(vault: Vault, program_id: int, post_id: int) -> str:
    """Tell where a photo is.

    Args:
        vault: the tenant's keys.
        program_id: of which program.
        post_id: of which post.

    Returns:
        A path that nobody can guess.
    """
    names = (
        f"{number_text('t', vault.tenant_id)}.{number_text('p', program_id)}.{number_text('post', post_id)}"
    )
    return f"{PATH}/{names}.{_mark(vault, names)}"


@ROUTER.get(f"{PATH}/{{token}}")
def photo(request: Request, token: str) -> Response:
    """Give the picture of a post that is shown; 404 for all others."""
    premises: Premises = request.app.state.premises
    names, _, mark = token.rpartition(".")
    numbers = [parse_number(*one) for one in zip(("t", "p", "post"), names.split("."), strict=False)]
    if len(numbers) != 3 or None in numbers:
        raise _GONE
    tenant_id, program_id, post_id = (number or 0 for number in numbers)
    vault = premises.house.vault(tenant_id)
    if not hmac.compare_digest(_mark(vault, names).encode(), mark.encode("utf-8", "replace")):
        raise _GONE
    with premises.house.database.transaction(tenant_id) as tx:
        found = load_photo(tx, vault, (program_id, post_id), shown_only=True)
    tag = f'"{found[0]}"'
    if (header(request.scope, b"if-none-match") or b"").decode("latin-1") == tag:
        return Response(status_code=304, headers={**HEADERS, "etag": tag})
    return Response(found[1], media_type="image/jpeg", headers={**HEADERS, "etag": tag})


def load_photo(tx: Tx, vault: Vault, place: tuple[int, int], *, shown_only: bool) -> tuple[str, bytes]:
    """Read the photo of a post.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        place: program and post.
        shown_only: whether the post must be shown; staff sees others too.

    Returns:
        Its mark in hexadecimal, and the file.

    Raises:
        Problem: `photo_not_found`.
    """
    one = find_post(tx, *place)
    kept = find_photo(tx, place)
    if one is None or kept is None or (shown_only and one.state != "shown"):
        raise _GONE
    keys = load_keys(tx, vault, place[0], [one.member_id])
    if one.member_id not in keys:
        raise _GONE
    return kept.hash[:16].hex(), open_photo(keys[one.member_id][1], place[1], kept.sealed)


def read_photo(text: str) -> bytes:
    """Read a photo out of a JSON body.

    Args:
        text: base64.

    Returns:
        The file as it was sent.

    Raises:
        Problem: `photo_unreadable`.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Problem.at("/photo", "photo_unreadable", "a photo is base64 of its file") from None


async def write_anew(data: bytes, most: int = MOST_BYTES) -> Picture:
    """Write a photo anew; few are read at once, for each takes some hundred megabytes while it is.

    Args:
        data: the file as it was sent.
        most: bytes that it may have.

    Returns:
        The picture.

    Raises:
        Problem: `photo_too_large`, `photo_too_small` or `photo_unreadable`.
    """
    limiter = _READING.get(None)
    if limiter is None:
        limiter = CapacityLimiter(_AT_A_TIME)
        _READING.set(limiter)
    return await to_thread.run_sync(rewrite, data, most, limiter=limiter)


def _mark(vault: Vault, names: str) -> str:
    mark = vault.digest(_KIND, names)[:_MARK_BYTES]
    return base64.urlsafe_b64encode(mark).decode("ascii")
