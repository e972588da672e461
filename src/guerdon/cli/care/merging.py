"""`guerdon merge`: two accounts of one person become one, looked at first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.cli.opening import check_tenant, opened_house
from guerdon.cli.options import Data, Json, Tenant, takes
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.engine.answers import accepted
from guerdon.engine.commands import MergeAccounts
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from guerdon.wiring import MAIN_TENANT

_ANSWER_SECONDS = 600


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """What the command takes."""

    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account that goes, `acc_…`.")]
    into: Annotated[str, typer.Argument(metavar="INTO", help="The account that stays, `acc_…`.")]
    program: Annotated[str, typer.Option("--program", metavar="P", help="Key of the program.")]
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only said what would move.")] = (
        False
    )
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    json: Json = False


@takes(MergeOptions)
def merge(options: MergeOptions) -> int:
    """Let an account go into another one: units, debts, tiers, coupons and members move, history stays.

    Without --yes it is only said what would move, and nothing is changed. A merge cannot be undone.

    guerdon merge acc_01h8xj3q0abcd acc_01h8xj3q0abce --program club
    """
    numbers = [parse_number("acc", one) for one in (options.account, options.into)]
    for name, number in zip(("ACCOUNT", "INTO"), numbers, strict=True):
        if number is None:
            raise Problem("account_invalid", f"{name}: expected an account's id, `acc_…`")
    tenant_id = tenant_id_of(options.tenant)
    with opened_house(options.data, made=False) as house:
        with house.database.transaction(tenant_id) as tx:
            check_tenant(tx, house, options.tenant)
            get_live(tx, options.program)
        house.start()
        command = MergeAccounts(
            tenant_id=tenant_id,
            program=options.program,
            received_at=datetime.now(UTC),
            account_id=numbers[0] or 0,
            into_account=numbers[1] or 0,
            by="system",
            looks=not options.yes,
        )
        said = accepted(house.engine.submit(command).result(_ANSWER_SECONDS))
    _show(dict(said.merged), options)
    return 0


def _show(merged: dict[str, Any], options: MergeOptions) -> None:
    if options.json:
        show_json({**merged, "done": options.yes})
        return
    units = [[key, one["available"], one["pending"], one["debt"]] for key, one in merged["wallets"].items()]
    show_table(("wallet", "available", "pending", "owed"), units)
    tiers = [[key, one["account"], one["before"], one["after"]] for key, one in merged["tiers"].items()]
    if tiers:
        show_table(("ladder", "of the one that goes", "before", "after"), tiers)
    redemptions = merged["redemptions"]
    rest = [str(redemptions["all"]), str(redemptions["open"]), str(merged["carts"]), str(merged["members"])]
    show_table(("redemptions", "still open", "carts", "members"), [rest])
    if not options.yes:
        show_note("nothing was changed; add --yes to merge")
