"""What members do with what is theirs: their posts, and the name that they are seen by."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Response

from guerdon.base.ids import number_text
from guerdon.circles.posts import rows
from guerdon.circles.posts.names import Choice, choose_name, forget_name, load_names
from guerdon.circles.posts.rows import Post, parse_post
from guerdon.engine.community import posting
from guerdon.engine.community.posting import Author
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref
from guerdon.web.api.calls.call import Call, Paged, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.community.acting import act_as, listed, reader_of, whose_of
from guerdon.web.api.community.shapes import OwnShape, Posts, PublicNameShape
from guerdon.web.api.community.taking import author_of
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Community"])
Reading = Annotated[Call, Depends(admitted("posts:read"))]
Writing = Annotated[Call, Depends(admitted("posts:write"))]
Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=260)]
_POSTS: Final = "/v1/programs/{program}/posts"


class Withdrawing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who takes a post back."""

    member: Ref


class PublicNaming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a member wants to be seen; null for without a name."""

    member: Ref
    name: Annotated[str, msgspec.Meta(max_length=200)] | None


class _Kept(msgspec.Struct, frozen=True):
    """What an Idempotency-Key keeps: no name."""

    member: int


@ROUTER.get(f"{_POSTS}/by/{{ref:path}}", summary="Posts of a member", **operation(Posts))
def own_posts(call: Reading, program: str, ref: str, wanted: Paged) -> Response:
    """All that a member wrote and did not take back, newest first, with how each stands."""
    whose = whose_of(call, program)
    with call.transaction() as tx:
        reader = reader_of(tx, call, whose, ref)
        page = (wanted.after(int), wanted.limit + 1)
        posts = rows.list_of_member(tx, reader.program_id, reader.member_id or 0, page)
        return listed(tx, reader, posts, wanted)


@ROUTER.post(
    f"{_POSTS}/{{post}}/withdraw", summary="Take a post back", **operation(OwnShape, body=Withdrawing)
)
async def withdraw(call: Writing, program: str, post: str) -> Response:
    """Its author's alone; text and photo are gone for good, and what it brought stays."""
    asked = call.read(Withdrawing)

    def act(tx: Tx, author: Author) -> Post:
        return posting.withdraw(tx, author, parse_post(post))

    return await act_as(call, program, asked.member, act)


@ROUTER.post(
    "/v1/programs/{program}/public_names",
    summary="Choose the name that a member is seen by",
    **operation(PublicNameShape, body=PublicNaming),
)
def choose(call: Writing, program: str) -> Response:
    """Each name is one member's in a program, whatever its case and blanks."""
    asked = call.read(PublicNaming)
    whose = whose_of(call, program)
    vault = call.house.vault(call.tenant_id)

    def act(tx: Tx) -> tuple[int, _Kept]:
        author = author_of(tx, whose, parse_ref(asked.member))
        if asked.name is None:
            forget_name(tx, author.program_id, author.member_id)
        else:
            choose_name(tx, vault, author.doer, Choice(asked.name, author.key, call.now))
        return 200, _Kept(author.member_id)

    once(call, act)
    with call.transaction() as tx:
        author = author_of(tx, whose, parse_ref(asked.member))
        keys = {author.member_id: author.key}
        name = load_names(tx, author.program_id, keys, [author.member_id]).get(author.member_id)
    return answer(PublicNameShape(member=number_text("mem", author.member_id), name=name))
