"""`guerdon anchor list` and `guerdon anchor now`: what was anchored where, and an anchor on demand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from guerdon.base.errors import Problem
from guerdon.cli.opening import check_tenant, opened_house, opened_tenant
from guerdon.cli.options import Data, Json, Tenant, takes
from guerdon.cli.proofs.anchor import app
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.connect.chain import stored
from guerdon.connect.chain.stored import Anchor
from guerdon.ledger import log
from guerdon.programs.audit import Act, record
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from guerdon.wiring import MAIN_TENANT, House, make_anchors

Program = Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's key.", show_default=False)]
_FIRST: Final = (2**62, "")
_WORDS: Final = {
    "asked": "waits to be told",
    "sent": "sent, in no block yet",
    "mined": "in a block, not yet for good",
    "final": "told for good",
    "lost": "off the chain again, is sent once more",
    "passed": "covered by a later one",
}


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What the command takes."""

    program: Program
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Most that are shown.")] = 20
    tenant: Tenant = MAIN_TENANT
    data: Data = None
    json: Json = False


@app.command("list")
@takes(ListOptions)
def list_(options: ListOptions) -> int:
    """List where heads of a program's log were anchored, the greatest first.

    What stands here is what this database knows; `guerdon verify --anchor chain` asks the chain itself.

    guerdon anchor list club
    """
    with opened_tenant(options.data, options.tenant) as (_house, tx):
        live = get_live(tx, options.program)
        found = stored.list_anchors(tx, live.program_id, _FIRST, options.limit)
    _show(found, as_json=options.json)
    if not found and not options.json:
        show_note("nothing was anchored yet: `guerdon anchor now`, once the settings name a place")
    return 0


@dataclass(frozen=True, slots=True)
class NowOptions:
    """What the command takes."""

    program: Program
    tenant: Tenant = MAIN_TENANT
    data: Data = None
    json: Json = False


@app.command("now")
@takes(NowOptions)
def now(options: NowOptions) -> int:
    """Sign a program's log as far as it is, and tell each place of the settings at once.

    A stamp is there when this ends. A chain takes its time: a running server, or this command again, brings
    the anchor further until it is there for good. Exit code 1 where a place could not be told.

    guerdon anchor now club
    """
    from guerdon.connect.chain.keeper import anchor_now

    at, tenant_id = datetime.now(UTC), tenant_id_of(options.tenant)
    with opened_house(options.data, made=False) as house:
        with house.database.transaction(tenant_id) as tx:
            check_tenant(tx, house, options.tenant)
            live = get_live(tx, options.program)
            origin = log.origin_of(tx, options.program)
            log.sign_head(tx, house.signer(tenant_id), live.program_id, origin, at)
            asked = anchor_now(tx, house.settings, live.program_id, at)
            act = Act(at, "system", "anchor.asked", f"program:{options.program}", live.program_id)
            record(tx, act, house.ids)
        faults = _carry(house)
        with house.database.transaction(tenant_id) as tx:
            found = [stored.find_last(tx, live.program_id, one.place) or one for one in asked]
    _show(found, as_json=options.json)
    if not found and not options.json:
        show_note("nothing is in the log yet, so there is nothing to anchor")
    for fault in faults:
        show_note(f"{fault.detail} [{fault.code}]")
    return 1 if faults else 0


def _carry(house: House) -> list[Problem]:
    keeper, faults = make_anchors(house), []
    assert keeper is not None, "a place is named, as was looked at"
    for work in keeper.works:
        try:
            work()
        except Problem as problem:
            faults.append(problem)
    return faults


def _show(found: list[Anchor], *, as_json: bool) -> None:
    if as_json:
        show_json({"data": [_view(one) for one in found]})
        return
    rows = [
        (
            f"{one.size:,}",
            one.place,
            _WORDS[one.state],
            one.stamped_at.isoformat(timespec="seconds") if one.stamped_at is not None else "",
            _proof_of(one),
            one.fault,
        )
        for one in found
    ]
    if rows:
        show_table(("transactions", "place", "state", "time stamp", "transaction or stamp", "fault"), rows)


def _proof_of(one: Anchor) -> str:
    if one.token is not None:
        return f"a stamp of {len(one.token):,} bytes"
    return f"0x{one.sent[-1].hex()}" if one.sent else ""


def _view(one: Anchor) -> dict[str, Any]:
    return {
        "size": one.size,
        "root": one.root.hex(),
        "place": one.place,
        "state": one.state,
        "asked_at": one.asked_at,
        "transaction": f"0x{one.sent[-1].hex()}" if one.sent else None,
        "block_number": one.block_number,
        "stamped_at": one.stamped_at,
        "final_at": one.final_at,
        "is_stamped": one.token is not None,
        "problem": one.fault or None,
    }
