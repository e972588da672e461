"""Proofs: the log and its head, keys, witnesses and anchors, and a head or an anchor on demand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.connect.chain.keeper import anchor_now, hurry, list_places
from guerdon.connect.chain.stored import list_anchors
from guerdon.connect.witness.pushes import list_cosigned, list_pushes
from guerdon.connect.witness.watching import list_alarms, list_watched
from guerdon.infra.tx import Tx
from guerdon.ledger import log
from guerdon.programs.audit import Act, record
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Signing = Annotated[Visit, Depends(entitled("jobs:run"))]
PATH: Final = "/console/p/{program}/proofs"
_SHOWN: Final = 6
_WATCHED: Final = 20
_LAST: Final = 2**62


@ROUTER.get(PATH)
def proofs(visit: Visitor, program: str, said: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Show how far the log is, and who outside knows it."""
    return _page(visit, program, said=said)


@ROUTER.post(PATH)
def act(visit: Signing, program: str) -> Response:
    """Sign a head, or have one anchored."""
    wanted = visit.field("act", 20)
    # By the clock on the wall also in a sandbox: so the sequencer signs too.
    now, signer = datetime.now(UTC), visit.house.signer(visit.tenant_id)
    try:
        if wanted not in ("sign", "anchor"):
            raise Problem("form_stale", "This form cannot be used. Open the page again.")
        with visit.transaction() as tx:
            program_id = visit.house.live(tx, program).program_id
            signed = log.sign_on_demand(tx, signer, program_id, log.origin_of(tx, program), now)
            if wanted == "anchor":
                anchor_now(tx, visit.house.settings, program_id, now)
            action = "log.signed" if wanted == "sign" else "anchor.asked"
            detail = {"size": signed.size}
            about = Act(visit.now, visit.staff.actor, action, f"program:{program}", program_id, detail)
            record(tx, about, visit.house.ids)
    except Problem as problem:
        if problem.code == "program_not_found":
            raise
        return _page(visit, program, problem=problem)
    if wanted == "anchor":
        hurry(visit.house.rounds)
    return visit.go(f"/console/p/{program}/proofs?said={wanted}")


def _page(visit: Visit, program: str, *, said: str = "", problem: Problem | None = None) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        seen = _seen(tx, visit, opened)
    return visit.page(
        "proofs.html",
        200 if problem is None else 409,
        **framed(opened, "proofs"),
        **seen,
        said=said if said in ("sign", "anchor") else "",
        problem=problem,
    )


def _seen(tx: Tx, visit: Visit, opened: Opened) -> dict[str, Any]:
    key, program_id = opened.program.key, opened.live.program_id
    published = log.origin_of(tx, key).removeprefix("guerdon/")
    settings = visit.house.settings
    cosigned = list_cosigned(tx, program_id)
    return {
        "address": f"/log/{published}/checkpoint" if settings.publish_logs else "",
        "head": log.load_head(tx, program_id),
        "heads": log.list_signed(tx, program_id, _LAST, _SHOWN),
        "keys": log.list_keys(tx, program_id)[::-1],
        "witnesses": [(one, cosigned.get(one.witness)) for one in list_pushes(tx, key)],
        "tells_witnesses": settings.witnesses is not None,
        "anchors": list_anchors(tx, program_id, (_LAST, ""), _SHOWN),
        "places": list_places(settings),
        "watched": list_watched(tx, "", _WATCHED),
        "alarms": [one for one in list_alarms(tx, _LAST, _WATCHED) if one.settled_at is None],
    }
