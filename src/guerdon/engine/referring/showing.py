"""What a member sees of their invitations: code, link, and what became of each friend, none of them named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from guerdon.base.errors import Problem
from guerdon.circles.codes import Inviter, code_for
from guerdon.circles.completions import Completion, count_completed, load_of
from guerdon.circles.referrals import Referral, list_invited_by, list_referrals
from guerdon.engine.referring.evidence import Scene
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found
from guerdon.rules.referrals.keys import is_offered

FriendState = Literal["joined", "held", "refused", "completed", "reversed"]
NOT_OFFERED: Final = Problem("referrals_not_offered", "members of this program cannot invite others")
_SHOWN: Final[dict[str, FriendState]] = {
    "new": "joined",
    "held": "held",
    "refused": "refused",
    "completed": "completed",
    "reversing": "reversed",
    "reversed": "reversed",
}


@dataclass(frozen=True, slots=True)
class Friend:
    """One who was invited."""

    friend_id: int
    """The member; it names the invitation."""
    advocate_id: int
    state: FriendState
    """`joined`: enrolled, and nothing counted yet."""
    reasons: Sequence[str]
    """What was found in review."""
    joined_at: datetime
    completed_at: datetime | None
    decided_by: str


@dataclass(frozen=True, slots=True)
class Rung:
    """What several friends bring."""

    friends: int
    reached: bool


@dataclass(frozen=True, slots=True)
class Invitations:
    """What a member sees."""

    code: str
    """Letters without a dash."""
    completed: int
    """How many friends have come, and stand."""
    friends: Sequence[Friend]
    """Newest first."""
    rungs: Sequence[Rung]


def load_invitations(
    tx: Tx, scene: Scene, who: Found, now: datetime, page: tuple[int, int] = (0, 50)
) -> Invitations:
    """Tell a member's invitations; the code is made where there is none yet.

    Args:
        tx: bound to the tenant.
        scene: program and keys.
        who: the member.
        now: the instant, UTC.
        page: only friends before this one (0 for all), and how many at most.

    Returns:
        What the member may see.

    Raises:
        Problem: `referrals_not_offered`.
    """
    definition = scene.program.definition
    if not is_offered(definition):
        raise NOT_OFFERED
    code = code_for(tx, scene.vault, Inviter(scene.program_id, who.account_id, who.member_id), now)
    completed = count_completed(tx, scene.program_id, who.member_id)
    rows = list_invited_by(tx, scene.program_id, who.member_id, page)
    rungs = [Rung(int(one.from_), completed >= one.from_) for one in definition.referral.ladder]
    return Invitations(code, completed, _friends(tx, scene.program_id, rows), rungs)


def load_all(tx: Tx, program_id: int, page: tuple[int, int], *, held: bool = False) -> list[Friend]:
    """List a program's invitations.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only friends before this one (0 for all), and how many at most.
        held: only those that wait for somebody.

    Returns:
        Newest first.
    """
    return _friends(tx, program_id, list_referrals(tx, program_id, page, held=held))


def _friends(tx: Tx, program_id: int, rows: Sequence[Referral]) -> list[Friend]:
    found = load_of(tx, program_id, [one.member_id for one in rows])
    return [_friend(one, found.get(one.member_id, ())) for one in rows]


def _friend(one: Referral, came: Sequence[Completion]) -> Friend:
    last = came[-1] if came and one.state == "joined" else None
    state: FriendState = _SHOWN[last.state] if last is not None else one.state
    reasons = last.reasons if last is not None else one.reasons
    completed_at = last.completed_at if last is not None and state == "completed" else None
    decided_by = (last.decided_by if last is not None else "") or one.decided_by
    return Friend(one.member_id, one.advocate_id, state, reasons, one.joined_at, completed_at, decided_by)
