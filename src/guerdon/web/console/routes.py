"""All rooms of the console, as one router."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from guerdon.base.errors import Problem
from guerdon.web.console.boards import room as boards
from guerdon.web.console.challenges import room as challenges
from guerdon.web.console.community import room as community
from guerdon.web.console.draws import room as draws
from guerdon.web.console.giving import causes, door
from guerdon.web.console.ladders import room as ladders
from guerdon.web.console.links import room as links
from guerdon.web.console.merging import room as merging
from guerdon.web.console.proofs import room as proofs
from guerdon.web.console.quizzes import room as quizzes
from guerdon.web.console.referrals import room as referrals
from guerdon.web.console.rooms import (
    backtests,
    books,
    entrance,
    hooks,
    jobs,
    members,
    office,
    overview,
    people,
    program,
    quarantine,
    webhooks,
)
from guerdon.web.console.services import room as services
from guerdon.web.console.shop import card, cards, checkouts, codes, coupons, order, orders, rewards
from guerdon.web.console.visits import ConsoleRoute, Visitor

ROUTER: Final = APIRouter()
_LAST: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@_LAST.get("/console/{rest:path}")
def nowhere(visit: Visitor) -> Response:
    """Say on a page that there is none."""
    return visit.fault(Problem("page_not_found", "There is no such page."))


_ROOMS: Final = (
    *(causes, door, services),
    *(entrance, overview, members, merging, people, links, program, backtests, books, proofs, quarantine),
    *(orders, order, checkouts, coupons, codes, cards, card, rewards, quizzes, community, challenges, draws),
    *(boards, referrals, ladders, webhooks, hooks, jobs, office),
)
for _room in _ROOMS:
    ROUTER.include_router(_room.ROUTER)
ROUTER.include_router(_LAST)
