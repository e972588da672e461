"""Time at once: a server books it by itself every few seconds, but for sandboxes with their own clocks."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from guerdon.engine.ticks import run_due_of
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.shapes import Answered
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Upkeep"])
Writing = Annotated[Call, Depends(admitted("programs:write"))]


class Ticked(Answered, frozen=True):
    """What time has done."""

    accounts: int
    """How many were booked up to now."""


@ROUTER.post("/v1/ticks", summary="Book what time has done", **operation(Ticked))
def tick(call: Writing) -> Response:
    """Units that came or expired, reviews, birthdays and anniversaries, what waits to be told; once each.

    A sandbox does so at the instant of `Guerdon-Now`.
    """
    return answer(
        Ticked(accounts=run_due_of(call.house.database, call.house.engine, call.tenant_id, call.now))
    )
