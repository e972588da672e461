"""Posts as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx

Kind = Literal["post", "question", "answer", "share"]
State = Literal["waiting", "shown", "refused", "hidden", "withdrawn"]
NO_POST: Final = Problem("post_not_found", "there is no such post")
_COLUMNS: Final = """post_id, kind, question_id, share, account_id, member_id, product, bought, language,
    state, held_for, sealed, words, has_photo, digest, posted_at, decided_at, decided_by, reason, turns,
    likes, answers, reports, told"""
_SELECT: Final = f"select {_COLUMNS} from posts"  # noqa: S608 - a list of columns of ours
_INSERT: Final = f"""
insert into posts (program_id, {_COLUMNS})
values (%s, {", ".join(["%s"] * 24)})
on conflict do nothing
"""  # noqa: S608 - columns of ours
_UPDATE: Final = """
update posts set state = %s, held_for = %s, sealed = %s, has_photo = %s, digest = %s, decided_at = %s,
    decided_by = %s, reason = %s, turns = %s, reports = %s
where program_id = %s and post_id = %s
"""
_LATEST: Final = 2**63 - 1


class Post(NamedTuple):
    """A post, a question, an answer, or a share that somebody is to look at."""

    post_id: int
    kind: Kind
    question_id: int | None
    share: str
    account_id: int
    """For which its author acted."""
    member_id: int
    product: str
    bought: bool
    """Whether that account had bought the product when it was written."""
    language: str
    state: State
    held_for: Sequence[str]
    sealed: bytes | None
    """The text, under its author's key."""
    words: int
    has_photo: bool
    digest: bytes | None
    posted_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""
    turns: Sequence[datetime] = ()
    """When it began to bring its author something, when that was taken back, and so on."""
    likes: int = 0
    answers: int = 0
    reports: int = 0
    told: int = 0
    """So many of its turns does the engine know."""

    @property
    def shown_id(self) -> str:
        """How people see its id."""
        return number_text("post", self.post_id)

    @property
    def brings(self) -> bool:
        """Whether it stands with what campaigns give for it."""
        return len(self.turns) % 2 == 1

    @property
    def is_told(self) -> bool:
        """Whether it was approved, and the engine knows all that became of it."""
        return 0 < len(self.turns) == self.told

    def turned(self, now: datetime, *, brings: bool) -> Post:
        """Let it bring its author something, or no more.

        Args:
            now: when, UTC.
            brings: whether it does from now on.

        Returns:
            The post, the same where it is so already.
        """
        return self if brings == self.brings else self._replace(turns=[*self.turns, now])


def parse_post(text: str) -> int:
    """Read a post's id back.

    Args:
        text: such as `post_01h8xj3q0abcd`.

    Returns:
        The number.

    Raises:
        Problem: `post_not_found`.
    """
    number = parse_number("post", text)
    if number is None:
        raise NO_POST
    return number


def insert_post(tx: Tx, program_id: int, one: Post) -> None:
    """Store a new post.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        one: the post.
    """
    row = one._replace(held_for=list(one.held_for), turns=list(one.turns))
    done = tx.execute(_INSERT, (program_id, *row)).rowcount
    assert done == 1, "its number is new"


def find_post(tx: Tx, program_id: int, post_id: int) -> Post | None:
    """Read one post.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        post_id: which.

    Returns:
        The post, None where there is none.
    """
    row = tx.execute(f"{_SELECT} where program_id = %s and post_id = %s", (program_id, post_id)).fetchone()
    return _post(row) if row is not None else None


def lock_post(tx: Tx, program_id: int, post_id: int) -> Post:
    """Read a post that is to be changed.

    Args:
        tx: bound to the tenant; the row stays locked until its end.
        program_id: of which program.
        post_id: which.

    Returns:
        The post.

    Raises:
        Problem: `post_not_found`.
    """
    query = f"{_SELECT} where program_id = %s and post_id = %s for update"
    row = tx.execute(query, (program_id, post_id)).fetchone()
    if row is None:
        raise NO_POST
    return _post(row)


def save_post(tx: Tx, program_id: int, one: Post) -> None:
    """Write what became of a post.

    Args:
        tx: the transaction in which it was locked.
        program_id: of which program.
        one: as it stands now.
    """
    state = (one.state, list(one.held_for), one.sealed, one.has_photo, one.digest)
    decided = (one.decided_at, one.decided_by, one.reason, list(one.turns), one.reports)
    done = tx.execute(_UPDATE, (*state, *decided, program_id, one.post_id)).rowcount
    assert done == 1, "locked, and found"


def count_answers(tx: Tx, program_id: int, question_id: int, by: int) -> None:
    """Count an answer of a question that is shown from now on, or is not any more.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        question_id: which.
        by: 1 or -1.
    """
    tx.execute(
        "update posts set answers = answers + %s where program_id = %s and post_id = %s",
        (by, program_id, question_id),
    )


class Wanted(NamedTuple):
    """Which of the posts that are shown are asked for."""

    product: str | None = None
    kinds: Sequence[str] = ("post", "question")
    before: int | None = None
    """Only older ones than this."""
    limit: int = 50


def list_shown(tx: Tx, program_id: int, wanted: Wanted) -> list[Post]:
    """List posts and questions that are shown.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        wanted: which.

    Returns:
        The newest first.
    """
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and state = 'shown' and kind in ('post', 'question')"
        " and kind = any(%s::text[]) and (%s::text is null or product = %s) and post_id < %s"
        " order by post_id desc limit %s",
        (
            program_id,
            list(wanted.kinds),
            wanted.product,
            wanted.product,
            wanted.before or _LATEST,
            wanted.limit,
        ),
    )
    return [_post(row) for row in rows]


def list_answers(tx: Tx, program_id: int, question_id: int, page: tuple[int, int]) -> list[Post]:
    """List the answers of a question that are shown.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        question_id: which.
        page: only those behind this one, and how many at most.

    Returns:
        The oldest first.
    """
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and question_id = %s and state = 'shown' and post_id > %s"
        " order by post_id limit %s",
        (program_id, question_id, *page),
    )
    return [_post(row) for row in rows]


def list_of_member(tx: Tx, program_id: int, member_id: int, page: tuple[int | None, int]) -> list[Post]:
    """List what a member wrote and did not take back.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: whose.
        page: only those older than this one, and how many at most.

    Returns:
        The newest first.
    """
    before, limit = page
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and member_id = %s and state <> 'withdrawn' and post_id < %s"
        " order by post_id desc limit %s",
        (program_id, member_id, before or _LATEST, limit),
    )
    return [_post(row) for row in rows]


def list_in_state(tx: Tx, program_id: int, state: str, page: tuple[int, int]) -> list[Post]:
    """List what stands in one state, such as what somebody has to look at.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        state: `waiting`, `shown`, `refused` or `hidden`.
        page: only those behind this one, and how many at most.

    Returns:
        The oldest first.
    """
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and state = %s and post_id > %s order by post_id limit %s",
        (program_id, state, *page),
    )
    return [_post(row) for row in rows]


def count_by_state(tx: Tx, program_id: int) -> dict[str, int]:
    """Count a program's posts.

    Args:
        tx: bound to the tenant.
        program_id: of which program.

    Returns:
        By state.
    """
    query = "select state, count(*) from posts where program_id = %s group by state"
    return {row[0]: row[1] for row in tx.execute(query, (program_id,))}


def is_known(tx: Tx, program_id: int, member_id: int) -> bool:
    """Tell whether something of a member's was approved and still stands.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: whose.

    Returns:
        Whether it does.
    """
    query = (
        "select from posts where program_id = %s and member_id = %s and state = 'shown' and kind <> 'share'"
        " limit 1"
    )
    return tx.execute(query, (program_id, member_id)).fetchone() is not None


def authors_of_alike(tx: Tx, program_id: int, digest: bytes) -> set[int]:
    """Find who wrote the very same before.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        digest: keyed hash of what was written.

    Returns:
        Numbers of members.
    """
    query = "select member_id from posts where program_id = %s and digest = %s"
    return {row[0] for row in tx.execute(query, (program_id, digest))}


def list_untold(tx: Tx, program_id: int, page: tuple[int, int]) -> list[Post]:
    """List what was approved, or hidden afterwards, and of which the engine was not told.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only those behind this one, and how many at most.

    Returns:
        The oldest first.
    """
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and told < cardinality(turns) and post_id > %s"
        " order by post_id limit %s",
        (program_id, *page),
    )
    return [_post(row) for row in rows]


def list_turned(tx: Tx, program_id: int, page: tuple[int, int]) -> list[Post]:
    """List what was hidden, or approved again, and whose likes may not have been told of it.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only those behind this one, and how many at most.

    Returns:
        The oldest first.
    """
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and liked_turns < cardinality(turns) and cardinality(turns) > 1"
        " and post_id > %s order by post_id limit %s",
        (program_id, *page),
    )
    return [_post(row) for row in rows]


def mark_told(tx: Tx, program_id: int, post_id: int, turns: int) -> None:
    """Note that the engine knows what became of a post.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        post_id: which.
        turns: so many of its turns were told, or more by others.
    """
    tx.execute(
        "update posts set told = greatest(told, %s) where program_id = %s and post_id = %s",
        (turns, program_id, post_id),
    )


def forget_author(tx: Tx, program_id: int, member_id: int) -> None:
    """Take back all that a member wrote, as they are forgotten: texts and photos are gone.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: whose.
    """
    shown = tx.execute(
        "select question_id, count(*) from posts where program_id = %s and member_id = %s and state = 'shown'"
        " and question_id is not null group by question_id order by question_id",
        (program_id, member_id),
    ).fetchall()
    for question_id, count in shown:
        count_answers(tx, program_id, question_id, -count)
    tx.execute(
        "delete from post_photos where program_id = %s and post_id in"
        " (select post_id from posts where program_id = %s and member_id = %s)",
        (program_id, program_id, member_id),
    )
    tx.execute(
        "update posts set state = 'withdrawn', held_for = '{}', sealed = null, has_photo = false,"
        " digest = null where program_id = %s and member_id = %s",
        (program_id, member_id),
    )


def page_posts(tx: Tx, after: tuple[int, int], limit: int) -> list[tuple[int, Post]]:
    """Give a page of all posts of a tenant.

    Args:
        tx: bound to the tenant.
        after: only those behind this program and this post.
        limit: how many at most.

    Returns:
        Programs and posts, in their order.
    """
    rows = tx.execute(
        f"select program_id, {_COLUMNS} from posts where (program_id, post_id) > (%s, %s)"  # noqa: S608 - columns of ours
        " order by program_id, post_id limit %s",
        (*after, limit),
    )
    return [(row[0], _post(row[1:])) for row in rows]


def _post(row: tuple[Any, ...]) -> Post:
    return Post(*row)
