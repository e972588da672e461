"""`guerdon proof rotate-key` and `guerdon proof keys`: what a log is signed with."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from guerdon.cli.opening import opened_tenant
from guerdon.cli.options import Data, Json, Tenant, takes
from guerdon.cli.proofs.proof import app
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.ledger import log
from guerdon.programs.audit import Act, record
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from guerdon.wiring import MAIN_TENANT

__all__ = ["app", "keys", "rotate_key"]

Program = Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's key.", show_default=False)]


@dataclass(frozen=True, slots=True)
class RotateOptions:
    """What the command takes."""

    program: Program
    tenant: Tenant = MAIN_TENANT
    data: Data = None
    json: Json = False


@app.command("rotate-key")
@takes(RotateOptions)
def rotate_key(options: RotateOptions) -> int:
    """Give a program's log a new key and print it; heads that others signed stay good under theirs.

    Give the new key to everybody who has the old one, witnesses first: they refuse what they do not know.

    guerdon proof rotate-key club
    """
    now = datetime.now(UTC)
    with opened_tenant(options.data, options.tenant) as (house, tx):
        live = get_live(tx, options.program)

        signer = house.signer(tenant_id_of(options.tenant))
        origin = log.origin_of(tx, options.program)
        made = log.rotate(tx, signer, live.program_id, origin, now)
        detail = {"number": made.number, "key": made.note_key.text}
        act = Act(now, "system", "log_key.rotated", f"program:{options.program}", live.program_id, detail)
        record(tx, act, house.ids)
    if options.json:
        show_json(_view(made))
    else:
        sys.stdout.write(made.note_key.text + "\n")
        show_note(f"key {made.number} signs from now on; keep it where the old one is kept")
    return 0


@dataclass(frozen=True, slots=True)
class KeysOptions:
    """What the command takes."""

    program: Program
    tenant: Tenant = MAIN_TENANT
    data: Data = None
    json: Json = False


@app.command("keys")
@takes(KeysOptions)
def keys(options: KeysOptions) -> int:
    """List the public keys that ever signed a program's log, the present one last.

    guerdon proof keys club
    """
    with opened_tenant(options.data, options.tenant) as (_house, tx):
        found = log.list_keys(tx, get_live(tx, options.program).program_id)
    if options.json:
        show_json({"data": [_view(one) for one in found]})
    else:
        rows = [
            (str(one.number), one.since.isoformat(timespec="seconds"), one.note_key.text) for one in found
        ]
        show_table(("number", "since", "key"), rows)
    return 0


def _view(key: log.LogKey) -> dict[str, object]:
    return {"number": key.number, "key": key.note_key.text, "since": key.since}
