"""Tiers that operators give and take back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Final

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import EndTier, GiveTier
from guerdon.members.identities import parse_ref
from guerdon.programs.audit import Act, list_acts, record
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.shapes.members import TierGiven
from guerdon.web.api.standing import show_standing
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Members"])
Writing = Annotated[Call, Depends(admitted("accounts:write"))]
_TIERS: Final = "/v1/programs/{program}/members/{ref:path}/tiers"


class TierGiving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tier that an operator gives."""

    ladder: str
    tier: str
    reason: str
    """Why; it names no person, for it stays when the person is erased."""
    until: datetime | None = None
    """From this instant on it is given no more; only tiers by invitation can do without."""


class TierEnding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a tier that was given is taken back."""

    reason: str


@ROUTER.post(_TIERS, summary="Give a tier", **operation(TierGiven, body=TierGiving, status=201))
async def give(call: Writing, program: str, ref: str) -> Response:
    """A match with a tier elsewhere, or an invitation: never below what is earned; the last one counts."""
    asked = call.read(TierGiving)
    said = await call.ask(
        GiveTier(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            member=parse_ref(ref),
            ladder=asked.ladder,
            tier=asked.tier,
            until=asked.until,
            reason=asked.reason,
            by=call.caller.actor,
        )
    )
    until = asked.until.isoformat() if asked.until is not None else None
    detail = {"ladder": asked.ladder, "tier": asked.tier, "until": until, "reason": asked.reason}
    shown = partial(_shown, call, (program, asked.ladder), said, ("tier.given", detail))
    return answer(await to_thread.run_sync(shown), 201)


@ROUTER.post(
    f"{_TIERS}/{{ladder}}/end",
    summary="Take back a tier that was given",
    **operation(TierGiven, body=TierEnding),
)
async def end(call: Writing, program: str, ref: str, ladder: str) -> Response:
    """What is earned stays."""
    asked = call.read(TierEnding)
    said = await call.ask(
        EndTier(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            member=parse_ref(ref),
            ladder=ladder,
            reason=asked.reason,
            by=call.caller.actor,
        )
    )
    detail = {"ladder": ladder, "reason": asked.reason}
    shown = partial(_shown, call, (program, ladder), said, ("tier.ended", detail))
    return answer(await to_thread.run_sync(shown))


def _shown(
    call: Call, names: tuple[str, str], said: Answer, act: tuple[str, Mapping[str, object]]
) -> TierGiven:
    """Note the act for auditors, once however often it is asked, and show what holds now."""
    program, ladder = names
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        if all(row.act.detail.get("event") != said.id for row in list_acts(tx, about=said.account)):
            told = {**act[1], "event": said.id}
            what = Act(call.now, call.caller.actor, act[0], said.account, live.program_id, told)
            record(tx, what, call.house.ids)
        standing = show_standing(tx, live.program, parse_number("acc", said.account) or 0, call.now)
    return TierGiven(account=said.account, ladder=ladder, standing=standing.tiers[ladder])
