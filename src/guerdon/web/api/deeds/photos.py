"""Photos of deeds at addresses of their own, which whoever judges them is told."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from guerdon.members.crypto import Vault
from guerdon.members.states import load_keys
from guerdon.rewards.deeds.photos import open_photo
from guerdon.rewards.deeds.queue import get
from guerdon.web.api.community.photos import HEADERS, NO_PHOTO, PhotoLinks
from guerdon.web.house import Premises

PATH: Final = "/deeds"
ROUTER: Final = APIRouter(include_in_schema=False)
_LINKS: Final = PhotoLinks("deed photo link", "ded", 18)
_PRIVATE: Final = {
    **HEADERS,
    "cache-control": "private, no-store",
    "cross-origin-resource-policy": "same-origin",
}


def deed_photo_path(vault: Vault, program_id: int, deed_id: int) -> str:
    """Tell where the photo of a deed is.

    Args:
        vault: the tenant's keys.
        program_id: of which program.
        deed_id: of which deed.

    Returns:
        A path that nobody can guess; it is told to whoever may read deeds.
    """
    return f"{PATH}/{_LINKS.token(vault, program_id, deed_id)}/photo"


@ROUTER.get(f"{PATH}/{{token}}/photo")
def photo(request: Request, token: str) -> Response:
    """Give the picture as long as its member was not erased."""
    premises: Premises = request.app.state.premises
    vault, program_id, deed_id = _LINKS.read(premises.house, token)
    with premises.house.database.transaction(vault.tenant_id) as tx:
        deed = get(tx, program_id, deed_id)
        keys = load_keys(tx, vault, program_id, [deed.member_id])
        found = open_photo(tx, keys[deed.member_id][1], (program_id, deed_id)) if keys else None
    if found is None:
        raise NO_PHOTO
    return Response(found.data, media_type="image/jpeg", headers=_PRIVATE)
