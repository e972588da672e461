"""Photos at addresses of their own: for anybody, as long as their post is shown."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final, NamedTuple

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
from guerdon.wiring import House

PATH: Final = "/photos"
ROUTER: Final = APIRouter(include_in_schema=False)
_AT_A_TIME: Final = 2
_READING: Final[RunVar[CapacityLimiter]] = RunVar("photos that are read")
NO_PHOTO: Final = Problem("photo_not_found", "there is no such photo, or it is not shown any more")
HEADERS: Final = {
    "cache-control": "public, max-age=300",
    "content-security-policy": "default-src 'none'; sandbox",
    "content-disposition": 'inline; filename="photo.jpg"',
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of a picture that a stranger sent, though it was written anew: a browser takes it for nothing else."""


class PhotoLinks(NamedTuple):
    """Addresses of photos of one kind, which nobody can guess."""

    purpose: str
    """What the tenant's key signs them for."""
    noun: str
    """The short word in front of the thing's number."""
    mark_bytes: int

    def token(self, vault: Vault, program_id: int, number: int) -> str:
        """Write the name of a photo.

        Args:
            vault: the tenant's keys.
            program_id: of which program.
            number: of the thing that the photo shows.

        Returns:
            The numbers and a mark.
        """
        names = f"{number_text('t', vault.tenant_id)}.{number_text('p', program_id)}"
        names = f"{names}.{number_text(self.noun, number)}"
        return f"{names}.{self._mark(vault, names)}"

    def read(self, house: House, token: str) -> tuple[Vault, int, int]:
        """Read the name of a photo.

        Args:
            house: whose tenants.
            token: as `token` wrote it.

        Returns:
            The tenant's keys, the program and the number of the thing.

        Raises:
            Problem: `photo_not_found` for anything else.
        """
        names, _, mark = token.rpartition(".")
        nouns = ("t", "p", self.noun)
        numbers = [parse_number(*one) for one in zip(nouns, names.split("."), strict=False)]
        if len(numbers) != len(nouns) or None in numbers:
            raise NO_PHOTO
        tenant_id, program_id, number = (one or 0 for one in numbers)
        vault = house.vault(tenant_id)
        if not hmac.compare_digest(self._mark(vault, names).encode(), mark.encode("utf-8", "replace")):
            raise NO_PHOTO
        return vault, program_id, number

    def _mark(self, vault: Vault, names: str) -> str:
        digest = vault.digest(self.purpose, names)[: self.mark_bytes]
        return base64.urlsafe_b64encode(digest).decode("ascii")


_LINKS: Final = PhotoLinks("photo link", "post", 12)


def photo_path(vault: Vault, program_id: int, post_id: int) -> str:
    """Tell where a photo is.

    Args:
        vault: the tenant's keys.
        program_id: of which program.
        post_id: of which post.

    Returns:
        A path that nobody can guess.
    """
    return f"{PATH}/{_LINKS.token(vault, program_id, post_id)}"


@ROUTER.get(f"{PATH}/{{token}}")
def photo(request: Request, token: str) -> Response:
    """Give the picture of a post that is shown; 404 for all others."""
    premises: Premises = request.app.state.premises
    vault, program_id, post_id = _LINKS.read(premises.house, token)
    with premises.house.database.transaction(vault.tenant_id) as tx:
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
        raise NO_PHOTO
    keys = load_keys(tx, vault, place[0], [one.member_id])
    if one.member_id not in keys:
        raise NO_PHOTO
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
