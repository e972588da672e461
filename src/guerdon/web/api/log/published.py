"""The log as everybody may read it, without a key: its newest head, and the keys that sign it."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from fastapi import APIRouter, Request, Response

from guerdon.base.errors import Problem
from guerdon.connect.witness.pushes import cosignatures_of
from guerdon.infra.tx import Tx
from guerdon.ledger import log
from guerdon.web.api.log.remembering import Remembering, ask
from guerdon.web.front import header
from guerdon.wiring import House

ROUTER: Final = APIRouter(include_in_schema=False)
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


def public_logs(house: House) -> Remembering[Published]:
    """Publish the logs of all programs, where the settings say so.

    Args:
        house: whose.

    Returns:
        By tenant and program what everybody may read.
    """

    def load(tx: Tx, _: int, program: tuple[int, str]) -> Published | None:
        return _published(tx, program[0]) if house.settings.publish_logs else None

    return Remembering(house, load)


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
    logs: Remembering[Published] = request.app.state.logs
    found = await ask(request, logs, "log", (tenant, program))
    if found is None or not found.checkpoint:
        raise Problem("log_not_found", "no log is published at this address")
    return found


def _text(request: Request, text: str) -> Response:
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {**_HEADERS, "etag": tag}
    if header(request.scope, b"if-none-match") == tag.encode():
        return Response(status_code=304, headers=headers)
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)
