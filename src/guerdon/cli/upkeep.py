"""`guerdon verify` and `guerdon serve`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from guerdon.base.ids import number_text
from guerdon.cli.opening import opened_house, settings_for
from guerdon.cli.options import Data, Json, takes
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.infra.settings import Settings
from guerdon.ledger.audit import Finding, verify
from guerdon.programs.tenants import list_tenants

_SHOWN_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What the command takes."""

    data: Data = None
    json: Json = False


@takes(VerifyOptions)
def verify_all(options: VerifyOptions) -> int:
    """Work the whole ledger out again, for every tenant, and print what does not hold.

    Transactions balance, numbers have no gaps, lots are what the entries say, balances are what the lots say,
    and every transaction is what was hashed. Exit code 0 only where all of it holds.
    """
    found: list[tuple[str, Finding]] = []
    count = 0
    with opened_house(options.data) as house:
        with house.database.transaction_as("lookup") as lookup_tx:
            tenants = list_tenants(lookup_tx)
        for tenant in tenants:
            with house.database.transaction(tenant.tenant_id) as tx:
                for finding in verify(tx):
                    count += 1
                    if len(found) < _SHOWN_AT_MOST:
                        found.append((tenant.key, finding))
    rows = [
        (tenant, one.code, number_text("acc", one.account_id) if one.account_id else "", one.detail)
        for tenant, one in found
    ]
    columns = ("tenant", "code", "account", "detail")
    if options.json:
        findings = [dict(zip(columns, row, strict=True)) for row in rows]
        show_json({"tenants": len(tenants), "holds": not count, "findings": count, "first": findings})
    elif count:
        show_table(columns, rows)
        show_note(f"{count} findings in {len(tenants)} tenants")
    else:
        show_note(f"all holds: {len(tenants)} tenants")
    return 1 if count else 0


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command takes."""

    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Where it listens; 0 takes a free one and prints it.", show_default=False
        ),
    ] = None
    host: Annotated[
        str | None, typer.Option(help="Address it listens on; 127.0.0.1 unless given.", show_default=False)
    ] = None
    data: Data = None


@takes(ServeOptions)
def serve(options: ServeOptions) -> int:
    """Run engine, API and pages, on an embedded PostgreSQL or the one of GUERDON_DATABASE_URL.

    /readyz answers 200 when it is ready. GUERDON_API_KEY is made to exist with all scopes.
    Ctrl-C or SIGTERM stops it: what was taken in is finished first.
    """
    # By its name, as any ASGI server is started: the floor of the web is a stranger to this one.
    serve_web: Callable[[Settings], None] = importlib.import_module("guerdon.web.serving").serve
    serve_web(settings_for(options.data, port=options.port, host=options.host))
    return 0
