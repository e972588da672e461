"""Invitations: the list, and the queue of those that look like one person's or one circle's."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.referring.deciding import Decision, decide
from guerdon.engine.referring.due import Desk, tell_decided
from guerdon.engine.referring.evidence import Scene
from guerdon.engine.referring.showing import Friend, load_all
from guerdon.infra.tx import Tx
from guerdon.members.identities import member_ref, resolve
from guerdon.members.members import load_profiles
from guerdon.programs.programs import LiveVersion
from guerdon.rules.referrals.telling import referral_text
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Deciding = Annotated[Visit, Depends(entitled("members:adjust"))]
STATES: Final = {
    "joined": ("Joined", ""),
    "held": ("Held", "badge--warn"),
    "completed": ("Has come", "badge--good"),
    "refused": ("Refused", "badge--bad"),
    "reversed": ("Came back", ""),
}
"""What a state is called, and how it looks; `say.text` translates it."""
REASONS: Final = {
    "same_person": "looks like one person",
    "circle": "looks like one circle",
    "same_address": "one address",
    "same_card": "one card",
    "same_device": "one device",
    "advocate_gone": "who invited was forgotten",
    "no_invitation": "no invitation was left",
}
"""What was found; `say.text` translates it."""
_PATH: Final = "/console/p/{program}/referrals"
_SHOWN: Final = 50


@ROUTER.get(_PATH)
def referrals(
    visit: Visitor,
    program: str,
    show: str = "",
    before: Annotated[str, Query(max_length=30)] = "",
    done: str = "",
) -> Response:
    """List invitations, newest first; `show=held` those that wait."""
    return _page(visit, program, (show == "held", parse_number("ref", before) or 0), done=done == "yes")


@ROUTER.post(f"{_PATH}/{{referral}}/{{word}}")
def decided(visit: Deciding, program: str, referral: str, word: str) -> Response:
    """Let a held invitation in, or refuse it; who did so is written down."""
    friend_id = parse_number("ref", referral)
    if friend_id is None or word not in ("approve", "refuse"):
        raise Problem("referral_not_found", "There is no such invitation.")
    try:
        with visit.transaction() as tx:
            opened = open_program(tx, visit, program)
            live = opened.live
            scene = Scene(opened.desk.vault, live.program_id, live.program)
            decision = Decision(friend_id, word == "approve", visit.staff.actor, visit.now)
            place = decide(tx, scene, decision, visit.house.ids)
    except Problem as problem:
        if problem.code != "referral_not_held":
            raise
        return _page(visit, program, (True, 0), stale=True)
    at = LiveVersion(live.program_id, program, live.version)
    desk = Desk(visit.house.database, visit.house.engine, visit.tenant_id, at)
    tell_decided(desk, friend_id, place, visit.now)
    return visit.go(f"{opened.path}/referrals?show=held&done=yes")


def _page(
    visit: Visit, program: str, part: tuple[bool, int], *, done: bool = False, stale: bool = False
) -> Response:
    held, before = part
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        rows = load_all(tx, opened.live.program_id, (before, _SHOWN + 1), held=held)
        waiting = load_all(tx, opened.live.program_id, (0, _SHOWN + 1), held=True)
        shown = rows[:_SHOWN]
        names = _names(tx, opened, shown)
    return visit.page(
        "referrals.html",
        409 if stale else 200,
        **framed(opened, "referrals"),
        rows=[(referral_text(one.friend_id), one, _people(opened.path, one, names)) for one in shown],
        states=STATES,
        reasons=REASONS,
        held=held,
        count=len(waiting),
        most=_SHOWN,
        more=referral_text(shown[-1].friend_id) if len(rows) > _SHOWN else "",
        done=done,
        stale=stale,
    )


def _names(tx: Tx, opened: Opened, shown: list[Friend]) -> dict[int, str]:
    """Give the names of friends and advocates, as far as any are known."""
    refs = {member_ref(number) for one in shown for number in (one.friend_id, one.advocate_id)}
    found = resolve(tx, opened.desk.vault, opened.live.program_id, refs)
    people = load_profiles(tx, opened.desk, list(found.values()))
    return {number: one.profile.name or one.profile.external_id for number, one in people.items()}


def _people(path: str, one: Friend, names: dict[int, str]) -> list[tuple[str, str]]:
    """Give friend and advocate, each by name or number with the address of their page."""
    return [
        (names.get(number) or number_text("mem", number), f"{path}/members/{number_text('mem', number)}")
        for number in (one.friend_id, one.advocate_id)
    ]
