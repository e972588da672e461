"""What members say to each other: posts and questions with their answers, and what of one's own waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from guerdon.base.errors import Problem
from guerdon.circles.posts import rows
from guerdon.circles.posts.names import load_names
from guerdon.circles.posts.opinions import REASONS
from guerdon.circles.posts.rows import Post, Wanted, parse_post
from guerdon.engine.community.bought import list_bought
from guerdon.infra.tx import Tx
from guerdon.members.states import load_keys
from guerdon.web.api.community import shown
from guerdon.web.pages.me.reader import Reader

_NEWEST: Final = 6
_OWN: Final = 6
_ANSWERS: Final = 10
_PRODUCTS: Final = 10
_KINDS: Final = ("post", "question")


@dataclass(frozen=True, slots=True)
class PostView:
    """A post, a question or an answer on the page."""

    id: str
    kind: str
    author: str
    """Empty for who chose no name."""
    text: str
    photo: str
    """Its address; empty without one."""
    posted_at: datetime
    likes: int
    answers: int
    is_liked: bool
    is_own: bool
    has_bought: bool
    """Whether its author bought what it is about."""
    state: str
    reason: str
    """Why staff refused or hid it."""
    replies: tuple[PostView, ...] = ()
    """The first answers, oldest first."""


@dataclass(frozen=True, slots=True)
class CommunityView:
    """What is said in the club."""

    waiting: tuple[PostView, ...]
    """One's own that others do not see."""
    newest: tuple[PostView, ...]
    older: str
    """Behind which post the next part begins; empty at the end."""
    is_newest: bool
    name: str
    """By which the reader is seen; empty for none."""
    photos: bool
    """Whether a photo may be with a post."""
    products: tuple[tuple[str, str], ...]
    """What the reader bought lately: SKU and name."""
    reasons: Sequence[str]
    """Why a post is reported."""


def load_community(tx: Tx, reader: Reader, before: str = "") -> CommunityView | None:
    """Load a part of what is said, and what of the reader's own waits for somebody.

    Args:
        tx: bound to the tenant.
        reader: who reads.
        before: only what is older than this post; empty for the newest.

    Returns:
        Both; None where the program has no community.
    """
    written = reader.program.definition.community
    if written.approve == "closed":
        return None
    program_id, member_id = reader.taker.program_id, reader.taker.member_id
    listed = rows.list_shown(tx, program_id, Wanted(None, _KINDS, _number(before), _NEWEST + 1))
    newest = listed[:_NEWEST]
    own = rows.list_of_member(tx, program_id, member_id, (None, 4 * _OWN))
    hidden = [one for one in own if one.state in ("waiting", "refused", "hidden") and one.kind != "share"]
    replies = {
        one.post_id: rows.list_answers(tx, program_id, one.post_id, (0, _ANSWERS))
        for one in newest
        if one.answers
    }
    views = _views(tx, reader, [*newest, *hidden[:_OWN], *(one for few in replies.values() for one in few)])
    keys = {number: key for number, (_, key) in load_keys(tx, reader.vault, program_id, [member_id]).items()}
    bought = list_bought(tx, reader.taker.account_id, _PRODUCTS)
    return CommunityView(
        waiting=tuple(views[one.post_id] for one in hidden[:_OWN]),
        newest=tuple(
            replace(
                views[one.post_id],
                replies=tuple(views[each.post_id] for each in replies.get(one.post_id, ())),
            )
            for one in newest
        ),
        older=newest[-1].shown_id if len(listed) > _NEWEST else "",
        is_newest=not before,
        name=load_names(tx, program_id, keys, [member_id]).get(member_id, ""),
        photos=written.photos,
        products=tuple((sku, str(line.get("name") or sku)) for sku, line in bought.items()),
        reasons=REASONS,
    )


def _number(before: str) -> int | None:
    try:
        return parse_post(before) if before else None
    except Problem:
        # An address that somebody shortened begins at the newest.
        return None


def _views(tx: Tx, reader: Reader, posts: Sequence[Post]) -> dict[int, PostView]:
    looks = shown.Reader(reader.vault, reader.taker.program_id, reader.taker.member_id)
    beside = shown.look_beside(tx, looks, posts)
    found = {}
    for one in posts:
        said = shown.show_own(one, looks, beside)
        found[one.post_id] = PostView(
            id=said.id,
            kind=said.kind,
            author=said.author or "",
            text=said.text,
            photo=said.photo.url if said.photo is not None and one.state == "shown" else "",
            posted_at=said.posted_at,
            likes=said.likes,
            answers=said.answers,
            is_liked=bool(said.liked),
            is_own=bool(said.own),
            has_bought=said.bought,
            state=said.state,
            reason=said.reason or "",
        )
    return found
