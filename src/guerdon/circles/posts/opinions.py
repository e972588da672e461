"""Likes and reports: one of each for each member."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from guerdon.circles.posts.days import Doer
from guerdon.infra.tx import Tx

REASONS = ("spam", "rude", "wrong", "private", "other")
"""Why members report a post."""


class Like(NamedTuple):
    """A like of which the engine was not told."""

    post_id: int
    member_id: int
    """Who likes it."""
    liked_at: datetime


def like(tx: Tx, who: Doer, post_id: int, how: tuple[datetime, bool]) -> bool:
    """Note that a member likes a post that is locked.

    Args:
        tx: bound to the tenant.
        who: the member.
        post_id: which.
        how: the instant, and whether the engine need not be told.

    Returns:
        False where they liked it before.
    """
    at, told = how
    values = (who.program_id, post_id, who.member_id, who.account_id, at, told)
    done = tx.execute(
        "insert into post_likes (program_id, post_id, member_id, account_id, liked_at, told)"
        " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
        values,
    ).rowcount
    if done:
        _count(tx, who.program_id, post_id, 1)
    return done == 1


def take_back(tx: Tx, who: Doer, post_id: int) -> bool:
    """Take a like back.

    Args:
        tx: bound to the tenant.
        who: the member.
        post_id: which post, locked.

    Returns:
        Whether there was one.
    """
    done = tx.execute(
        "delete from post_likes where program_id = %s and post_id = %s and member_id = %s",
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
        " where program_id = %s and member_id = %s and post_id = any(%s::bigint[])",
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
    """List likes of which the engine is to be told.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only those behind this post and member, and how many at most.

    Returns:
        In the order of posts and members.
    """
    after, limit = page
    rows = tx.execute(
        "select post_id, member_id, liked_at from post_likes"
        " where program_id = %s and not told and (post_id, member_id) > (%s, %s)"
        " order by post_id, member_id limit %s",
        (program_id, *after, limit),
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
        "select post_id, member_id, liked_at from post_likes"
        " where program_id = %s and post_id = %s and member_id = %s and not told",
        (program_id, *place),
    ).fetchone()
    return Like(*row) if row is not None else None


def mark_told(tx: Tx, program_id: int, one: Like) -> None:
    """Note that the engine knows of a like.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        one: which.
    """
    tx.execute(
        "update post_likes set told = true where program_id = %s and post_id = %s and member_id = %s",
        (program_id, one.post_id, one.member_id),
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
