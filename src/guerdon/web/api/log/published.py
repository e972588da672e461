"""The log as everybody may read it, without a key: its newest head, and the keys that sign it."""

from __future__ import annotations

import hashlib
import time
from typing import Final, NamedTuple

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from guerdon.base.errors import Problem
from guerdon.connect.witness.pushes import cosignatures_of
from guerdon.infra.tx import Tx
from guerdon.ledger import log
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.api.coupons.misses import refuse_names
from guerdon.web.front import header
from guerdon.web.house import Premises
from guerdon.wiring import House

ROUTER: Final = APIRouter(include_in_schema=False)
_REMEMBERED_SECONDS: Final = 2.0
_REMEMBERED: Final = 1_000
_HEADERS: Final = {
    "cache-control": "public, max-age=5",
    # Proofs are checked on pages of other houses too, and everybody may read this.
    "access-control-allow-origin": "*",
}


class Published(NamedTuple):
    """What everybody may read of a log."""

    checkpoint: str
    """The newest signed head, with the signatures of witnesses; empty before the first."""
    keys: str
    """A key on a line, the present one last."""


class PublicLogs:
    """What is published, asked of the database at most every two seconds for each log."""

    def __init__(self, house: House) -> None:
        """Begin with nothing.

        Args:
            house: whose logs.
        """
        self._house = house
        self._known: dict[tuple[str, str], tuple[float, Published | None]] = {}

    def find(self, tenant: str, program: str) -> Published | None:
        """Find what is published of a log.

        Args:
            tenant: the tenant's key.
            program: the program's.

        Returns:
            It, None where there is no such log or it is published to nobody.

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

    def _load(self, tenant: str, program: str) -> Published | None:
        if not self._house.settings.publish_logs:
            return None
        try:
            tenant_id = tenant_id_of(tenant)
        except Problem:
            return None
        with self._house.database.transaction(tenant_id) as tx:
            found = {one.key: one.program_id for one in list_programs(tx)}.get(program)
            return None if found is None else _published(tx, found)


def _published(tx: Tx, program_id: int) -> Published:
    signed = log.find_last_signed(tx, program_id)
    note = ""
    if signed is not None:
        note = signed.note + "".join(cosignatures_of(tx, program_id, signed.size))
    keys = "".join(one.note_key.text + "\n" for one in log.list_keys(tx, program_id))
    return Published(note, keys)


@ROUTER.get("/log/{tenant}/{program}/checkpoint")
async def checkpoint(request: Request, tenant: str, program: str) -> Response:
    """The newest signed head as a signed note (C2SP tlog-checkpoint)."""
    found = await _found(request, tenant, program)
    return _text(request, found.checkpoint)


@ROUTER.get("/log/{tenant}/{program}/keys")
async def keys(request: Request, tenant: str, program: str) -> Response:
    """Each key that ever signed, on a line; the present one is the last."""
    found = await _found(request, tenant, program)
    return _text(request, found.keys)


async def _found(request: Request, tenant: str, program: str) -> Published:
    premises: Premises = request.app.state.premises
    logs: PublicLogs = request.app.state.logs
    limits, name = premises.doorkeeper.limits, f"log from {premises.doorkeeper.address_of(request.scope)}"
    refuse_names(limits, [name])
    limits.count_miss(name)
    found = await to_thread.run_sync(logs.find, tenant, program)
    if found is None or not found.checkpoint:
        raise Problem("log_not_found", "no log is published at this address")
    return found


def _text(request: Request, text: str) -> Response:
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {**_HEADERS, "etag": tag}
    if header(request.scope, b"if-none-match") == tag.encode():
        return Response(status_code=304, headers=headers)
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)
