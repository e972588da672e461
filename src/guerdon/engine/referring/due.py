"""Friends' events that counted are looked at, and what they bring is told: by whoever comes first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_decimal
from guerdon.circles.codes import lock_inviter
from guerdon.circles.completions import (
    FIRST,
    Completion,
    Place,
    count_completed,
    list_work,
    load_of,
    lock_completion,
    mark_gone,
    mark_reversed,
    mark_told,
    save_completion,
)
from guerdon.circles.referrals import Referral, list_untold, mark_joined_told
from guerdon.circles.referrals import load_of as load_referrals
from guerdon.engine.commands import IngestEvent
from guerdon.engine.loop import EngineLoop
from guerdon.engine.referring.evidence import Scene, reasons_for, traces_of, whereabouts
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.programs.programs import LiveVersion
from guerdon.rules.referrals.reviewing import verdict_on
from guerdon.rules.referrals.telling import Completed, completed_event, joined_event, reversed_event

_PAGE: Final = 200
_ANSWER_SECONDS: Final = 600
_GONE: Final = frozenset({"member_not_found", "member_erased"})
"""Whoever was erased meanwhile gets nothing any more."""
# Who belonged to the account when the event happened: whoever came or went by a merge since then is told
# apart by the names of events, which rise.
_MEMBERS: Final = """
select member_id from members m where account_id = %(account)s and not exists (
    select from member_moves v
    where v.into_account = m.account_id and v.member_id = m.member_id and v.event_id > %(event)s)
union
select member_id from member_moves where account_id = %(account)s
"""


class Desk(NamedTuple):
    """Where invitations of one program are worked on."""

    database: Database
    loop: EngineLoop
    tenant_id: int
    program: LiveVersion

    @property
    def scene(self) -> Scene:
        """The live program with the tenant's keys."""
        key = (self.tenant_id, self.program.key)
        live = self.loop.programs.find(key) or self.loop.programs.load(key)
        return Scene(self.loop.vault(self.tenant_id), self.program.program_id, live.program)


def settle_referrals(desk: Desk, now: datetime | None) -> int:
    """Look at what friends did, and tell the engine what it does not know yet.

    Nothing of it is done twice, whoever else does the same and whenever either is killed: a row says how far
    it is, and the engine knows its events by their names.

    Args:
        desk: database, engine and program.
        now: the instant, UTC; None in a sandbox, where each thing is told at the time of what brought it.

    Returns:
        How many events were told.

    Raises:
        Problem: the first that the engine refused an event with, after all of its page were tried.
    """
    told = _tell_joined(desk, now)
    wrong: list[Problem] = []
    for page in _pages(desk):
        for one in page:
            at = now or one.happened_at
            if one.state == "new":
                review(desk, one.place, at)
            try:
                told += tell_completion(desk, one.place, at)
            except Problem as problem:
                wrong.append(problem)
    if wrong:
        raise wrong[0]
    return told


def _pages(desk: Desk) -> Iterator[list[Completion]]:
    after = FIRST
    while True:
        with desk.database.transaction(desk.tenant_id) as tx:
            page = list_work(tx, desk.program.program_id, (after, _PAGE))
        if not page:
            return
        yield page
        after = page[-1].place


def review(desk: Desk, place: Place, now: datetime) -> Completion | None:
    """Look at a friend's event for the first time: it is completed, held, or refused.

    Args:
        desk: database, engine and program.
        place: which.
        now: the instant, UTC.

    Returns:
        The row as it stands; None where there is none.
    """
    scene = desk.scene
    with desk.database.transaction(desk.tenant_id) as tx:
        one = lock_completion(tx, place)
        if one is None or one.state != "new":
            return one
        invited = _invited(tx, scene, one)
        if invited is None:
            one = one._replace(state="refused", reasons=["no_invitation"], decided_at=now)
        elif whereabouts(tx, scene, invited.advocate_id) is None:
            one = one._replace(state="refused", reasons=["advocate_gone"], decided_at=now)
        else:
            one = _reviewed(tx, scene, (one, invited), now)
        save_completion(tx, one)
    failpoints.reach("referral_reviewed")
    return one


def _reviewed(tx: Tx, scene: Scene, found: tuple[Completion, Referral], now: datetime) -> Completion:
    one, invited = found
    # Two friends with one card who come at the same time must not miss each other.
    lock_inviter(tx, scene.program_id, invited.advocate_id)
    traces = traces_of(tx, scene, one.place)
    one = one._replace(
        member_id=invited.member_id, advocate_id=invited.advocate_id, traces=sorted(traces.values())
    )
    reasons = reasons_for(tx, scene, invited, one, traces)
    # What somebody let in with open eyes is not held for the same reason again.
    against = [each for each in reasons if not (invited.decided_by and each in invited.reasons)]
    verdict = verdict_on(scene.program.definition.referral.review, against)
    one = one._replace(reasons=reasons)
    if verdict == "allow":
        return complete(tx, scene, one, now)
    return one._replace(state="held" if verdict == "hold" else "refused")


def complete(tx: Tx, scene: Scene, one: Completion, now: datetime) -> Completion:
    """Count a friend as come.

    Args:
        tx: the transaction in which the row was locked.
        scene: program and keys.
        one: the row, with friend and advocate.
        now: the instant, UTC.

    Returns:
        The row as it is to be saved.
    """
    assert one.advocate_id is not None, "looked at before"
    lock_inviter(tx, scene.program_id, one.advocate_id)
    friends = count_completed(tx, scene.program_id, one.advocate_id) + 1
    return one._replace(state="completed", friends=friends, completed_at=now)


def _invited(tx: Tx, scene: Scene, one: Completion) -> Referral | None:
    """Find the invitation that an event completes: the eldest of the account that has come to nothing yet."""
    place = {"account": one.account_id, "event": one.event_id}
    members = [row[0] for row in tx.execute(_MEMBERS, place)]
    invited = [each for each in load_referrals(tx, scene.program_id, members) if each.state == "joined"]
    done = load_of(tx, scene.program_id, members)
    standing = {"held", "completed", "reversing"}
    open_ones = [
        each for each in invited if not any(it.state in standing for it in done.get(each.member_id, ()))
    ]
    return next(iter(open_ones), None)


def _tell_joined(desk: Desk, now: datetime | None) -> int:
    """Tell of friends whom somebody let in who had been held."""
    with desk.database.transaction(desk.tenant_id) as tx:
        page = list_untold(tx, desk.program.program_id, _PAGE)
    return sum(tell_friend(desk, one, now or one.decided_at or one.joined_at) for one in page)


def tell_friend(desk: Desk, one: Referral, now: datetime) -> int:
    """Tell the engine of a friend whom somebody let in who had been held.

    Args:
        desk: database, engine and program.
        one: the invitation.
        now: the instant, UTC.

    Returns:
        How many events were told.

    Raises:
        Problem: what the engine refused it with.
    """
    told = _submit(desk, joined_event(one.member_id, one.decided_at or one.joined_at), now)
    with desk.database.transaction(desk.tenant_id) as tx:
        mark_joined_told(tx, one)
    return int(told)


def tell_completion(desk: Desk, place: Place, now: datetime) -> int:
    """Tell the engine what one friend's event brings, or does not bring any more.

    Args:
        desk: database, engine and program.
        place: which.
        now: the instant, UTC.

    Returns:
        How many events were told.

    Raises:
        Problem: what the engine refused one with.
    """
    with desk.database.transaction(desk.tenant_id) as tx:
        one = lock_completion(tx, place)
    if one is None or one.state not in ("completed", "reversing"):
        return 0
    said = completed_of(one, desk.scene.program.digits)
    told = 0
    if not one.told:
        known = _submit(desk, completed_event(said), now)
        with desk.database.transaction(desk.tenant_id) as tx:
            (mark_told if known else mark_gone)(tx, place)
        told += known
    if one.state == "reversing":
        told += _submit(desk, reversed_event(said, now), now)
        with desk.database.transaction(desk.tenant_id) as tx:
            mark_reversed(tx, place)
    return told


def tell_decided(desk: Desk, friend_id: int, place: Place | None, now: datetime) -> None:
    """Tell the engine what somebody decided.

    Args:
        desk: database, engine and program.
        friend_id: the friend, who names the invitation.
        place: the friend's event that counts now, None where there is none.
        now: the instant, UTC.

    Raises:
        Problem: what the engine refused it with.
    """
    if place is not None:
        tell_completion(desk, place, now)
        return
    with desk.database.transaction(desk.tenant_id) as tx:
        rows = load_referrals(tx, desk.program.program_id, [friend_id])
    for one in rows:
        if one.state == "joined" and not one.told:
            tell_friend(desk, one, now)


def completed_of(one: Completion, digits: int) -> Completed:
    """Say of a row what its event says.

    Args:
        one: completed.
        digits: of the program's currency.

    Returns:
        What the event carries.
    """
    assert one.member_id is not None and one.advocate_id is not None  # noqa: PT018 - completed
    assert one.friends is not None and one.completed_at is not None  # noqa: PT018 - completed
    net = scaled_decimal(one.net, digits)
    return Completed(one.member_id, one.advocate_id, str(one.event_id), one.friends, net, one.completed_at)


def _submit(desk: Desk, raw: bytes, now: datetime) -> bool:
    """Tell the engine something, and say whether there is anybody whom it concerns."""
    asked = IngestEvent(
        tenant_id=desk.tenant_id, program=desk.program.key, received_at=now, bulk=True, raw=raw, own=True
    )
    said = desk.loop.submit(asked).result(_ANSWER_SECONDS)
    failpoints.reach("told")
    if said.problem is None:
        return True
    if said.problem.code not in _GONE:
        raise Problem(said.problem.code, said.problem.detail)
    return False
