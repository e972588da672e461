"""The keys of access tokens as every shop may read them, without a key of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.rewards.access_keys import load_signer
from guerdon.web.api.log.remembering import Remembering, ask
from guerdon.wiring import House

ROUTER: Final = APIRouter(include_in_schema=False)
_HEADERS: Final = {
    # Shops keep a key for five minutes: so long a new one signs before they know it, and they ask again then.
    "cache-control": "public, max-age=300",
    "access-control-allow-origin": "*",
}


def public_keys(house: House) -> Remembering[bytes]:
    """Publish the keys of all programs.

    Args:
        house: whose.

    Returns:
        By tenant and program a JSON Web Key Set.
    """

    def load(tx: Tx, tenant_id: int, program: tuple[int, str]) -> bytes:
        signer = load_signer(tx, house.vault(tenant_id).digest, program, datetime.now(UTC))
        return msgspec.json.encode({"keys": signer.public()})

    return Remembering(house, load)


@ROUTER.get("/access/{tenant}/{program}/keys.json")
async def keys(request: Request, tenant: str, program: str) -> Response:
    """A JSON Web Key Set (RFC 7517) with each key whose tokens are good."""
    found = await ask(request, request.app.state.access_keys, "keys", (tenant, program))
    if found is None:
        raise Problem("program_not_found", "there is no such program")
    return Response(found, media_type="application/jwk-set+json", headers=_HEADERS)
