"""What all calls of members about posts do alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from anyio import to_thread
from fastapi import Response

from guerdon.circles.posts import opinions
from guerdon.circles.posts.rows import NO_POST, Post, find_post
from guerdon.engine.community.posting import Author
from guerdon.engine.community.telling import untold_like, untold_turns
from guerdon.engine.telling.pages import Untold
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref
from guerdon.web.api.calls.call import Call, Page, answer, listing
from guerdon.web.api.calls.once import once
from guerdon.web.api.community.shown import Reader, look_beside, show_own, show_post
from guerdon.web.api.community.taking import Whose, author_of, tell


class _Kept(msgspec.Struct, frozen=True):
    """What an Idempotency-Key keeps: no words."""

    post: int
    member: int


async def act_as(
    call: Call, program: str, member: str, act: Callable[[Tx, Author], Post], *, status: int = 200
) -> Response:
    """Let a member do something with a post, tell the engine, and show it.

    Args:
        call: the call.
        program: the program's key.
        member: a reference to who does it.
        act: does it.
        status: of the answer.

    Returns:
        The post as that member sees it; with what it brought them just now, if it is theirs.

    Raises:
        Problem: what `act` and the engine raise.
    """
    whose = whose_of(call, program)

    def do(tx: Tx) -> tuple[int, _Kept]:
        author = author_of(tx, whose, parse_ref(member))
        return status, _Kept(act(tx, author).post_id, author.member_id)

    done = await to_thread.run_sync(once, call, do)
    kept = msgspec.json.decode(done.body, type=_Kept)
    one, untold = await to_thread.run_sync(_look, call, whose, kept)
    said = await tell(whose, untold)
    effects = [effect for each in said for effect in each.effects] if one.member_id == kept.member else []
    return await to_thread.run_sync(_shown, call, whose, (one, kept.member), (effects, status))


def _look(call: Call, whose: Whose, kept: _Kept) -> tuple[Post, list[Untold]]:
    with call.transaction() as tx:
        program_id = call.house.live(tx, whose.program).program_id
        one = find_post(tx, program_id, kept.post)
        if one is None:
            raise NO_POST
        untold = untold_turns(tx, program_id, one)
        like = opinions.find_untold(tx, program_id, (one.post_id, kept.member))
        if like is not None:
            untold += untold_like(tx, program_id, like)
    return one, untold


def _shown(call: Call, whose: Whose, what: tuple[Post, int], how: tuple[Sequence[Any], int]) -> Response:
    one, member_id = what
    effects, status = how
    with call.transaction() as tx:
        program_id = call.house.live(tx, whose.program).program_id
        reader = Reader(call.house.vault(call.tenant_id), program_id, member_id)
        beside = look_beside(tx, reader, [one])
    return answer(show_own(one, reader, beside, effects), status)


def listed(tx: Tx, reader: Reader, posts: list[Post], wanted: Page) -> Response:
    """Answer with a page of posts.

    Args:
        tx: bound to the tenant.
        reader: for whom.
        posts: up to one more than wanted.
        wanted: the page.

    Returns:
        The answer.
    """
    beside = look_beside(tx, reader, posts)
    return listing(posts, wanted, lambda one: one.post_id, lambda one: show_post(one, reader, beside))


def reader_of(tx: Tx, call: Call, whose: Whose, member: str | None) -> Reader:
    """Tell for whom posts are shown.

    Args:
        tx: bound to the tenant.
        call: the call.
        whose: where.
        member: a reference, or None for nobody in particular.

    Returns:
        The reader.

    Raises:
        Problem: `program_not_found` or `member_not_found`.
    """
    vault = call.house.vault(call.tenant_id)
    if member is None:
        return Reader(vault, call.house.live(tx, whose.program).program_id)
    author = author_of(tx, whose, parse_ref(member))
    return Reader(vault, author.program_id, author.member_id)


def whose_of(call: Call, program: str) -> Whose:
    """Tell whose community is meant.

    Args:
        call: the call.
        program: the program's key.

    Returns:
        Where.
    """
    return Whose(call.premises, call.tenant_id, program, call.now)
