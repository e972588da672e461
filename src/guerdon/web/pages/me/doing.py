"""What can be done by a press on the page: the word in a form's address, and what does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from guerdon.base.errors import Problem
from guerdon.engine.commands import JoinChallenge, LeaveChallenge
from guerdon.members.identities import member_ref
from guerdon.web.pages.me import seats
from guerdon.web.pages.me.acting import Asked, tell
from guerdon.web.pages.me.circles import posts, ranks
from guerdon.web.pages.me.reader import Reader

_NOTHING: Final = Problem("page_not_found", "there is no such page")


async def act(reader: Reader, asked: Asked) -> str:
    """Do what a form asks for.

    Args:
        reader: who asks.
        asked: for what.

    Returns:
        The part of the page where it can be seen.

    Raises:
        Problem: `page_not_found` for an act that there is not, and what the act is refused with.
    """
    doing = ACTS.get(asked.what)
    if doing is None:
        raise _NOTHING
    part, do = doing
    await do(reader, asked)
    return part


async def _join_challenge(reader: Reader, asked: Asked) -> None:
    await tell(reader, JoinChallenge, asked, member=member_ref(reader.taker.member_id), challenge=asked.key)


async def _leave_challenge(reader: Reader, asked: Asked) -> None:
    await tell(reader, LeaveChallenge, asked, member=member_ref(reader.taker.member_id), challenge=asked.key)


ACTS: Final[Mapping[str, tuple[str, Callable[[Reader, Asked], Awaitable[None]]]]] = {
    "join-challenge": ("do", _join_challenge),
    "leave-challenge": ("do", _leave_challenge),
    "join-board": ("boards", ranks.join_board),
    "leave-board": ("boards", ranks.leave_board),
    "found-team": ("teams", ranks.found_team),
    "join-team": ("teams", ranks.join_team),
    "leave-team": ("teams", ranks.leave_team),
    "write-post": ("posts", posts.write),
    "like-post": ("posts", posts.like),
    "unlike-post": ("posts", posts.unlike),
    "report-post": ("posts", posts.report),
    "withdraw-post": ("posts", posts.withdraw),
    "wait-for-seat": ("rewards", seats.wait),
    "stop-waiting": ("rewards", seats.stop_waiting),
}
"""The part of the page where it is seen, and what does it."""
