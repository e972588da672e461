"""Photos of deeds at addresses of their own, which whoever judges them is told."""

from __future__ import annotations

import base64
import hmac
from typing import Final

from fastapi import APIRouter, Request, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.members.crypto import Vault
from guerdon.members.states import load_keys
from guerdon.rewards.deeds.photos import open_photo
from guerdon.rewards.deeds.queue import get
from guerdon.web.api.community.photos import HEADERS
from guerdon.web.house import Premises

PATH: Final = "/deeds"
ROUTER: Final = APIRouter(include_in_schema=False)
_KIND: Final = "deed photo link"
_MARK_BYTES: Final = 18
_GONE: Final = Problem("photo_not_found", "there is no such photo, or it is not shown any more")
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
    names = (
        f"{number_text('t', vault.tenant_id)}.{number_text('p', program_id)}.{number_text('ded', deed_id)}"
    )
    return f"{PATH}/{names}.{_mark(vault, names)}/photo"


@ROUTER.get(f"{PATH}/{{token}}/photo")
def photo(request: Request, token: str) -> Response:
    """Give the picture as long as its member was not erased."""
    premises: Premises = request.app.state.premises
    names, _, mark = token.rpartition(".")
    numbers = [parse_number(*one) for one in zip(("t", "p", "ded"), names.split("."), strict=False)]
    if len(numbers) != 3 or None in numbers:
        raise _GONE
    tenant_id, program_id, deed_id = (number or 0 for number in numbers)
    vault = premises.house.vault(tenant_id)
    if not hmac.compare_digest(_mark(vault, names).encode(), mark.encode("utf-8", "replace")):
        raise _GONE
    with premises.house.database.transaction(tenant_id) as tx:
        deed = get(tx, program_id, deed_id)
        keys = load_keys(tx, vault, program_id, [deed.member_id])
        found = open_photo(tx, keys[deed.member_id][1], (program_id, deed_id)) if keys else None
    if found is None:
        raise _GONE
    return Response(found.data, media_type="image/jpeg", headers=_PRIVATE)


def _mark(vault: Vault, names: str) -> str:
    return base64.urlsafe_b64encode(vault.digest(_KIND, names)[:_MARK_BYTES]).decode("ascii")
