"""`guerdon tier`: an operator gives a member's account a tier, or takes one back that was given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.cli.opening import check_tenant, opened_house
from guerdon.cli.options import Data, Json, Tenant, takes
from guerdon.cli.showing import show_json, show_table
from guerdon.engine.answers import Answer, accepted
from guerdon.engine.commands import EndTier, GiveTier
from guerdon.members.identities import parse_ref
from guerdon.members.standing import Wanted, load_standing
from guerdon.programs.audit import Act, record
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.program import Program
from guerdon.wiring import MAIN_TENANT, House

_ANSWER_SECONDS = 600


@dataclass(frozen=True, slots=True)
class TierOptions:
    """What the command takes."""

    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Such as `external:ananya` or `mem_…`.")]
    ladder: Annotated[str, typer.Argument(metavar="LADDER", help="Key of the ladder.")]
    program: Annotated[str, typer.Option("--program", metavar="P", help="Key of the program.")]
    reason: Annotated[str, typer.Option("--reason", metavar="WHY", help="Why; it names no person.")]
    tier: Annotated[
        str, typer.Argument(metavar="TIER", help="Key of the tier; none with --end.", show_default=False)
    ] = ""
    until: Annotated[
        str, typer.Option("--until", metavar="DAY", help="The last day, such as 2036-01-31.")
    ] = ""
    end: Annotated[bool, typer.Option("--end", help="Take back the tier that was given.")] = False
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    json: Json = False


@takes(TierOptions)
def tier(options: TierOptions) -> int:
    """Give a member's account a tier to a day, or take one back that was given; never below what is earned.

    A tier by invitation needs no day.

    guerdon tier external:ananya club gold --until 2036-01-31 --reason 'gold elsewhere' --program club
    """
    if bool(options.tier) == options.end:
        raise Problem("tier_or_end", "name a tier to give, or say --end to take one back")
    tenant_id = tenant_id_of(options.tenant)
    with opened_house(options.data, made=False) as house:
        with house.database.transaction(tenant_id) as tx:
            check_tenant(tx, house, options.tenant)
            live = get_live(tx, options.program)
        house.start()
        key = (tenant_id, options.program)
        program = (house.engine.programs.find(key) or house.engine.programs.load(key)).program
        command = _command(options, tenant_id, program)
        said = accepted(house.engine.submit(command).result(_ANSWER_SECONDS))
        _note(house, command, said, live.program_id)
        _show(house, options, said)
    return 0


def _command(options: TierOptions, tenant_id: int, program: Program) -> GiveTier | EndTier:
    now, member = datetime.now(UTC), parse_ref(options.member)
    if options.end:
        return EndTier(
            tenant_id=tenant_id,
            program=options.program,
            received_at=now,
            member=member,
            ladder=options.ladder,
            reason=options.reason,
            by="system",
        )
    return GiveTier(
        tenant_id=tenant_id,
        program=options.program,
        received_at=now,
        member=member,
        ladder=options.ladder,
        tier=options.tier,
        until=program.zone.start_of(_day_after(options.until)) if options.until else None,
        reason=options.reason,
        by="system",
    )


def _day_after(typed: str) -> date:
    try:
        return date.fromisoformat(typed) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise Problem("until_invalid", "--until: expected a day such as 2036-01-31") from None


def _note(house: House, command: GiveTier | EndTier, said: Answer, program_id: int) -> None:
    detail: dict[str, object] = {"ladder": command.ladder, "reason": command.reason, "event": said.id}
    if isinstance(command, GiveTier):
        until = command.until.isoformat() if command.until is not None else None
        detail |= {"tier": command.tier, "until": until}
    action = "tier.given" if isinstance(command, GiveTier) else "tier.ended"
    act = Act(command.received_at, "system", action, said.account, program_id, detail)
    with house.database.transaction(command.tenant_id) as tx:
        record(tx, act, house.ids)


def _show(house: House, options: TierOptions, said: Answer) -> None:
    account_id = parse_number("acc", said.account) or 0
    with house.database.transaction(tenant_id_of(options.tenant)) as tx:
        state = load_standing(tx, Wanted([account_id]))[account_id].tiers[options.ladder]
    until = state.given_until.isoformat() if state.given_until is not None else ""
    if options.json:
        shown = {"account": said.account, "ladder": options.ladder, "tier": state.level}
        show_json({**shown, "earned": state.own_level, "given": state.given, "until": until})
        return
    row = [said.account, options.ladder, state.level, state.own_level, state.given, until]
    show_table(("account", "ladder", "holds", "earned", "given", "until"), [row])
