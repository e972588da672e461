"""The application: routes, their description, and refusals of the framework's own in our form."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from guerdon.base.errors import Fault, Problem
from guerdon.web.api import (
    accounts,
    checkouts,
    events,
    explanations,
    members,
    programs,
    redemptions,
    rewards,
    versions,
)
from guerdon.web.api.access import published as access_keys
from guerdon.web.api.access import routes as access
from guerdon.web.api.boards import routes as boards
from guerdon.web.api.calls.quick import Quick
from guerdon.web.api.calls.samples import SAMPLES
from guerdon.web.api.challenges import routes as challenges
from guerdon.web.api.charity import routes as charity
from guerdon.web.api.community import moderation, own, photos
from guerdon.web.api.community import routes as community
from guerdon.web.api.content import routes as content
from guerdon.web.api.coupons import routes as coupons
from guerdon.web.api.deeds import photos as deed_photos
from guerdon.web.api.deeds import routes as deeds
from guerdon.web.api.draws import routes as draws
from guerdon.web.api.gift_cards import routes as gift_cards
from guerdon.web.api.links import routes as links
from guerdon.web.api.log import anchors, published
from guerdon.web.api.log import routes as log
from guerdon.web.api.orders import returns
from guerdon.web.api.quizzes import routes as quizzes
from guerdon.web.api.referrals import routes as referrals
from guerdon.web.api.seats import routes as seats
from guerdon.web.api.segments import routes as segments
from guerdon.web.api.services import routes as services
from guerdon.web.api.sharing import routes as sharing
from guerdon.web.api.taking import causes
from guerdon.web.api.teams import routes as teams
from guerdon.web.api.tiers import routes as ladders
from guerdon.web.api.upkeep import health, keys, ticks, webhooks
from guerdon.web.api.witness import routes as witness
from guerdon.web.callers import Doorkeeper
from guerdon.web.console import routes as console
from guerdon.web.front import Front, fault_body
from guerdon.web.hooks import routes as hooks
from guerdon.web.house import Premises
from guerdon.web.limits import Addresses, Limits
from guerdon.web.outline import describe
from guerdon.web.pages import proof
from guerdon.web.pages import routes as pages
from guerdon.web.pages.figures import FigureBoard
from guerdon.web.pages.invite import routes as invite_page
from guerdon.web.pages.me import routes as member_page
from guerdon.web.pages.quiz import routes as quiz_page
from guerdon.web.pages.receipt import routes as receipt_page
from guerdon.web.pages.share import routes as share_page
from guerdon.web.problems import MEDIA_TYPE, ProblemBody, body_of, extra_headers, problem_of
from guerdon.web.telemetry import Telemetry
from guerdon.web.trials.runner import Runner
from guerdon.web.waiting import Waiting
from guerdon.web.watch.traces import Tracing
from guerdon.wiring import House

STATIC: Final = Path(__file__).parent / "static"
_FRAMEWORK_CODES: Final = {404: "not_found", 405: "method_not_allowed"}
_ROUTERS: Final = (
    programs.ROUTER,
    versions.ROUTER,
    # Before the members, whose references may hold slashes.
    challenges.ROUTER,
    draws.ROUTER,
    content.ROUTER,
    members.ROUTER,
    ladders.ROUTER,
    links.ROUTER,
    # Before the orders, whose ids may hold slashes.
    explanations.ROUTER,
    returns.LISTS,
    events.ROUTER,
    accounts.ROUTER,
    log.ROUTER,
    anchors.ROUTER,
    published.ROUTER,
    witness.ROUTER,
    rewards.ROUTER,
    redemptions.ROUTER,
    access.ROUTER,
    access_keys.ROUTER,
    causes.ROUTER,
    seats.ROUTER,
    services.ROUTER,
    deeds.ROUTER,
    deed_photos.ROUTER,
    charity.ROUTER,
    quizzes.ROUTER,
    referrals.ROUTER,
    boards.ROUTER,
    segments.ROUTER,
    teams.ROUTER,
    community.ROUTER,
    moderation.ROUTER,
    own.ROUTER,
    photos.ROUTER,
    sharing.ROUTER,
    coupons.ROUTER,
    gift_cards.ROUTER,
    checkouts.ROUTER,
    returns.ROUTER,
    webhooks.ROUTER,
    keys.ROUTER,
    ticks.ROUTER,
    hooks.ROUTER,
    health.ROUTER,
    pages.ROUTER,
    proof.ROUTER,
    quiz_page.ROUTER,
    receipt_page.ROUTER,
    share_page.ROUTER,
    invite_page.ROUTER,
    member_page.ROUTER,
    console.ROUTER,
)


def build_app(house: House, tracing: Tracing | None = None) -> Front:
    """Put the roof on a house.

    Args:
        house: everything below, open.
        tracing: makes spans; None where nobody collects them.

    Returns:
        The ASGI application.
    """
    telemetry = Telemetry(house.database, house.settings.log_level, tracing)
    telemetry.show_deliveries(house.deliveries_told)
    house.engine.watch = telemetry.watch
    settings = house.settings
    doorkeeper = Doorkeeper(house.database, Limits(settings.rate_limit), Addresses(settings.trusted_proxies))
    premises = Premises(house, doorkeeper, telemetry, Waiting(house.engine), Runner(house.database))
    if tracing is not None:
        premises.waiting.origin = tracing.origin
    routes, description = _routes()
    app = _empty()
    app.state.premises = premises
    app.state.board = FigureBoard(house)
    app.state.logs = published.public_logs(house)
    app.state.access_keys = access_keys.public_keys(house)
    app.router.routes.extend(routes)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(Problem, _refused)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(HTTPException, _turned_away)
    app.add_exception_handler(Exception, _failed)
    premises.description.update(description)
    premises.known_parameters.update(_parameters(premises.description))
    carts = Quick(premises, checkouts.ROUTER.routes, checkouts.SCOPE)
    return Front(app, events.take_in(premises), premises, carts.find)


def _empty() -> FastAPI:
    return FastAPI(title="Guerdon", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)


@cache
def _routes() -> tuple[tuple[BaseRoute, ...], dict[str, Any]]:
    """Make the routes and their description: the same for every house of a process, and slow to make."""
    app = _empty()
    for router in _ROUTERS:
        app.include_router(router)
    return tuple(app.routes), describe(app, SAMPLES)


def _parameters(description: dict[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
    found = {}
    for path, item in description["paths"].items():
        for method, operation in item.items():
            named = (one["name"] for one in operation.get("parameters", ()) if one["in"] == "query")
            found[path, method.upper()] = frozenset(named)
    return found


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return show(body_of(error))


async def _misread(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = []
    for found in error.errors():
        pointer = "/" + "/".join(str(step) for step in found["loc"])
        code = "missing_parameter" if found["type"] == "missing" else "parameter_invalid"
        faults.append(Fault(pointer, code, str(found["msg"])))
    return show(
        problem_of("parameter_invalid", faults[0].detail if faults else "wrong parameter", tuple(faults))
    )


async def _failed(request: Request, _: Exception) -> Response:
    # The framework raises it again behind this answer, and the front writes it down.
    return show(fault_body(request.scope["request_id"]))


async def _turned_away(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _FRAMEWORK_CODES.get(error.status_code, "bad_request")
    words = {
        "not_found": "there is nothing at this address",
        "method_not_allowed": f"this address does not take {request.method}",
    }
    response = show(problem_of(code, words.get(code, "the request could not be read")))
    if code == "method_not_allowed":
        response.headers["allow"] = _allowed(request)
    return response


def _allowed(request: Request) -> str:
    premises: Premises = request.app.state.premises
    template = str(getattr(request.scope.get("route"), "path_format", ""))
    methods = {method for path, method in premises.known_parameters if path == template}
    return ", ".join(sorted(methods or {"GET"}))


def show(problem: ProblemBody) -> Response:
    """Answer with a refusal.

    Args:
        problem: its body.

    Returns:
        The answer, `application/problem+json`.
    """
    response = Response(msgspec.json.encode(problem), problem.status, media_type=MEDIA_TYPE)
    for name, value in extra_headers(problem.code):
        response.headers[name.decode()] = value.decode()
    return response
