"""The keys of access tokens as every shop may read them, without a key of its own."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Request, Response

from guerdon.base.errors import Problem
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import tenant_id_of
from guerdon.rewards.access_keys import load_signer
from guerdon.web.api.coupons.misses import refuse_names
from guerdon.web.house import Premises
from guerdon.wiring import House

ROUTER: Final = APIRouter(include_in_schema=False)
_REMEMBERED_SECONDS: Final = 2.0
_REMEMBERED: Final = 1_000
_HEADERS: Final = {
    # Shops keep a key for five minutes: so long a new one signs before they know it, and they ask again then.
    "cache-control": "public, max-age=300",
    "access-control-allow-origin": "*",
}


class PublicKeys:
    """Keys that everybody may read, asked of the database at most every two seconds for each program."""

    def __init__(self, house: House) -> None:
        """Begin with nothing.

        Args:
            house: whose.
        """
        self._house = house
        self._known: dict[tuple[str, str], tuple[float, bytes | None]] = {}

    def find(self, tenant: str, program: str) -> bytes | None:
        """Find the keys of a program.

        Args:
            tenant: the tenant's key.
            program: the program's.

        Returns:
            A JSON Web Key Set, None where there is no such program.

        Raises:
            Problem: `database_unavailable`.
        """
        name = (tenant, program)
        known = self._known.get(name)
        if known is None or known[0] < time.monotonic():
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = (time.monotonic() + _REMEMBERED_SECONDS, self._load(tenant, program))
            self._known[name] = known
        return known[1]

    def _load(self, tenant: str, program: str) -> bytes | None:
        try:
            tenant_id = tenant_id_of(tenant)
        except Problem:
            return None
        with self._house.database.transaction(tenant_id) as tx:
            found = {one.key: one.program_id for one in list_programs(tx)}.get(program)
            if found is None:
                return None
            digest = self._house.vault(tenant_id).digest
            signer = load_signer(tx, digest, (found, program), datetime.now(UTC))
        return msgspec.json.encode({"keys": signer.public()})


@ROUTER.get("/access/{tenant}/{program}/keys.json")
async def keys(request: Request, tenant: str, program: str) -> Response:
    """A JSON Web Key Set (RFC 7517) with each key whose tokens are good."""
    premises: Premises = request.app.state.premises
    known: PublicKeys = request.app.state.access_keys
    limits, name = premises.doorkeeper.limits, f"keys from {premises.doorkeeper.address_of(request.scope)}"
    refuse_names(limits, [name])
    limits.count_miss(name)
    found = await to_thread.run_sync(known.find, tenant, program)
    if found is None:
        raise Problem("program_not_found", "there is no such program")
    return Response(found, media_type="application/jwk-set+json", headers=_HEADERS)
