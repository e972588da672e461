"""Calls about shares: made, listed, ended, looked at, and who came by them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.circles.posts.rows import Post
from guerdon.circles.sharing.rows import NO_SHARE, Share, find_share, list_shares
from guerdon.engine.community import posting
from guerdon.engine.community.posting import Author, Desk, Written
from guerdon.engine.sharing import making
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.community.acting import act_as, whose_of
from guerdon.web.api.community.shapes import OwnShape
from guerdon.web.api.community.taking import author_of
from guerdon.web.api.shapes import Answered
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Sharing"])
PATH: Final = "/s"
Reading = Annotated[Call, Depends(admitted("shares:read"))]
Writing = Annotated[Call, Depends(admitted("shares:write"))]
Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=260)]
_SHARES: Final = "/v1/programs/{program}/shares"
_SHARE: Final = f"{_SHARES}/{{share}}"
_PUBLIC: Final = re.compile(r"https://[^\s\"'<>\\^`{|}]{4,500}")


class NewShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member shows."""

    member: Ref
    of: Literal["purchase", "reward", "badge"]
    what: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    """The SKU of something they bought, a reward they took, or a badge they have."""
    picture: Annotated[str, msgspec.Meta(max_length=500)] = ""
    """The product's picture, `https://…`; without one a card is drawn."""


class Sharer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose share it is, or who came by it."""

    member: Ref


class ShareClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a member has shared it in public."""

    member: Ref
    url: Annotated[str, msgspec.Meta(min_length=1, max_length=508)]
    """An address that staff can open."""


class ShareShape(Answered, frozen=True):
    """A share."""

    code: str
    url: str
    """A short path that anybody may open."""
    of: str
    what: str
    shared_at: datetime
    ended_at: datetime | None
    visits: int
    """Each place once a day; machines that only make previews do not count."""
    joined: int
    """How many have joined who came by it."""


class Shares(Answered, frozen=True):
    """A member's shares."""

    data: Sequence[ShareShape]
    next: str | None


class Traced(Answered, frozen=True):
    """By which share somebody came."""

    share: str
    noted: bool
    """False where it was noted before, or does not count."""


class _Kept(msgspec.Struct, frozen=True):
    code: str


@ROUTER.post(
    _SHARES,
    summary="Make a share",
    **operation(ShareShape, body=NewShare, status=201, also=[(200, ShareShape)]),
)
def make(call: Writing, program: str) -> Response:
    """201 with a new address; 200 with the one that stands. Nothing is posted for the member."""
    asked = call.read(NewShare)
    if asked.picture and _PUBLIC.fullmatch(asked.picture) is None:
        raise Problem.at("/picture", "address_invalid", "a picture is an address that begins with https://")
    whose = whose_of(call, program)

    def act(tx: Tx) -> tuple[int, _Kept]:
        author = author_of(tx, whose, parse_ref(asked.member))
        what = (asked.of, asked.what, asked.picture)
        made, is_new = making.share(tx, author, what, Chance(lambda: secrets.token_bytes(16)))
        return 201 if is_new else 200, _Kept(made.code)

    done = once(call, act)
    return _shown(call, msgspec.json.decode(done.body, type=_Kept).code, done.status_code)


@ROUTER.get(_SHARES, summary="Shares of a member", **operation(Shares))
def shares(call: Reading, program: str, member: Annotated[str, Query(max_length=260)]) -> Response:
    """Newest first, with visits and who joined."""
    with call.transaction() as tx:
        author = author_of(tx, whose_of(call, program), parse_ref(member))
        found = list_shares(tx, author.program_id, author.member_id)
    return answer(Shares(data=[show_share(one) for one in found], next=None))


@ROUTER.post(
    f"{_SHARE}/claims", summary="Say where it was shared", **operation(OwnShape, body=ShareClaim, status=201)
)
async def claim(call: Writing, program: str, share: str) -> Response:
    """Staff looks at it; approved, it is the event `share.approved` on the member's account, once."""
    asked = call.read(ShareClaim)
    if _PUBLIC.fullmatch(asked.url) is None:
        raise Problem.at("/url", "address_invalid", "say an address that begins with https://")

    def act(tx: Tx, author: Author) -> Post:
        found = find_share(tx, share)
        if found is None or found.member_id != author.member_id or found.ended_at is not None:
            raise NO_SHARE
        desk = Desk(call.house.vault(call.tenant_id), call.house.ids)
        product = found.what if found.kind == "purchase" else ""
        return posting.write(tx, desk, author, Written("share", asked.url, product, share=share))

    return await act_as(call, program, asked.member, act, status=201)


@ROUTER.post(f"{_SHARE}/joins", summary="Say who came by a share", **operation(Traced, body=Sharer))
def join(call: Writing, program: str, share: str) -> Response:
    """Within a day of joining; enrolment takes `share` as well."""
    asked = call.read(Sharer)
    whose = whose_of(call, program)

    def act(tx: Tx) -> tuple[int, Traced]:
        author = author_of(tx, whose, parse_ref(asked.member))
        return 200, Traced(share=share, noted=making.trace(tx, author, share) == "noted")

    return once(call, act)


@ROUTER.post(f"{_SHARE}/end", summary="End a share", **operation(ShareShape, body=Sharer))
def end(call: Writing, program: str, share: str) -> Response:
    """Its address leads nowhere from now on."""
    asked = call.read(Sharer)
    whose = whose_of(call, program)

    def act(tx: Tx) -> tuple[int, _Kept]:
        return 200, _Kept(making.end(tx, author_of(tx, whose, parse_ref(asked.member)), share).code)

    return _shown(call, msgspec.json.decode(once(call, act).body, type=_Kept).code, 200)


def show_share(one: Share) -> ShareShape:
    """Show a share.

    Args:
        one: the share.

    Returns:
        Its shape.
    """
    return ShareShape(
        code=one.code,
        url=f"{PATH}/{one.code}",
        of=one.kind,
        what=one.what,
        shared_at=one.shared_at,
        ended_at=one.ended_at,
        visits=one.visits,
        joined=one.joined,
    )


def _shown(call: Call, code: str, status: int) -> Response:
    with call.transaction() as tx:
        found = find_share(tx, code)
    assert found is not None, "made or found by this call"
    return answer(show_share(found), status)
