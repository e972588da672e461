"""What a member does in the community: write, answer, like, report, take back, choose a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from anyio import to_thread

from guerdon.base.errors import Problem
from guerdon.circles.posts.names import Choice, choose_name
from guerdon.circles.posts.opinions import REASONS
from guerdon.circles.posts.rows import Post, parse_post
from guerdon.engine.community import posting
from guerdon.engine.community.posting import Author, Desk, Written
from guerdon.engine.community.telling import untold_turns
from guerdon.engine.telling.pages import Untold
from guerdon.infra.tx import Tx
from guerdon.members.identities import member_ref
from guerdon.web.api.community.taking import Whose, author_of, tell
from guerdon.web.pages.me.acting import Asked, is_first, picture_of
from guerdon.web.pages.me.reader import Reader

_LONGEST: Final = 4_000
_SKU_AT_MOST: Final = 200


async def write(reader: Reader, asked: Asked) -> None:
    """Post or ask something.

    Args:
        reader: who.
        asked: `kind`, `text`, `product`, and perhaps a photo.
    """
    picture = await picture_of(asked)
    is_question = asked.fields.get("kind") == "question"
    product = asked.fields.get("product", "")[:_SKU_AT_MOST]
    said = Written("question" if is_question else "post", _text(asked), product, picture)
    await _as_author(reader, asked, lambda tx, author: posting.write(tx, _desk(reader), author, said))


async def answer(reader: Reader, asked: Asked) -> None:
    """Answer a question.

    Args:
        reader: who.
        asked: the question's id, and `text`.
    """
    said = Written("answer", _text(asked), question_id=parse_post(asked.key))
    await _as_author(reader, asked, lambda tx, author: posting.write(tx, _desk(reader), author, said))


async def like(reader: Reader, asked: Asked) -> None:
    """Like a post.

    Args:
        reader: who.
        asked: the post's id.
    """
    await _as_author(reader, asked, lambda tx, author: posting.like(tx, author, parse_post(asked.key)))


async def unlike(reader: Reader, asked: Asked) -> None:
    """Take a like back.

    Args:
        reader: who.
        asked: the post's id.
    """
    await _as_author(reader, asked, lambda tx, author: posting.unlike(tx, author, parse_post(asked.key)))


async def report(reader: Reader, asked: Asked) -> None:
    """Report a post.

    Args:
        reader: who.
        asked: the post's id, and `why`.
    """
    said = asked.fields.get("why", "")
    why = said if said in REASONS else "other"
    await _as_author(reader, asked, lambda tx, author: posting.report(tx, author, parse_post(asked.key), why))


async def withdraw(reader: Reader, asked: Asked) -> None:
    """Take back what one wrote.

    Args:
        reader: who.
        asked: the post's id.
    """
    await _as_author(reader, asked, lambda tx, author: posting.withdraw(tx, author, parse_post(asked.key)))


async def be_called(reader: Reader, asked: Asked) -> None:
    """Choose the name by which others see one.

    Args:
        reader: who.
        asked: `name`.
    """

    def work() -> None:
        whose = _whose(reader)
        with whose.premises.house.database.transaction(whose.tenant_id) as tx:
            if is_first(tx, reader, asked):
                author = author_of(tx, whose, member_ref(reader.taker.member_id))
                choice = Choice(asked.fields.get("name", ""), author.key, author.now)
                choose_name(tx, reader.vault, author.doer, choice)

    await to_thread.run_sync(work)


def _text(asked: Asked) -> str:
    text = asked.fields.get("text", "")
    if len(text) > _LONGEST:
        raise Problem.at("/text", "text_too_long", f"at most {_LONGEST} characters fit here")
    return text


def _desk(reader: Reader) -> Desk:
    return Desk(reader.vault, reader.visit.whose.premises.house.ids)


def _whose(reader: Reader) -> Whose:
    visit = reader.visit
    return Whose(visit.whose.premises, visit.link.tenant_id, reader.program.key, reader.now)


async def _as_author(reader: Reader, asked: Asked, do: Callable[[Tx, Author], Post]) -> None:
    whose = _whose(reader)

    def work() -> list[Untold]:
        with whose.premises.house.database.transaction(whose.tenant_id) as tx:
            if not is_first(tx, reader, asked):
                return []
            author = author_of(tx, whose, member_ref(reader.taker.member_id))
            return untold_turns(tx, author.program_id, do(tx, author))

    await tell(whose, await to_thread.run_sync(work))
