"""`guerdon causes`: what charities are due, and that they were paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from guerdon.base.calendar import Period
from guerdon.base.errors import Problem
from guerdon.cli.opening import check_tenant, opened_house
from guerdon.cli.options import Data, Json, Tenant, takes
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.engine.charity.paying import Office, pay_out
from guerdon.infra.tx import Tx
from guerdon.programs.tenants import tenant_id_of
from guerdon.rewards.charity.payouts import Asked, Place, name_of_period, period_of, report
from guerdon.rules.program import Program
from guerdon.wiring import MAIN_TENANT, House, Live

app = typer.Typer(help="What members gave to good causes, and what charities are paid.", no_args_is_help=True)
InProgram = Annotated[str, typer.Option("--program", metavar="P", help="Key of the program.")]


@dataclass(frozen=True, slots=True)
class DueOptions:
    """What the command takes."""

    program: InProgram
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    json: Json = False


@dataclass(frozen=True, slots=True)
class PayoutOptions:
    """What the command takes."""

    cause: Annotated[str, typer.Argument(metavar="CAUSE", help="Key of the cause.")]
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="2026-10, 2026-Q4 or 2026.")]
    program: InProgram
    reference: Annotated[str, typer.Option("--reference", metavar="R", help="What finance calls it.")] = ""
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    json: Json = False


@app.command("due")
@takes(DueOptions)
def due(options: DueOptions) -> int:
    """List what came together in each period, what was paid, and what is due.

    guerdon causes due --program club
    """
    with (
        opened_house(options.data, made=False) as house,
        house.database.transaction(tenant_id_of(options.tenant)) as tx,
    ):
        live = _live(tx, house, options.tenant, options.program)
        place, now = Place(live.program_id, live.program.zone), datetime.now(UTC)
        causes = _causes(live.program)
        found = [one for key in causes for one in report(tx, place, (key, causes[key]), now)]
    rows: list[dict[str, Any]] = [
        {
            "cause": one.cause,
            "period": name_of_period(one.starts_on, one.ends_on),
            "donations": one.donations,
            "total": _money(live.program, one.given + one.matched),
            "paid": _money(live.program, one.paid),
            "due": _money(live.program, one.due),
            "is_over": one.is_over,
        }
        for one in found
    ]
    if options.json:
        show_json(rows)
    elif rows:
        names = ("cause", "period", "donations", "total", "paid", "due")
        show_table(names, [[str(row[name]) for name in names] for row in rows])
    else:
        show_note("nobody has given anything yet")
    return 0


@app.command("payout")
@takes(PayoutOptions)
def payout(options: PayoutOptions) -> int:
    """Note that a charity was paid for a period; nobody takes these donations back from then on.

    guerdon causes payout wells 2026-10 --program club --reference 'transfer 4711'
    """
    with opened_house(options.data, made=False) as house:
        tenant_id = tenant_id_of(options.tenant)
        with house.database.transaction(tenant_id) as tx:
            live = _live(tx, house, options.tenant, options.program)
        causes = _causes(live.program)
        if options.cause not in causes:
            known = ", ".join(causes) or "none"
            raise Problem("cause_not_found", f"there is no cause {options.cause!r}; there are: {known}")
        starts_on, ends_on = period_of(options.period, causes[options.cause])
        house.start()
        office = Office(house.database, house.engine, house.ids, tenant_id, options.program)
        asked = Asked(options.cause, starts_on, ends_on, options.reference, "system")
        place = Place(live.program_id, live.program.zone)
        paid = pay_out(office, place, asked, datetime.now(UTC))
    total = _money(live.program, paid.given + paid.matched)
    if options.json:
        show_json(
            {"cause": paid.cause, "period": options.period, "total": total, "donations": paid.donations}
        )
    else:
        show_note(
            f"{paid.cause}, {options.period}: {live.program.currency} {total} of {paid.donations} donations"
        )
    return 0


def _live(tx: Tx, house: House, tenant: str, program: str) -> Live:
    check_tenant(tx, house, tenant)
    return house.live(tx, program)


def _causes(program: Program) -> dict[str, Period]:
    """Give how often each cause is paid, also of those that only a reward names."""
    named = {one.gift.cause for one in program.rewards.values() if one.gift is not None}
    declared = program.definition.causes
    return {
        key: declared[key].pays_out if key in declared else "month" for key in sorted({*declared, *named})
    }


def _money(program: Program, amount: Decimal) -> str:
    return f"{amount:.{program.digits}f}"
