"""Explanations: why an order or an event did what it did, decided once more from what was stored."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from guerdon.engine.audit.explanations import explain_stored
from guerdon.engine.events import find_orders
from guerdon.rules.explain import as_data
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.events import only_one
from guerdon.web.api.finding import find_events
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Events and orders"])
Reading = Annotated[Call, Depends(admitted("events:read"))]


@ROUTER.get(
    "/v1/programs/{program}/orders/{order:path}/explanation",
    summary="Why an order earned what it did",
    **operation(dict[str, Any]),
)
def explanation(
    call: Reading, program: str, order: str, source: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """The version that decided, what was read, an outcome for every campaign, the arithmetic of each award.

    It is run again from what was stored; `differences` is empty where the same comes out.
    """
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        stored = only_one(find_orders(tx, live.program_id, order, source), "order")
        told = explain_stored(tx, call.house.vault(call.tenant_id), program, stored)
    return answer(as_data(told))


@ROUTER.get(
    "/v1/programs/{program}/events/{event:path}/explanation",
    summary="Why an event did what it did",
    **operation(dict[str, Any]),
)
def event_explanation(
    call: Reading, program: str, event: str, source: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """As for an order, and for everything else that was decided.

    That is an event of any type, a redemption, a correction, what time did in the night. `event` is the id
    that its sender gave it, or ours.
    """
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        stored = only_one(find_events(tx, live.program_id, event, source), "event")
        told = explain_stored(tx, call.house.vault(call.tenant_id), program, stored)
    return answer(as_data(told))
