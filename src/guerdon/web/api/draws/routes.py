"""Calls about draws."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import PlainTextResponse

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref, resolve
from guerdon.members.merging.moving import accounts_behind, load_edges
from guerdon.play.raffles import list_raffles, walk_tickets
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.draws.shapes import Draws, MyDraws
from guerdon.web.api.draws.shown import Looker, load_draws, load_my_draws
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Draws"])
Reading = Annotated[Call, Depends(admitted("draws:read"))]
Language = Annotated[str, Query(max_length=35)]


@ROUTER.get("/v1/programs/{program}/draws", summary="Draws, their chances and seeds", **operation(Draws))
def all_draws(call: Reading, program: str, language: Language = "") -> Response:
    """The hash of each seed from the beginning, the seed itself when the draw is over."""
    with call.transaction() as tx:
        return answer(Draws(data=load_draws(tx, _looker(tx, call, program, language)), next=None))


@ROUTER.get(
    "/v1/programs/{program}/members/{member}/draws", summary="A member's tickets", **operation(MyDraws)
)
def my_draws(call: Reading, program: str, member: str, language: Language = "") -> Response:
    """Everything that `guerdon draws check` needs to reckon the tickets again, once the seed is known."""
    with call.transaction() as tx:
        looker = _looker(tx, call, program, language)
        ref = parse_ref(member)
        found = resolve(tx, looker.vault, looker.program_id, [ref]).get(ref)
        if found is None:
            raise Problem("member_not_found", "no member is known by this reference")
        behind = accounts_behind(found.account_id, load_edges(tx, [found.account_id]))
        shown = load_my_draws(tx, looker, found.account_id, {found.account_id, *behind})
        return answer(MyDraws(data=shown, next=None))


@ROUTER.get(
    "/v1/programs/{program}/draws/{draw}/tickets",
    summary="Who had how many tickets of a raffle",
    response_class=PlainTextResponse,
    **operation(),
)
def all_tickets(call: Reading, program: str, draw: str) -> Response:
    """Once it is drawn: a line for each account, whose SHA-256 is the raffle's `tickets_hash`."""
    with call.transaction() as tx:
        looker = _looker(tx, call, program, "")
        one = looker.program.draws.get(draw)
        if one is None:
            raise Problem("draw_not_found", f"this program has no draw {draw!r}")
        if not any(known.identity == one.identity for known in list_raffles(tx, looker.program_id)):
            raise Problem("draw_not_drawn", f"the draw {draw} is no raffle that was drawn")
        lines = [
            f"{number_text('acc', account)} {count}\n"
            for account, count in walk_tickets(tx, looker.program_id, one.identity)
        ]
    return PlainTextResponse("".join(lines))


def _looker(tx: Tx, call: Call, program: str, language: str) -> Looker:
    live = call.house.live(tx, program)
    return Looker(live.program_id, live.program, call.house.vault(call.tenant_id), call.now, language)
