"""Anchors of the log: where heads were told to the outside, and stamps to take along."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.connect.chain.keeper import anchor_now, hurry
from guerdon.connect.chain.stamping import write_file
from guerdon.connect.chain.stored import Anchor, list_anchors
from guerdon.ledger import log
from guerdon.programs.audit import Act, record
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Log and proofs"])
Reading = Annotated[Call, Depends(admitted("accounts:read"))]
Anchoring = Annotated[Call, Depends(admitted("keys:write"))]
_FIRST: Final = (2**62, "")


class AnchorShape(msgspec.Struct, frozen=True):
    """A head of the log that was told to the outside, or is about to be."""

    place: str
    """A contract on a chain as `eip155:1:0x…`, or a time-stamp authority as `rfc3161:host/path`."""
    size: int
    """Transactions in the log."""
    root: str
    """Its root in hex."""
    state: str
    """`asked`, `sent`, `mined`, `final`, `lost` (off the chain again), or `passed`: a later one covers it."""
    asked_at: datetime
    transaction: str | None
    """On a chain: its hash in hex."""
    block_number: int | None
    block_hash: str | None
    stamped_at: datetime | None
    """The time that the block or the stamp says."""
    final_at: datetime | None
    times_sent: int
    times_lost: int
    problem: str | None
    """What last went wrong with it."""


class Anchors(msgspec.Struct, frozen=True):
    """A page of anchors, the greatest heads first."""

    data: list[AnchorShape]
    next: str | None


class Anchored(msgspec.Struct, frozen=True):
    """What is on its way, or covers the log as it is, by place."""

    data: list[AnchorShape]


@ROUTER.get("/v1/programs/{program}/log/anchors", summary="Where heads were anchored", **operation(Anchors))
def anchors(call: Reading, program: str, wanted: Paged) -> Response:
    """The greatest first. What a chain says counts more: `guerdon verify --anchor` asks it."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        before = wanted.after(tuple[int, str]) or _FIRST
        rows = list_anchors(tx, live.program_id, before, wanted.limit + 1)
    return listing(rows, wanted, lambda one: (one.size, one.place), _shape)


@ROUTER.post(
    "/v1/programs/{program}/log/anchors",
    summary="Anchor the newest head now",
    **operation(Anchored, status=202),
)
def anchor(call: Anchoring, program: str) -> Response:
    """Sign the log as far as it is, and have that told to each place of the settings without waiting.

    The answer tells what is on its way to each place: an earlier one may have to arrive first. What the log
    holds was told already where nothing happened since.
    """
    # By the clock on the wall also where a sandbox's call has another: so the sequencer signs too.
    now, signer = datetime.now(UTC), call.house.signer(call.tenant_id)
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        log.sign_on_demand(tx, signer, live.program_id, log.origin_of(tx, program), now)
        found = anchor_now(tx, call.house.settings, live.program_id, now)
        act = Act(call.now, call.caller.actor, "anchor.asked", f"program:{program}", live.program_id)
        record(tx, act, call.house.ids)
    hurry(call.house.rounds)
    return answer(Anchored([_shape(one) for one in found]), 202)


@ROUTER.get(
    "/v1/programs/{program}/log/anchors/{size}/stamp",
    summary="A stamped head as a file",
    **operation(dict[str, Any]),
)
def stamp(call: Reading, program: str, size: int, place: Annotated[str | None, Query()] = None) -> Response:
    """The signed head of `size` with its stamp, for `guerdon anchor check` and `guerdon verify --anchor`.

    Keep it somewhere else. `place` chooses where several authorities stamped the same head.
    """
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        signed = log.find_signed(tx, live.program_id, size)
        rows = list_anchors(tx, live.program_id, (size + 1, ""), 100) if 0 < size < _FIRST[0] else []
        found = [
            one for one in rows if one.size == size and one.token is not None and place in (None, one.place)
        ]
    if signed is None or not found:
        detail = f"no head of {size} transactions was stamped; see log/anchors"
        raise Problem.at("/size", "stamp_not_found", detail)
    assert found[0].token is not None, "chosen above"
    said = answer(msgspec.json.decode(write_file(signed.note, found[0].token)))
    said.headers["content-disposition"] = f'attachment; filename="stamp-{size}.json"'
    return said


def _shape(one: Anchor) -> AnchorShape:
    return AnchorShape(
        place=one.place,
        size=one.size,
        root=one.root.hex(),
        state=one.state,
        asked_at=one.asked_at,
        transaction="0x" + one.sent[-1].hex() if one.sent else None,
        block_number=one.block_number,
        block_hash=None if one.block_hash is None else "0x" + one.block_hash.hex(),
        stamped_at=one.stamped_at,
        final_at=one.final_at,
        times_sent=one.times_sent,
        times_lost=one.times_lost,
        problem=one.fault or None,
    )
