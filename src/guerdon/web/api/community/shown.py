"""Posts as they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from guerdon.base.ids import number_text
from guerdon.circles.posts.names import load_names
from guerdon.circles.posts.opinions import liked_by, reports_of
from guerdon.circles.posts.photos import load_sizes
from guerdon.circles.posts.rows import Post
from guerdon.engine.community.posting import purpose_of
from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey, Vault
from guerdon.members.states import load_keys
from guerdon.web.api.community.photos import photo_path
from guerdon.web.api.community.shapes import HeldShape, OwnShape, PhotoShape, PostShape


class Reader(NamedTuple):
    """For whom posts are shown."""

    vault: Vault
    program_id: int
    member_id: int | None = None
    """Whose likes are marked; None for nobody in particular."""


class Beside(NamedTuple):
    """What is read beside the rows."""

    keys: Mapping[int, MemberKey]
    names: Mapping[int, str]
    liked: frozenset[int]
    photos: Mapping[int, PhotoShape]
    reports: Mapping[int, Mapping[str, int]]


def look_beside(tx: Tx, reader: Reader, posts: Sequence[Post], *, for_staff: bool = False) -> Beside:
    """Read what showing posts needs.

    Args:
        tx: bound to the tenant.
        reader: for whom.
        posts: the posts.
        for_staff: whether reports are wanted.

    Returns:
        Names, keys, likes, photos and reports.
    """
    program_id = reader.program_id
    ids = [one.post_id for one in posts]
    members = [one.member_id for one in posts]
    keys = {one: key for one, (_, key) in load_keys(tx, reader.vault, program_id, members).items()}
    liked = liked_by(tx, program_id, reader.member_id, ids) if reader.member_id is not None else set()
    photos = {
        post_id: PhotoShape(url=photo_path(reader.vault, program_id, post_id), width=width, height=height)
        for post_id, (width, height) in load_sizes(tx, program_id, ids).items()
    }
    reports = reports_of(tx, program_id, ids) if for_staff else {}
    return Beside(keys, load_names(tx, program_id, keys, members), frozenset(liked), photos, reports)


def show_post(one: Post, reader: Reader, beside: Beside) -> PostShape:
    """Show a post to everybody.

    Args:
        one: the post.
        reader: for whom.
        beside: what was read beside.

    Returns:
        Its shape.
    """
    return PostShape(**_fields(one, reader, beside))


def show_held(one: Post, reader: Reader, beside: Beside) -> HeldShape:
    """Show a post to staff.

    Args:
        one: the post.
        reader: for whom.
        beside: what was read beside.

    Returns:
        Its shape.
    """
    return HeldShape(
        **_fields(one, reader, beside),
        member=number_text("mem", one.member_id),
        held_for=list(one.held_for),
        reports=beside.reports.get(one.post_id, {}),
        decided_at=one.decided_at,
        decided_by=one.decided_by or None,
        reason=one.reason or None,
        told=one.is_told,
    )


def show_own(one: Post, reader: Reader, beside: Beside, effects: Sequence[Any] = ()) -> OwnShape:
    """Show a post to its author.

    Args:
        one: the post.
        reader: for whom.
        beside: what was read beside.
        effects: what it brought just now.

    Returns:
        Its shape.
    """
    return OwnShape(**_fields(one, reader, beside), reason=one.reason or None, effects=list(effects))


def text_of(one: Post, keys: Mapping[int, MemberKey]) -> str:
    """Read what was written.

    Args:
        one: the post.
        keys: of authors, by member.

    Returns:
        The text; empty where it is gone.
    """
    key = keys.get(one.member_id)
    if key is None or one.sealed is None:
        return ""
    return key.open(purpose_of(one.post_id), bytes(one.sealed)).decode()


def _fields(one: Post, reader: Reader, beside: Beside) -> dict[str, Any]:
    asked = reader.member_id is not None
    return {
        "id": one.shown_id,
        "kind": one.kind,
        "question": number_text("post", one.question_id) if one.question_id is not None else None,
        "author": beside.names.get(one.member_id),
        "text": text_of(one, beside.keys),
        "product": one.product or None,
        "bought": one.bought,
        "photo": beside.photos.get(one.post_id),
        "language": one.language or None,
        "posted_at": one.posted_at,
        "likes": one.likes,
        "answers": one.answers,
        "liked": one.post_id in beside.liked if asked else None,
        "own": one.member_id == reader.member_id if asked else None,
        "state": one.state,
    }
