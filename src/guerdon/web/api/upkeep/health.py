"""Does it live, is it ready, what does it count, and how is the API described."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from guerdon.base.errors import Problem
from guerdon.web.api.calls.call import answer
from guerdon.web.api.shapes.programs import Health
from guerdon.web.house import Premises
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Upkeep"])


@ROUTER.get("/healthz", summary="Does the process live?", **operation(Health))
async def healthz() -> Response:
    """Answers whatever the state of engine and database."""
    return answer(Health(status="alive"))


@ROUTER.get("/readyz", summary="Does the engine answer?", **operation(Health))
async def readyz(request: Request) -> Response:
    """Says 200 only when the database can be read and the engine's loop answers; else 503."""
    premises: Premises = request.app.state.premises
    if premises.stopping:
        raise Problem("not_ready", "the server is being stopped")
    if not await premises.is_ready():
        raise Problem("not_ready", "the engine does not answer yet")
    return answer(Health(status="ready"))


@ROUTER.get("/metrics", summary="Figures for Prometheus", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Figures in Prometheus' text format; those of the database are at most ten seconds old."""
    premises: Premises = request.app.state.premises
    await premises.telemetry.standing.look()
    text = premises.telemetry.exposition(premises.house.engine.waiting)
    return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})


@ROUTER.get("/openapi.json", include_in_schema=False)
async def description(request: Request) -> Response:
    """The OpenAPI 3.1 description."""
    return Response(
        msgspec.json.encode(request.app.state.premises.description), media_type="application/json"
    )
