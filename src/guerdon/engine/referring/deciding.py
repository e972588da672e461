"""Held invitations: somebody looks at them, and lets them in or not."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.circles.completions import Completion, Place, load_of, lock_completion, save_completion
from guerdon.circles.referrals import Referral, State, decide_referral, lock_referral
from guerdon.engine.referring.due import complete
from guerdon.engine.referring.evidence import Scene
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rules.referrals.telling import referral_text

_NOT_FOUND: Final = Problem("referral_not_found", "there is no such invitation")
_NOT_HELD: Final = Problem("referral_not_held", "this invitation waits for nobody's decision")


class Decision(NamedTuple):
    """What somebody decides."""

    friend_id: int
    approve: bool
    by: str
    """Who decides, as the audit trail names callers."""
    now: datetime


def decide(tx: Tx, scene: Scene, decision: Decision, ids: IdMaker) -> Place | None:
    """Let a held invitation in, or refuse it: first the friend, else the friend's event.

    Args:
        tx: bound to the tenant.
        scene: program and keys.
        decision: what somebody decides.
        ids: makes the identifier of the audit row.

    Returns:
        What names the friend's event that now brings the advocate's prize; None where there is none.

    Raises:
        Problem: `referral_not_found` or `referral_not_held`.
    """
    invited = lock_referral(tx, scene.program_id, decision.friend_id)
    if invited is None:
        raise _NOT_FOUND
    found = None
    if invited.state == "held":
        _decide_friend(tx, invited, decision)
    else:
        found = _decide_event(tx, scene, decision)
    word = "approved" if decision.approve else "refused"
    shown = referral_text(decision.friend_id)
    record(tx, Act(decision.now, decision.by, f"referral.{word}", shown, scene.program_id), ids)
    return found


def _decide_friend(tx: Tx, invited: Referral, decision: Decision) -> None:
    state: State = "joined" if decision.approve else "refused"
    decide_referral(tx, invited._replace(state=state, decided_at=decision.now, decided_by=decision.by))


def _decide_event(tx: Tx, scene: Scene, decision: Decision) -> Place | None:
    rows = load_of(tx, scene.program_id, [decision.friend_id]).get(decision.friend_id, [])
    held = next((one for one in rows if one.state == "held"), None)
    one: Completion | None = lock_completion(tx, held.place) if held is not None else None
    if one is None or one.state != "held":
        raise _NOT_HELD
    one = one._replace(decided_at=decision.now, decided_by=decision.by)
    if decision.approve:
        save_completion(tx, complete(tx, scene, one, decision.now))
        return one.place
    save_completion(tx, one._replace(state="refused"))
    return None
