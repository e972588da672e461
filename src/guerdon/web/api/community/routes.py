"""Calls about posts for shops and apps."""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.circles.posts import rows
from guerdon.circles.posts.rows import NO_POST, Post, Wanted, find_post, parse_post
from guerdon.engine.community import posting
from guerdon.engine.community.posting import Author, Desk, Written
from guerdon.infra.tx import Tx
from guerdon.web.api.calls.call import Call, Paged, admitted, answer
from guerdon.web.api.community.acting import act_as, listed, reader_of, whose_of
from guerdon.web.api.community.photos import read_photo, write_anew
from guerdon.web.api.community.shapes import OwnShape, Posts, PostShape
from guerdon.web.api.community.shown import look_beside, show_post
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Community"])
Reading = Annotated[Call, Depends(admitted("posts:read"))]
Writing = Annotated[Call, Depends(admitted("posts:write"))]
Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=260)]
_POSTS: Final = "/v1/programs/{program}/posts"
_POST: Final = f"{_POSTS}/{{post}}"
_TEXT: Final = 4_000
_PHOTO: Final = 2_000_100


class NewPost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member posts or asks."""

    member: Ref
    text: Annotated[str, msgspec.Meta(max_length=_TEXT)] = ""
    kind: Literal["post", "question"] = "post"
    product: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """The SKU that it is about."""
    photo: Annotated[str, msgspec.Meta(max_length=_PHOTO)] | None = None
    """A JPEG, PNG or WebP file of at most 1.5 MB, in base64."""


class NewAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member answers."""

    member: Ref
    text: Annotated[str, msgspec.Meta(max_length=_TEXT)]


class PostActing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who does it."""

    member: Ref


class PostReporting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who reports a post, and why."""

    member: Ref
    why: Literal["spam", "rude", "wrong", "private", "other"]


class About(NamedTuple):
    """Which posts are asked for."""

    product: str | None
    kinds: tuple[str, ...]


def about(
    product: Annotated[str | None, Query(max_length=200)] = None,
    kind: Literal["post", "question"] | None = None,
) -> About:
    """Read which posts are asked for.

    Args:
        product: the SKU that they are about; None for all.
        kind: posts or questions; None for both.

    Returns:
        The same, together.
    """
    return About(product, (kind,) if kind else ("post", "question"))


@ROUTER.get(_POSTS, summary="Posts of a program", **operation(Posts))
def all_posts(
    call: Reading,
    program: str,
    wanted: Paged,
    asked: Annotated[About, Depends(about)],
    member: Annotated[str | None, Query(max_length=260)] = None,
) -> Response:
    """Posts and questions that are shown, newest first; with `member`, whether they like or wrote each."""
    whose = whose_of(call, program)
    with call.transaction() as tx:
        reader = reader_of(tx, call, whose, member)
        which = Wanted(asked.product, asked.kinds, wanted.after(int), wanted.limit + 1)
        posts = rows.list_shown(tx, reader.program_id, which)
        return listed(tx, reader, posts, wanted)


@ROUTER.get(_POST, summary="One post", **operation(PostShape))
def one_post(
    call: Reading, program: str, post: str, member: Annotated[str | None, Query(max_length=260)] = None
) -> Response:
    """A post, a question or an answer that is shown; its author sees it in any state."""
    whose = whose_of(call, program)
    with call.transaction() as tx:
        reader = reader_of(tx, call, whose, member)
        one = find_post(tx, reader.program_id, parse_post(post))
        if one is None or one.kind == "share" or (one.state != "shown" and one.member_id != reader.member_id):
            raise NO_POST
        beside = look_beside(tx, reader, [one])
    return answer(show_post(one, reader, beside))


@ROUTER.get(f"{_POST}/answers", summary="Answers to a question", **operation(Posts))
def answers(
    call: Reading,
    program: str,
    post: str,
    wanted: Paged,
    member: Annotated[str | None, Query(max_length=260)] = None,
) -> Response:
    """Those that are shown, oldest first."""
    whose = whose_of(call, program)
    with call.transaction() as tx:
        reader = reader_of(tx, call, whose, member)
        page = (wanted.after(int) or 0, wanted.limit + 1)
        found = rows.list_answers(tx, reader.program_id, parse_post(post), page)
        return listed(tx, reader, found, wanted)


@ROUTER.post(_POSTS, summary="Post or ask", **operation(OwnShape, body=NewPost, status=201))
async def write(call: Writing, program: str) -> Response:
    """Shown at once, or when somebody has looked at it, as the program's `community` says."""
    asked = call.read(NewPost)
    photo = None
    if asked.photo is not None:
        photo = await write_anew(read_photo(asked.photo))
    said = Written(asked.kind, asked.text, asked.product.strip(), photo)
    return await _write(call, program, asked.member, said)


@ROUTER.post(
    f"{_POST}/answers", summary="Answer a question", **operation(OwnShape, body=NewAnswer, status=201)
)
async def write_answer(call: Writing, program: str, post: str) -> Response:
    """Answers to a question of one's own account bring nothing."""
    asked = call.read(NewAnswer)
    return await _write(
        call, program, asked.member, Written("answer", asked.text, question_id=parse_post(post))
    )


@ROUTER.post(f"{_POST}/likes", summary="Like a post", **operation(OwnShape, body=PostActing))
async def like(call: Writing, program: str, post: str) -> Response:
    """Once for each member; nobody likes what is of their own account."""
    asked = call.read(PostActing)

    def act(tx: Tx, author: Author) -> Post:
        return posting.like(tx, author, parse_post(post))

    return await act_as(call, program, asked.member, act)


@ROUTER.post(f"{_POST}/unlike", summary="Take a like back", **operation(OwnShape, body=PostActing))
async def unlike(call: Writing, program: str, post: str) -> Response:
    """Without a like it changes nothing."""
    asked = call.read(PostActing)

    def act(tx: Tx, author: Author) -> Post:
        return posting.unlike(tx, author, parse_post(post))

    return await act_as(call, program, asked.member, act)


@ROUTER.post(f"{_POST}/reports", summary="Report a post", **operation(OwnShape, body=PostReporting))
async def report(call: Writing, program: str, post: str) -> Response:
    """Enough reports take it off the page until somebody has looked at it."""
    asked = call.read(PostReporting)

    def act(tx: Tx, author: Author) -> Post:
        return posting.report(tx, author, parse_post(post), asked.why)

    return await act_as(call, program, asked.member, act)


async def _write(call: Call, program: str, member: str, said: Written) -> Response:
    def act(tx: Tx, author: Author) -> Post:
        desk = Desk(call.house.vault(call.tenant_id), call.house.ids)
        return posting.write(tx, desk, author, said)

    return await act_as(call, program, member, act, status=201)
