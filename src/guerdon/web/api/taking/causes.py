"""Causes with what came together for them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from guerdon.base.exact import scaled_text, to_scaled
from guerdon.rewards.causes import Total, load_totals
from guerdon.rules.program import Program
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.shapes import Answered
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Rewards"])
Reading = Annotated[Call, Depends(admitted("rewards:read"))]


class CauseShape(Answered, frozen=True):
    """A cause."""

    key: str
    name: str
    charity: str | None
    """Who gets the money."""
    currency: str
    given: str
    """Money that members gave."""
    matched: str
    """Money that the shop put on top."""
    total: str
    donations: int
    """How many donations stand."""
    target: str | None
    """How much is to come together."""
    match_left: str | None
    """How much the shop still puts on top; null without end."""
    rewards: Sequence[str]
    """By which rewards one gives to it."""


class Causes(Answered, frozen=True):
    """The causes of a program."""

    data: Sequence[CauseShape]
    next: str | None


@ROUTER.get("/v1/programs/{program}/causes", summary="Causes and their totals", **operation(Causes))
def causes(call: Reading, program: str) -> Response:
    """What members gave and the shop put on top, to the cent; what was given back is not in it."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        keys = sorted({*live.program.definition.causes, *_given_to(live.program)})
        totals = load_totals(tx, live.program_id, keys)
    return answer(Causes(data=[_shown(live.program, key, totals[key]) for key in keys], next=None))


def _given_to(program: Program) -> set[str]:
    return {one.gift.cause for one in program.rewards.values() if one.gift is not None}


def _shown(program: Program, key: str, total: Total) -> CauseShape:
    written = program.definition.causes.get(key)
    languages = program.definition.languages
    name, charity, target, most = key, None, None, None
    if written is not None:
        charity, target, most = written.charity, written.target, written.match_at_most
        if written.name is not None:
            name = written.name.in_language(languages[0] if languages else "en", languages)

    def money(amount: Decimal) -> str:
        return scaled_text(to_scaled(amount, program.digits), program.digits)

    return CauseShape(
        key=key,
        name=name,
        charity=charity,
        currency=program.currency,
        given=money(total.given),
        matched=money(total.matched),
        total=money(total.given + total.matched),
        donations=total.donations,
        target=money(target) if target is not None else None,
        match_left=money(max(most - total.matched, Decimal(0))) if most is not None else None,
        rewards=[one.key for one in program.rewards.values() if one.gift and one.gift.cause == key],
    )
