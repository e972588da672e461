"""The guild's acts as commands of the engine, and what is asked of it besides."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.circles.codes import Inviter, code_for
from guerdon.engine.charity.paying import Office, pay_out
from guerdon.engine.commands import Command, EndTier, GiveTier, JoinChallenge, LeaveChallenge
from guerdon.engine.loop import EngineLoop
from guerdon.members.identities import normal_ref, resolve
from guerdon.programs.programs import get_live
from guerdon.rewards.charity.payouts import Asked, Place
from guerdon.rules.referrals.codes import code_of as written
from tests.world.days import next_month
from tests.world.guild.program import GUILD
from tests.world.model import Act
from tests.world.shop.speaking import Voice


def of_guild(act: Act, base: dict[str, Any]) -> Command:
    """Write what somebody takes part in, and what an operator gives."""
    ref = normal_ref("external", act["who"])
    if act["do"] in ("join", "leave"):
        kind = JoinChallenge if act["do"] == "join" else LeaveChallenge
        return kind(member=ref, challenge=act["quest"], **base)
    if act["do"] == "untier":
        return EndTier(member=ref, ladder="rank", reason="as agreed", **base)
    more = {"tier": act["tier"], "until": act["until"], "reason": "as agreed"}
    return GiveTier(member=ref, ladder="rank", **more, **base)


def pay_charity(voice: Voice, loop: EngineLoop, month: date, now: datetime) -> str:
    """Pay what members gave to the guild's cause in a month.

    Args:
        voice: who speaks for the run.
        loop: the engine that is asked.
        month: its first day.
        now: the instant.

    Returns:
        The code of a refusal, or nothing.
    """
    tenant_id = voice.vault.tenant_id
    with voice.database.transaction(tenant_id) as tx:
        program_id = get_live(tx, "guild").program_id
    office = Office(voice.database, loop, voice.ids, tenant_id, "guild")
    asked = Asked("wells", month, next_month(month), "transfer", "world")
    try:
        pay_out(office, Place(program_id, Zone(GUILD.zone)), asked, now)
    except Problem as problem:
        return problem.code
    return ""


def code_of(voice: Voice, who: str, now: datetime) -> str:
    """Give the code with which somebody invites, as a page shows it.

    Args:
        voice: who speaks for the run.
        who: a member; `typo` for a wrong letter.
        now: the instant.

    Returns:
        The code; for who is no member one that is written well and nobody's.
    """
    nobody = written(bytes(8))
    if who == "typo":
        return nobody[:-1] + ("7" if nobody[-1] != "7" else "8")
    ref = normal_ref("external", who)
    with voice.database.transaction(voice.vault.tenant_id) as tx:
        program_id = get_live(tx, "guild").program_id
        found = resolve(tx, voice.vault, program_id, [ref]).get(ref)
        if found is None:
            return nobody
        return code_for(tx, voice.vault, Inviter(program_id, found.account_id, found.member_id), now)
