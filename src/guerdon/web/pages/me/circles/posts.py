"""What members say to each other: the newest posts and questions, and one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from anyio import to_thread

from guerdon.circles.posts import rows
from guerdon.circles.posts.rows import Kind, Post, Wanted, parse_post
from guerdon.engine.community import posting
from guerdon.engine.community.posting import Author, Desk, Written
from guerdon.engine.community.telling import Untold, untold_post
from guerdon.infra.tx import Tx
from guerdon.members.identities import member_ref
from guerdon.web.api.community import shown
from guerdon.web.api.community.taking import Whose, author_of, tell
from guerdon.web.pages.me.acting import Asked
from guerdon.web.pages.me.reader import Reader

_NEWEST: Final = 6
_OWN: Final = 3
_KINDS: Final = ("post", "question")


@dataclass(frozen=True, slots=True)
class PostView:
    """A post or a question on the page."""

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
    state: str
    reason: str
    """Why staff refused or hid it."""


@dataclass(frozen=True, slots=True)
class CommunityView:
    """What is said in the club."""

    waiting: tuple[PostView, ...]
    """One's own that others do not see."""
    newest: tuple[PostView, ...]


def load_community(tx: Tx, reader: Reader) -> CommunityView | None:
    """Load the newest posts, and those of the reader that wait for somebody.

    Args:
        tx: bound to the tenant.
        reader: who reads.

    Returns:
        Them; None where the program has no community.
    """
    if reader.program.definition.community.approve == "closed":
        return None
    program_id, member_id = reader.taker.program_id, reader.taker.member_id
    looks = shown.Reader(reader.vault, program_id, member_id)
    newest = rows.list_shown(tx, program_id, Wanted(None, _KINDS, None, _NEWEST))
    own = rows.list_of_member(tx, program_id, member_id, (None, 2 * _OWN))
    hidden = [one for one in own if one.state in ("waiting", "refused", "hidden") and one.kind in _KINDS]
    posts = [*newest, *hidden[:_OWN]]
    beside = shown.look_beside(tx, looks, posts)

    def view(one: Post) -> PostView:
        said = shown.show_own(one, looks, beside)
        return PostView(
            id=said.id,
            kind=said.kind,
            author=said.author or "",
            text=said.text,
            photo=said.photo.url if said.photo is not None else "",
            posted_at=said.posted_at,
            likes=said.likes,
            answers=said.answers,
            is_liked=bool(said.liked),
            is_own=bool(said.own),
            state=said.state,
            reason=said.reason or "",
        )

    return CommunityView(
        waiting=tuple(view(one) for one in hidden[:_OWN]), newest=tuple(view(one) for one in newest)
    )


async def write(reader: Reader, asked: Asked) -> None:
    """Post or ask something.

    Args:
        reader: who.
        asked: `post` or `question`, and `text`.
    """
    kind: Kind = "question" if asked.key == "question" else "post"
    said = Written(kind, asked.fields.get("text", ""))
    house = reader.visit.whose.premises.house
    await _as_author(
        reader, lambda tx, author: posting.write(tx, Desk(reader.vault, house.ids), author, said)
    )


async def like(reader: Reader, asked: Asked) -> None:
    """Like a post.

    Args:
        reader: who.
        asked: the post's id.
    """
    await _as_author(reader, lambda tx, author: posting.like(tx, author, parse_post(asked.key)))


async def unlike(reader: Reader, asked: Asked) -> None:
    """Take a like back.

    Args:
        reader: who.
        asked: the post's id.
    """
    await _as_author(reader, lambda tx, author: posting.unlike(tx, author, parse_post(asked.key)))


async def report(reader: Reader, asked: Asked) -> None:
    """Report a post.

    Args:
        reader: who.
        asked: the post's id.
    """
    await _as_author(reader, lambda tx, author: posting.report(tx, author, parse_post(asked.key), "other"))


async def withdraw(reader: Reader, asked: Asked) -> None:
    """Take back what one wrote.

    Args:
        reader: who.
        asked: the post's id.
    """
    taker = reader.taker
    await _as_author(
        reader,
        lambda tx, _: posting.withdraw(tx, taker.program_id, taker.member_id, parse_post(asked.key)),
    )


async def _as_author(reader: Reader, do: Callable[[Tx, Author], Post]) -> None:
    visit = reader.visit
    whose = Whose(visit.whose.premises, visit.link.tenant_id, reader.program.key, reader.now)

    def work() -> list[Untold]:
        with whose.premises.house.database.transaction(whose.tenant_id) as tx:
            author = author_of(tx, whose, member_ref(reader.taker.member_id))
            one = do(tx, author)
            untold = one.approved_at is not None and not one.told
            return [untold_post(tx, author.program_id, one)] if untold else []

    await tell(whose, await to_thread.run_sync(work))
