"""Tiers that staff give to a member and take back."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer, accepted
from guerdon.engine.commands import EndTier, GiveTier, Once
from guerdon.members.identities import member_ref
from guerdon.members.standing import Wanted, load_standing
from guerdon.programs.audit import Act, record
from guerdon.web.console.ladders.views import ladder_view
from guerdon.web.console.opened import framed, member_path, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.console.who import find_member

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Giving = Annotated[Visit, Depends(entitled("members:adjust"))]
_PATH: Final = "/console/p/{program}/members/{member}/tiers"


@ROUTER.get(_PATH)
def tiers(visit: Visitor, program: str, member: str, done: str = "") -> Response:
    """Show where a member stands on each ladder, and what can be given."""
    return _page(visit, (program, member), done=done)


@ROUTER.post(_PATH)
async def give(visit: Giving, program: str, member: str) -> Response:
    """Give a tier to a day, or take back the one that was given; sending the form twice does it once."""
    try:
        command, path = await to_thread.run_sync(_command, visit, program, member)
        said = accepted(await visit.premises.waiting.ask(command))
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        shown = partial(_page, visit, (program, member), error=visit.saying.refusal(problem))
        return await to_thread.run_sync(shown)
    await to_thread.run_sync(_note, visit, command, said)
    return visit.go(f"{path}/tiers?done={'given' if isinstance(command, GiveTier) else 'ended'}")


def _page(visit: Visit, names: tuple[str, str], *, error: str = "", done: str = "") -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, names[0])
        member = find_member(tx, opened, names[1])
        ladders = opened.program.ladders.values()
        metrics = {one.identity for ladder in ladders for one in ladder.metrics}
        standing = load_standing(tx, Wanted([member.account_id], metrics))[member.account_id]
    profile = member.profile
    shown_id = number_text("mem", member.member_id)
    return visit.page(
        "tiers.html",
        422 if error else 200,
        **framed(opened, "members"),
        shown_id=shown_id,
        named=profile.name or profile.external_id or profile.email or shown_id,
        ladders=[ladder_view(opened, ladder, standing, visit.now) for ladder in ladders],
        error=error,
        done=done,
        typed={name: visit.field(name) for name in ("choice", "until", "reason")} if error else {},
        once=secrets.token_hex(16),
    )


def _command(visit: Visit, program: str, member: str) -> tuple[GiveTier | EndTier, str]:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        found = find_member(tx, opened, member)
    reason = visit.field("reason", 300)
    if not reason:
        raise Problem.at("/reason", "reason_missing", "Say why. Nothing was changed.")
    ends, (ladder, _, tier) = visit.field("end", 70), visit.field("choice", 140).partition(".")
    typed = visit.field("until", 40)
    body = repr((found.member_id, ends, ladder, tier, typed, reason)).encode()
    scope = f"console tier {visit.staff.shown_id}"
    asked: dict[str, Any] = {
        "tenant_id": visit.tenant_id,
        "program": program,
        "received_at": visit.now,
        "once": Once(scope, visit.field("once", 64) or secrets.token_hex(16), hashlib.sha256(body).digest()),
        "member": member_ref(found.member_id),
        "reason": reason,
        "by": visit.staff.actor,
    }
    path = member_path(opened, found.member_id)
    if ends:
        return EndTier(**asked, ladder=ends), path
    if not tier:
        raise Problem.at("/tier", "unknown_tier", "Choose a tier. Nothing was changed.")
    until = opened.program.zone.start_of(_day_after(typed)) if typed else None
    return GiveTier(**asked, ladder=ladder, tier=tier, until=until), path


def _day_after(typed: str) -> date:
    """Read the last day of a tier: it holds to the end of that day."""
    try:
        return date.fromisoformat(typed) + timedelta(days=1)
    except (ValueError, OverflowError):
        detail = "The day is written like 2036-01-31. Nothing was changed."
        raise Problem.at("/until", "until_invalid", detail) from None


def _note(visit: Visit, command: GiveTier | EndTier, said: Answer) -> None:
    detail: dict[str, object] = {
        "program": command.program,
        "ladder": command.ladder,
        "reason": command.reason,
        "event": said.id,
    }
    action = "tier.ended"
    if isinstance(command, GiveTier):
        action = "tier.given"
        until = command.until.isoformat() if command.until is not None else None
        detail |= {"tier": command.tier, "until": until}
    with visit.transaction() as tx:
        record(tx, Act(visit.now, visit.staff.actor, action, said.account, detail=detail), visit.house.ids)
