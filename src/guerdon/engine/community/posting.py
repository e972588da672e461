"""What members do with posts: write, answer, like, report, take back."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.circles.posts import opinions
from guerdon.circles.posts.days import Deed, Doer, count_deed
from guerdon.circles.posts.photos import Photo, insert_photo, remove_photo, seal_photo
from guerdon.circles.posts.rows import (
    NO_POST,
    Kind,
    Post,
    authors_of_alike,
    count_answers,
    insert_post,
    is_known,
    lock_post,
    save_post,
)
from guerdon.engine.community.bought import has_bought
from guerdon.infra.pictures.photos import Picture
from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey, Vault
from guerdon.rules.community.words import clean_text, count_words, folded, held_for
from guerdon.rules.own_events import POST_LIKED
from guerdon.rules.program import Program

REPORTS_A_DAY: Final = 20
_CLOSED: Final = Problem("community_closed", "this program has no community, or it is closed")
_OWN: Final = Problem("own_post", "this is the member's own, or of somebody of the same account")


class Author(NamedTuple):
    """Who does something."""

    program_id: int
    program: Program
    """The live version: its rules hold."""
    account_id: int
    member_id: int
    key: MemberKey
    language: str
    now: datetime

    @property
    def doer(self) -> Doer:
        """The member by numbers."""
        return Doer(self.program_id, self.account_id, self.member_id)


class Written(NamedTuple):
    """What somebody writes."""

    kind: Kind
    text: str
    product: str = ""
    photo: Picture | None = None
    question_id: int | None = None
    share: str = ""


class Desk(NamedTuple):
    """What writing needs beside the author."""

    vault: Vault
    ids: IdMaker


def write(tx: Tx, desk: Desk, author: Author, said: Written) -> Post:
    """Take in a post, a question, an answer, or word of a share.

    Args:
        tx: bound to the tenant.
        desk: keys and numbers.
        author: who writes.
        said: what.

    Returns:
        The post: shown, or waiting for somebody.

    Raises:
        Problem: `community_closed`, `post_empty`, `text_too_long`, `nul_character`, `links_refused`,
            `photos_refused`, `post_not_found`, `posts_too_many` or `post_repeated`.
    """
    community = author.program.definition.community
    if said.kind != "share" and community.approve == "closed":
        raise _CLOSED
    text = clean_text(said.text)
    _check(author, said, text)
    question = _question(tx, author, said)
    _count(tx, author, "posts", community.max_per_day)
    digest = _digest(desk.vault, text, said.photo)
    known = is_known(tx, author.program_id, author.member_id)
    why = ["approve"] if said.kind == "share" else held_for(community, text, known=known)
    alike = authors_of_alike(tx, author.program_id, digest)
    if author.member_id in alike:
        raise Problem("post_repeated", "this member wrote the very same before")
    if alike:
        why.append("copied")
    post_id = desk.ids.number()
    product = said.product or (question.product if question is not None else "")
    one = Post(
        post_id=post_id,
        kind=said.kind,
        question_id=said.question_id,
        share=said.share,
        account_id=author.account_id,
        member_id=author.member_id,
        product=product,
        bought=bool(product) and has_bought(tx, author.account_id, product),
        language=author.language,
        state="waiting" if why else "shown",
        held_for=why,
        sealed=author.key.seal(purpose_of(post_id), text.encode()),
        words=count_words(text),
        has_photo=said.photo is not None,
        digest=digest,
        posted_at=author.now,
        turns=() if why else (author.now,),
    )
    insert_post(tx, author.program_id, one)
    _keep_photo(tx, desk, author, one, said.photo)
    if question is not None and one.state == "shown":
        count_answers(tx, author.program_id, question.post_id, 1)
    return one


def purpose_of(post_id: int) -> str:
    """Say what a post's text is sealed for.

    Args:
        post_id: which.

    Returns:
        A text of its own.
    """
    return f"post:{post_id}"


def withdraw(tx: Tx, author: Author, post_id: int) -> Post:
    """Take a post back: its text and its photo are gone, what it brought stays.

    What others have reported until it had to wait is as good as hidden: nobody keeps what it brought by being
    faster than who looks at it.

    Args:
        tx: bound to the tenant.
        author: who takes it back.
        post_id: which.

    Returns:
        The post; one that was taken back before stays so.

    Raises:
        Problem: `post_not_found`, also for what others wrote.
    """
    program_id = author.program_id
    one = lock_post(tx, program_id, post_id)
    if one.member_id != author.member_id:
        raise NO_POST
    if one.state == "withdrawn":
        return one
    if one.state == "shown" and one.question_id is not None:
        count_answers(tx, program_id, one.question_id, -1)
    remove_photo(tx, (program_id, post_id))
    if one.state == "waiting" and author.program.definition.community.takes_back:
        one = one.turned(author.now, brings=False)
    gone = one._replace(state="withdrawn", held_for=[], sealed=None, has_photo=False, digest=None)
    save_post(tx, program_id, gone)
    return gone


def like(tx: Tx, author: Author, post_id: int) -> Post:
    """Like a post; liking again changes nothing.

    Args:
        tx: bound to the tenant.
        author: who likes it.
        post_id: which.

    Returns:
        The post with its likes.

    Raises:
        Problem: `community_closed`, `post_not_found`, `own_post` or `likes_too_many`.
    """
    one = _others(tx, author, post_id)
    program = author.program
    awaited = POST_LIKED in program.by_trigger or POST_LIKED in program.metrics_by_event
    if not opinions.like(tx, author.doer, one, (author.now, awaited)):
        return one
    _count(tx, author, "likes", program.definition.community.likes_per_day)
    return one._replace(likes=one.likes + 1)


def unlike(tx: Tx, author: Author, post_id: int) -> Post:
    """Take a like back; what it brought its author stays as long as the post does.

    Args:
        tx: bound to the tenant.
        author: who liked it.
        post_id: which.

    Returns:
        The post with its likes.

    Raises:
        Problem: `post_not_found`.
    """
    one = lock_post(tx, author.program_id, post_id)
    gone = opinions.take_back(tx, author.doer, post_id)
    return one._replace(likes=one.likes - 1) if gone else one


def report(tx: Tx, author: Author, post_id: int, why: str) -> Post:
    """Report a post; enough reports take it off the page until somebody has looked.

    Args:
        tx: bound to the tenant.
        author: who reports it.
        post_id: which.
        why: one of `opinions.REASONS`.

    Returns:
        The post.

    Raises:
        Problem: `community_closed`, `post_not_found`, `own_post` or `reports_too_many`.
    """
    one = _others(tx, author, post_id)
    if not opinions.report(tx, author.doer, post_id, (why, author.now)):
        return one
    _count(tx, author, "reports", REPORTS_A_DAY)
    one = one._replace(reports=one.reports + 1)
    if one.reports >= author.program.definition.community.reports:
        one = one._replace(state="waiting", held_for=["reports"])
        if one.question_id is not None:
            count_answers(tx, author.program_id, one.question_id, -1)
    save_post(tx, author.program_id, one)
    return one


def _check(author: Author, said: Written, text: str) -> None:
    if said.photo is not None and not author.program.definition.community.photos:
        raise Problem.at("/photo", "photos_refused", "this program takes no photos")
    if not count_words(text) and (said.photo is None or said.kind != "post"):
        raise Problem.at(
            "/text", "post_empty", "a post has words or a photo; a question and an answer have words"
        )


def _question(tx: Tx, author: Author, said: Written) -> Post | None:
    if said.question_id is None:
        return None
    question = lock_post(tx, author.program_id, said.question_id)
    if question.kind != "question" or question.state != "shown":
        raise NO_POST
    return question


def _count(tx: Tx, author: Author, deed: Deed, most: int) -> None:
    today = author.program.zone.local(author.now).date()
    if not count_deed(tx, author.doer, (deed, today), most):
        raise Problem(f"{deed}_too_many", f"a member has {most} {deed} a day, and these are used up")


def _digest(vault: Vault, text: str, photo: Picture | None) -> bytes:
    words = folded(text)
    if not words and photo is not None:
        return vault.digest("post photo", photo.data.hex())
    return vault.digest("post text", words)


def _keep_photo(tx: Tx, desk: Desk, author: Author, one: Post, photo: Picture | None) -> None:
    if photo is None:
        return
    sealed = seal_photo(author.key, one.post_id, photo.data)
    kept = Photo(desk.vault.digest("photo", photo.data.hex()), photo.width, photo.height, sealed)
    insert_photo(tx, (author.program_id, one.post_id), kept)


def _others(tx: Tx, author: Author, post_id: int) -> Post:
    if author.program.definition.community.approve == "closed":
        raise _CLOSED
    one = lock_post(tx, author.program_id, post_id)
    if one.state != "shown" or one.kind == "share":
        raise NO_POST
    if author.member_id == one.member_id or author.account_id == one.account_id:
        raise _OWN
    return one
