"""Calls about content for some."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.engine.looking.offers import Looker
from guerdon.members.identities import parse_ref, resolve
from guerdon.members.members import Desk, get_member
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.content.shown import Pieces, load_pieces
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Members"])
Reading = Annotated[Call, Depends(admitted("members:read"))]
Language = Annotated[str, Query(max_length=35)]


@ROUTER.get(
    "/v1/programs/{program}/members/{ref}/content", summary="Content for a member", **operation(Pieces)
)
def content(call: Reading, program: str, ref: str, language: Language = "") -> Response:
    """What is for this member now, by tier, segment and what they care for; in their language unless said."""
    whom = parse_ref(ref)
    vault = call.house.vault(call.tenant_id)
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        found = resolve(tx, vault, live.program_id, [whom]).get(whom)
        if found is None:
            raise Problem("member_not_found", "nobody here is meant by this reference")
        own = language or get_member(tx, Desk(vault, live.program_id), whom).language
        looker = Looker(live.program_id, live.program, found.account_id, found.member_id)
        pieces = load_pieces(tx, looker, call.now, own or "")
    return answer(Pieces(data=pieces, next=None))
