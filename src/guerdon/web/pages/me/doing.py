"""What can be done by a press on the page: the word in a form's address, and what does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.engine.commands import JoinChallenge, LeaveChallenge
from guerdon.members.identities import member_ref
from guerdon.web.pages.me import seats
from guerdon.web.pages.me.acting import Asked, tell
from guerdon.web.pages.me.circles import ranks, sharing, teams, writing
from guerdon.web.pages.me.goals import deeds
from guerdon.web.pages.me.reader import Reader

_NOTHING: Final = Problem("page_not_found", "there is no such page")


class Act(NamedTuple):
    """Something that can be done."""

    section: str
    """The part of the address on which its form stands."""
    part: str
    """Of that page, where it is seen and told that it was done."""
    do: Callable[[Reader, Asked], Awaitable[None]]


def find_act(what: str) -> Act:
    """Find what a form's address means.

    Args:
        what: its word.

    Returns:
        What does it, and where it is seen.

    Raises:
        Problem: `page_not_found`.
    """
    found = ACTS.get(what)
    if found is None:
        raise _NOTHING
    return found


async def _join_challenge(reader: Reader, asked: Asked) -> None:
    await tell(reader, JoinChallenge, asked, member=member_ref(reader.taker.member_id), challenge=asked.key)


async def _leave_challenge(reader: Reader, asked: Asked) -> None:
    await tell(reader, LeaveChallenge, asked, member=member_ref(reader.taker.member_id), challenge=asked.key)


ACTS: Final[Mapping[str, Act]] = {
    "join-challenge": Act("do", "challenges", _join_challenge),
    "leave-challenge": Act("do", "challenges", _leave_challenge),
    "send-deed": Act("do", "deeds", deeds.send_deed),
    "join-board": Act("club", "boards", ranks.join_board),
    "leave-board": Act("club", "boards", ranks.leave_board),
    "found-team": Act("club", "teams", teams.found_team),
    "join-team": Act("club", "teams", teams.join_team),
    "leave-team": Act("club", "teams", teams.leave_team),
    "stay-out": Act("club", "teams", teams.stay_out),
    "rename-team": Act("club", "teams", teams.rename_team),
    "invite-mate": Act("club", "teams", teams.invite_mate),
    "accept-mate": Act("club", "teams", teams.accept_mate),
    "refuse-mate": Act("club", "teams", teams.refuse_mate),
    "send-away": Act("club", "teams", teams.send_away),
    "hand-over": Act("club", "teams", teams.hand_over),
    "dissolve-team": Act("club", "teams", teams.dissolve),
    "write-post": Act("club", "posts", writing.write),
    "answer-question": Act("club", "posts", writing.answer),
    "like-post": Act("club", "posts", writing.like),
    "unlike-post": Act("club", "posts", writing.unlike),
    "report-post": Act("club", "posts", writing.report),
    "withdraw-post": Act("club", "posts", writing.withdraw),
    "be-called": Act("club", "posts", writing.be_called),
    "share": Act("club", "shares", sharing.make_share),
    "end-share": Act("club", "shares", sharing.end_share),
    "wait-for-seat": Act("rewards", "rewards", seats.wait),
    "stop-waiting": Act("rewards", "rewards", seats.stop_waiting),
}
"""By the word in the address."""
