"""Calls about invitations."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.circles.completions import Place
from guerdon.engine.referring.deciding import Decision, decide
from guerdon.engine.referring.due import Desk, tell_decided
from guerdon.engine.referring.evidence import Scene
from guerdon.engine.referring.showing import Friend, load_all, load_invitations
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref, resolve
from guerdon.programs.programs import LiveVersion
from guerdon.programs.tenants import find_tenant
from guerdon.rules.referrals.codes import shown_code
from guerdon.rules.referrals.telling import referral_text
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, cursor, listing
from guerdon.web.api.calls.once import once
from guerdon.web.api.referrals.address import invite_path
from guerdon.web.api.referrals.shapes import (
    FriendShape,
    InvitationsShape,
    Referrals,
    ReferralShape,
    RungShape,
)
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Referrals"])
Reading = Annotated[Call, Depends(admitted("referrals:read"))]
Writing = Annotated[Call, Depends(admitted("referrals:write"))]
_ALL: Final = "/v1/programs/{program}/referrals"
_NO_MEMBER: Final = Problem("member_not_found", "nobody here is meant by this reference")
_NO_REFERRAL: Final = Problem("referral_not_found", "there is no such invitation")


@ROUTER.get(
    "/v1/programs/{program}/invitations", summary="A member's invitations", **operation(InvitationsShape)
)
def invitations(
    call: Reading, program: str, wanted: Paged, member: Annotated[str, Query(max_length=260)]
) -> Response:
    """Code and link, friends by state, and what several bring. The code is made when it is first asked."""
    ref = parse_ref(member)
    with call.transaction() as tx:
        scene = _scene(tx, call, program)
        found = resolve(tx, scene.vault, scene.program_id, [ref]).get(ref)
        if found is None:
            raise _NO_MEMBER
        page = (wanted.after(int) or 0, wanted.limit + 1)
        seen = load_invitations(tx, scene, found, call.now, page)
        tenant = find_tenant(tx)
    shown = seen.friends[: wanted.limit]
    more = len(seen.friends) > wanted.limit
    return answer(
        InvitationsShape(
            member=number_text("mem", found.member_id),
            code=shown_code(seen.code),
            link=invite_path(tenant.key if tenant is not None else "", program, seen.code),
            completed=seen.completed,
            ladder=[RungShape(friends=one.friends, reached=one.reached) for one in seen.rungs],
            data=[_friend(one) for one in shown],
            next=cursor(shown[-1].friend_id) if more else None,
        )
    )


@ROUTER.get(_ALL, summary="Invitations of a program", **operation(Referrals))
def all_referrals(
    call: Reading, program: str, wanted: Paged, state: Literal["held"] | None = None
) -> Response:
    """Newest first; `state=held` gives those that wait for somebody to look at them."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        page = (wanted.after(int) or 0, wanted.limit + 1)
        rows = load_all(tx, live.program_id, page, held=state == "held")
    return listing(rows, wanted, lambda one: one.friend_id, _referral)


@ROUTER.post(f"{_ALL}/{{referral}}/approve", summary="Let an invitation in", **operation(ReferralShape))
def approve(call: Writing, program: str, referral: str) -> Response:
    """What was held counts from now on: the friend is invited, or the advocate has the prize."""
    return _decided(call, program, referral, approve=True)


@ROUTER.post(f"{_ALL}/{{referral}}/refuse", summary="Refuse an invitation", **operation(ReferralShape))
def refuse(call: Writing, program: str, referral: str) -> Response:
    """What was held brings nothing."""
    return _decided(call, program, referral, approve=False)


def _decided(call: Call, program: str, referral: str, *, approve: bool) -> Response:
    friend_id = parse_number("ref", referral)
    if friend_id is None:
        raise _NO_REFERRAL
    found: list[tuple[LiveVersion, Place | None]] = []

    def act(tx: Tx) -> tuple[int, ReferralShape]:
        scene = _scene(tx, call, program)
        live = LiveVersion(scene.program_id, program, scene.program.version)
        decision = Decision(friend_id, approve, call.caller.actor, call.now)
        found.append((live, decide(tx, scene, decision, call.house.ids)))
        shown = load_all(tx, scene.program_id, (friend_id + 1, 1))
        return 200, _referral(shown[0])

    said = once(call, act)
    # Told after the decision stands: whoever dies between leaves what the next tick finds.
    for live, place in found:
        desk = Desk(call.house.database, call.house.engine, call.tenant_id, live)
        tell_decided(desk, friend_id, place, call.now)
    return said


def _scene(tx: Tx, call: Call, program: str) -> Scene:
    live = call.house.live(tx, program)
    return Scene(call.house.vault(call.tenant_id), live.program_id, live.program)


def _friend(one: Friend) -> FriendShape:
    return FriendShape(
        id=referral_text(one.friend_id),
        state=one.state,
        joined_at=one.joined_at,
        completed_at=one.completed_at,
    )


def _referral(one: Friend) -> ReferralShape:
    return ReferralShape(
        id=referral_text(one.friend_id),
        friend=number_text("mem", one.friend_id),
        advocate=number_text("mem", one.advocate_id),
        state=one.state,
        reasons=list(one.reasons),
        joined_at=one.joined_at,
        completed_at=one.completed_at,
        decided_by=one.decided_by or None,
    )
