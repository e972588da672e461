"""Likes and reports: one of each for each member."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from guerdon.circles.posts.days import Doer
from guerdon.circles.posts.rows import Post
from guerdon.infra.tx import Tx

REASONS = ("spam", "rude", "wrong", "private", "other")
"""Why members report a post."""


_COLUMNS: Final = "post_id, member_id, liked_at, since, told"
_SELECT: Final = f"select {_COLUMNS} from post_likes"  # noqa: S608 - columns of ours
# Whoever likes it again after taking it back does so for the author's points no second time.
_LIKE: Final = """
insert into post_likes as l (program_id, post_id, member_id, account_id, liked_at, since, told)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (program_id, post_id, member_id) do update set gone = false,
    liked_at = case when l.told < 0 then excluded.liked_at else l.liked_at end,
    since = case when l.told < 0 then excluded.since else l.since end,
    told = case when l.told < 0 then excluded.told else l.told end
where l.gone
"""
UNHEARD: Final = -1
"""What stands for the turns of a like of which the engine need not know."""


class Like(NamedTuple):
    """A like that comes to the post's author."""

    post_id: int
    member_id: int
    """Who likes it."""
    liked_at: datetime
    since: int
    """So many turns had the post."""
    told: int
    """So many of its own turns does the engine know, the like itself being the first."""

    def turns(self, post: Sequence[datetime]) -> list[datetime]:
        """Tell when it began to bring the author something, when that was taken back, and so on.

        Args:
            post: the turns of the post.

        Returns:
            The instants; what becomes of the post becomes of the like.
        """
        return [self.liked_at, *post[self.since :]]


def like(tx: Tx, who: Doer, post: Post, how: tuple[datetime, bool]) -> bool:
    """Note that a member likes a post that is locked.

    Args:
        tx: bound to the tenant.
        who: the member.
        post: which.
        how: the instant, and whether the engine is to be told.

    Returns:
        False where they liked it before.
    """
    at, heard = how
    place = (who.program_id, post.post_id, who.member_id, who.account_id)
    done = tx.execute(_LIKE, (*place, at, len(post.turns), 0 if heard else UNHEARD)).rowcount
    if done:
        _count(tx, who.program_id, post.post_id, 1)
    return done == 1


def take_back(tx: Tx, who: Doer, post_id: int) -> bool:
    """Take a like back; what it brought the author is the post's until that is hidden.

    Args:
        tx: bound to the tenant.
        who: the member.
        post_id: which post, locked.

    Returns:
        Whether there was one.
    """
    done = tx.execute(
        "update post_likes set gone = true"
        " where program_id = %s and post_id = %s and member_id = %s and not gone",
        (who.program_id, post_id, who.member_id),
    ).rowcount
    if done:
        _count(tx, who.program_id, post_id, -1)
    return done == 1


def liked_by(tx: Tx, program_id: int, member_id: int, post_ids: Collection[int]) -> set[int]:
    """Find which posts a member likes.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: who.
        post_ids: of which posts.

    Returns:
        Those among them.
    """
    rows = tx.execute(
        "select post_id from post_likes"
        " where program_id = %s and member_id = %s and post_id = any(%s::bigint[]) and not gone",
        (program_id, member_id, sorted(post_ids)),
    )
    return {row[0] for row in rows}


def report(tx: Tx, who: Doer, post_id: int, what: tuple[str, datetime]) -> bool:
    """Note that a member finds something wrong with a post that is locked.

    Args:
        tx: bound to the tenant.
        who: the member.
        post_id: which.
        what: one of `REASONS`, and the instant.

    Returns:
        False where they reported it before.
    """
    values = (who.program_id, post_id, who.member_id, who.account_id, *what)
    return (
        tx.execute(
            "insert into post_reports (program_id, post_id, member_id, account_id, why, reported_at)"
            " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
            values,
        ).rowcount
        == 1
    )


def reports_of(tx: Tx, program_id: int, post_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Count why posts were reported.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        post_ids: which.

    Returns:
        By post: reason → how many members.
    """
    rows = tx.execute(
        "select post_id, why, count(*) from post_reports"
        " where program_id = %s and post_id = any(%s::bigint[]) group by post_id, why order by post_id, why",
        (program_id, sorted(post_ids)),
    )
    found: dict[int, dict[str, int]] = {}
    for post_id, why, count in rows:
        found.setdefault(post_id, {})[why] = count
    return found


def list_untold(tx: Tx, program_id: int, page: tuple[tuple[int, int], int]) -> list[Like]:
    """List likes of which the engine knows nothing yet.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only those behind this post and member, and how many at most.

    Returns:
        In the order of posts and members.
    """
    after, limit = page
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and told = 0 and (post_id, member_id) > (%s, %s)"
        " order by post_id, member_id limit %s",
        (program_id, *after, limit),
    )
    return [Like(*row) for row in rows]


def list_behind(tx: Tx, program_id: int, post: Post, page: tuple[int, int]) -> list[Like]:
    """List likes of a post of which the engine does not know all that became of them with it.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        post: which.
        page: only those of members behind this one, and how many at most.

    Returns:
        In the order of members.
    """
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and post_id = %s and told >= 0 and told < %s - since + 1"
        " and member_id > %s order by member_id limit %s",
        (program_id, post.post_id, len(post.turns), *page),
    )
    return [Like(*row) for row in rows]


def find_untold(tx: Tx, program_id: int, place: tuple[int, int]) -> Like | None:
    """Find a like of which the engine is to be told.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        place: post and member.

    Returns:
        The like, None where there is none or it is told.
    """
    row = tx.execute(
        f"{_SELECT} where program_id = %s and post_id = %s and member_id = %s and told = 0",
        (program_id, *place),
    ).fetchone()
    return Like(*row) if row is not None else None


def list_heard(tx: Tx, program_id: int, post_ids: Collection[int]) -> list[Like]:
    """List all likes of posts that come to their authors, taken back or not.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        post_ids: of which posts.

    Returns:
        In the order of posts and members.
    """
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and post_id = any(%s::bigint[]) and told >= 0"
        " order by post_id, member_id",
        (program_id, sorted(post_ids)),
    )
    return [Like(*row) for row in rows]


def mark_told(tx: Tx, program_id: int, one: Like, turn: int) -> None:
    """Note that the engine knows what became of a like.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        one: which.
        turn: so many of its turns were told, or more by others.
    """
    tx.execute(
        "update post_likes set told = greatest(told, %s)"
        " where program_id = %s and post_id = %s and member_id = %s and told >= 0",
        (turn, program_id, one.post_id, one.member_id),
    )


def mark_all_told(tx: Tx, program_id: int, post: Post) -> None:
    """Note that the engine knows by all who liked a post what became of it, where that is so.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        post: as it was when its likes were listed.
    """
    tx.execute(
        "update posts set liked_turns = greatest(liked_turns, %s)"
        " where program_id = %s and post_id = %s and not exists ("
        " select from post_likes l where l.program_id = posts.program_id and l.post_id = posts.post_id"
        " and l.told >= 0 and l.told < %s - l.since + 1)",
        (len(post.turns), program_id, post.post_id, len(post.turns)),
    )


def forget_member(tx: Tx, program_id: int, member_id: int) -> None:
    """Forget what somebody liked and reported; posts keep how many did.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: who.
    """
    tx.execute("delete from post_reports where program_id = %s and member_id = %s", (program_id, member_id))


def _count(tx: Tx, program_id: int, post_id: int, by: int) -> None:
    tx.execute(
        "update posts set likes = likes + %s where program_id = %s and post_id = %s",
        (by, program_id, post_id),
    )
