"""What staff does with posts: approve, refuse, hide."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.circles.posts.rows import Post, State, count_answers, lock_post, save_post
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record

Decision = Literal["approve", "refuse", "hide"]
LONGEST_REASON: Final = 500
_TO: Final[dict[Decision, State]] = {"approve": "shown", "refuse": "refused", "hide": "hidden"}
_FROM: Final[dict[Decision, tuple[State, ...]]] = {
    "approve": ("waiting", "refused", "hidden"),
    "refuse": ("waiting",),
    "hide": ("waiting", "shown"),
}
_WORDS: Final[dict[Decision, str]] = {"approve": "approved", "refuse": "refused", "hide": "hidden"}


class Moderator(NamedTuple):
    """Who decides."""

    program_id: int
    actor: str
    """As the audit trail names them."""
    now: datetime
    ids: IdMaker
    takes_back: bool
    """Whether what a post has brought goes when it is hidden, as the program says."""


def decide(tx: Tx, who: Moderator, post_id: int, what: tuple[Decision, str]) -> Post:
    """Decide on a post, with a row in the audit trail.

    What it brings begins when it is approved, and ends when it is hidden or refused, where the program takes
    it back; what is approved again brings it again.

    Args:
        tx: bound to the tenant.
        who: the moderator.
        post_id: which post.
        what: the decision, and why; approving needs no reason.

    Returns:
        The post. The same decision again changes nothing.

    Raises:
        Problem: `post_not_found`, `post_withdrawn`, `post_decided` or `reason_missing`.
    """
    decision, reason = what
    one = lock_post(tx, who.program_id, post_id)
    if one.state == "withdrawn":
        raise Problem("post_withdrawn", "its author has taken it back")
    if one.state == _TO[decision]:
        return one
    if one.state not in _FROM[decision]:
        raise Problem("post_decided", f"it is {one.state} already, and cannot be {_WORDS[decision]}")
    reason = " ".join(reason.split())
    if decision != "approve" and not reason:
        raise Problem.at("/reason", "reason_missing", "say why; the author may read it")
    if one.question_id is not None and "shown" in (one.state, _TO[decision]):
        count_answers(tx, who.program_id, one.question_id, 1 if decision == "approve" else -1)
    turned = one.turned(who.now, brings=True) if decision == "approve" else one
    if decision != "approve" and who.takes_back:
        turned = one.turned(who.now, brings=False)
    decided = turned._replace(
        state=_TO[decision],
        held_for=[],
        decided_at=who.now,
        decided_by=who.actor,
        reason=reason,
        # Those who reported it were heard: others may report it anew.
        reports=0 if decision == "approve" else one.reports,
    )
    save_post(tx, who.program_id, decided)
    detail = {"kind": one.kind, "reason": reason} if reason else {"kind": one.kind}
    act = Act(who.now, who.actor, f"post.{_WORDS[decision]}", one.shown_id, who.program_id, detail)
    record(tx, act, who.ids)
    return decided
