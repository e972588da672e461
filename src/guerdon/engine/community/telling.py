"""What becomes of posts comes to the account as events: told by whoever did it, else by ticks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

from guerdon.base.ids import number_text
from guerdon.circles.posts import opinions, rows
from guerdon.circles.posts.opinions import Like
from guerdon.circles.posts.rows import Post, find_post
from guerdon.circles.sharing.rows import Share, find_share
from guerdon.engine.loop import EngineLoop
from guerdon.engine.telling.pages import GONE, PAGE, Ear, Untold, cloud_event, tell_pages
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.programs.programs import LiveVersion
from guerdon.rules.own_events import (
    ANSWER_APPROVED,
    COMMUNITY,
    POST_APPROVED,
    POST_HIDDEN,
    POST_LIKED,
    SHARE_APPROVED,
    SHARING,
)

PAST: Final = GONE | {"event_id_reused"}
"""Whoever was erased meanwhile gets nothing any more; and who likes a post again likes it once."""


def data_of(one: Post) -> dict[str, Any]:
    """Give what the event of an approved post says.

    Args:
        one: a post, a question or an answer.

    Returns:
        Plain data.
    """
    data = {
        "post": one.shown_id,
        "kind": one.kind,
        "product": one.product,
        "bought": one.bought,
        "has_photo": one.has_photo,
        "words": one.words,
    }
    return data if one.question_id is None else {**data, "question": number_text("post", one.question_id)}


def share_data(share: Share) -> dict[str, Any]:
    """Give what events of a share say.

    Args:
        share: which.

    Returns:
        Plain data.
    """
    return {"share": share.code, "kind": share.kind, "what": share.what}


def turn_name(one: Post, turn: int) -> str:
    """Name the event of one turn of a post.

    Args:
        one: the post.
        turn: 1 for its first approval, 2 for being hidden after that, and so on.

    Returns:
        Its id at its source.
    """
    return _turn_of(one.shown_id, turn)


def like_name(one: Post, like: Like, turn: int) -> str:
    """Name the event of one turn of a like.

    Args:
        one: the post.
        like: by whom.
        turn: 1 for the like itself, 2 for the post being hidden after that, and so on.

    Returns:
        Its id at its source.
    """
    return _turn_of(f"{one.shown_id}/{number_text('mem', like.member_id)}", turn)


def _turn_of(name: str, turn: int) -> str:
    again = (turn + 1) // 2
    name = name if again == 1 else f"{name}/{again}"
    return name if turn % 2 else f"{name}/back"


def untold_turns(tx: Tx, program_id: int, one: Post) -> list[Untold]:
    """Say what the engine is to be told of a post that was approved, or hidden afterwards.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        one: the post.

    Returns:
        The events in their order; none for an answer to a question of the same account, which brings nothing,
        and for what was said of a share that is gone.
    """
    if one.told >= len(one.turns):
        return []
    said = said_of(tx, program_id, one)
    return [_turn(program_id, one, turn, said) for turn in range(one.told + 1, len(one.turns) + 1)]


Said = tuple[str, str, dict[str, Any]]
"""Source, type and data of the event that a post brings its author."""


def said_of(tx: Tx, program_id: int, one: Post) -> Said | None:
    """Say what the event of a post that is approved says.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        one: the post.

    Returns:
        Source, type and data; None where it brings nothing.
    """
    if one.kind == "share":
        share = find_share(tx, one.share)
        if share is None:
            return None
        return SHARING, SHARE_APPROVED, {**share_data(share), "post": one.shown_id}
    question = find_post(tx, program_id, one.question_id) if one.question_id is not None else None
    if question is not None and question.account_id == one.account_id:
        return None
    return COMMUNITY, ANSWER_APPROVED if one.kind == "answer" else POST_APPROVED, data_of(one)


def _turn(program_id: int, one: Post, turn: int, said: Said | None) -> Untold:
    at = one.turns[turn - 1]

    def mark(later: Tx) -> None:
        rows.mark_told(later, program_id, one.post_id, turn)

    if said is None:
        return Untold(None, at, mark)
    source, kind, data = said
    name = turn_name(one, turn)
    if turn % 2 == 0:
        kind, data = POST_HIDDEN, {"order": turn_name(one, turn - 1), "id": name, "all": True}
    return Untold(cloud_event((source, name, kind), (one.member_id, at), data), at, mark)


def untold_like(tx: Tx, program_id: int, one: Like) -> list[Untold]:
    """Say what the engine is to be told of a like: it comes to the post's author, and goes with the post.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        one: the like.

    Returns:
        The events in their order.
    """
    post = find_post(tx, program_id, one.post_id)
    assert post is not None, "posts stay as rows"
    turns = one.turns(post.turns)
    return [_like_turn(program_id, (post, one), turn, turns[turn - 1]) for turn in _left(one, turns)]


def _left(one: Like, turns: Sequence[datetime]) -> range:
    return range(one.told + 1, len(turns) + 1)


def _like_turn(program_id: int, what: tuple[Post, Like], turn: int, at: datetime) -> Untold:
    post, one = what

    def mark(later: Tx) -> None:
        opinions.mark_told(later, program_id, one, turn)

    name, kind = like_name(post, one, turn), POST_LIKED
    data: dict[str, Any] = {"post": post.shown_id, "kind": post.kind, "product": post.product}
    if turn % 2 == 0:
        kind, data = POST_HIDDEN, {"order": like_name(post, one, turn - 1), "id": name, "all": True}
    return Untold(cloud_event((COMMUNITY, name, kind), (post.member_id, at), data), at, mark)


def tell_due(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> int:
    """Tell the engine of posts and likes of which it does not know yet.

    Args:
        database: where they are found.
        loop: what takes the events in, in its bulk lane.
        place: the tenant and the program.
        now: the instant, UTC.

    Returns:
        How many events were told.

    Raises:
        Problem: the first that the engine refused an event with, after all were tried.
    """
    pages = chain(_posts(database, place), _likes(database, place), _turned(database, place))
    return tell_pages(Ear(database, loop, *place, now), pages, PAST, marks_gone=True)


def _posts(database: Database, place: tuple[int, LiveVersion]) -> Iterator[Sequence[Untold]]:
    tenant_id, program = place
    after = 0
    while True:
        with database.transaction(tenant_id) as tx:
            page = rows.list_untold(tx, program.program_id, (after, PAGE))
            told = [each for one in page for each in untold_turns(tx, program.program_id, one)]
        if not page:
            return
        yield told
        after = page[-1].post_id


def _likes(database: Database, place: tuple[int, LiveVersion]) -> Iterator[Sequence[Untold]]:
    tenant_id, program = place
    after = (0, 0)
    while True:
        with database.transaction(tenant_id) as tx:
            page = opinions.list_untold(tx, program.program_id, (after, PAGE))
            told = [each for one in page for each in untold_like(tx, program.program_id, one)]
        if not page:
            return
        yield told
        after = (page[-1].post_id, page[-1].member_id)


def _turned(database: Database, place: tuple[int, LiveVersion]) -> Iterator[Sequence[Untold]]:
    """Go through the likes of what was hidden, or approved again."""
    tenant_id, program = place
    after = 0
    while True:
        with database.transaction(tenant_id) as tx:
            page = rows.list_turned(tx, program.program_id, (after, PAGE))
        if not page:
            return
        for one in page:
            yield from _likes_of(database, place, one)
        after = page[-1].post_id


def _likes_of(database: Database, place: tuple[int, LiveVersion], post: Post) -> Iterator[Sequence[Untold]]:
    tenant_id, program = place
    after = 0
    while True:
        with database.transaction(tenant_id) as tx:
            page = opinions.list_behind(tx, program.program_id, post, (after, PAGE))
            told = [each for one in page for each in untold_like(tx, program.program_id, one)]
            if not page:
                opinions.mark_all_told(tx, program.program_id, post)
                return
        yield told
        after = page[-1].member_id
