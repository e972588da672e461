"""`guerdon keys`: make, list, rotate and end API keys."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.cli.opening import opened_tenant
from guerdon.cli.options import Data, Json, Tenant, instant, takes
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.programs.audit import Act, record
from guerdon.programs.keys import ApiKey, NewKey, Rotation, create_key, list_keys, revoke_key, rotate_key
from guerdon.programs.tenants import ensure_tenant
from guerdon.wiring import MAIN_TENANT

app = typer.Typer(help="Make, list, rotate and end API keys.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class CreateOptions:
    """What the command takes."""

    scopes: Annotated[str, typer.Option(metavar="A,B", help="Scopes, joined by commas, or `all`.")] = "all"
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line"
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="When it ends.", show_default=False)] = (
        None
    )
    rate_limit: Annotated[
        int | None,
        typer.Option("--rate-limit", metavar="N", help="Calls a second; 0 for no limit.", show_default=False),
    ] = None
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="A new tenant honours test clocks (Guerdon-Now).")
    ] = False
    tenant: Tenant = MAIN_TENANT
    data: Data = None
    json: Json = False


@app.command("create")
@takes(CreateOptions)
def create(options: CreateOptions) -> int:
    """Make a key and print it; it is never shown again."""
    now = datetime.now(UTC)
    scopes = tuple(word for word in options.scopes.replace(" ", ",").split(",") if word)
    new = NewKey(options.name, scopes, "system", now, instant(options.expires, "--expires"))
    new = replace(new, rate_limit=options.rate_limit)
    with opened_tenant(options.data, options.tenant, made=True) as (house, tx):
        ensure_tenant(tx, options.tenant, options.tenant, sandbox=options.sandbox, now=now)
        presented, key = create_key(tx, new, house.ids, secrets.randbits)
        record(tx, Act(now, "system", "key.made", number_text("key", key.key_id)), house.ids)
    if options.json:
        show_json({"key": presented, **_view(key)})
    else:
        sys.stdout.write(presented + "\n")
    return 0


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What the command takes."""

    tenant: Tenant = MAIN_TENANT
    data: Data = None
    json: Json = False


@app.command("list")
@takes(ListOptions)
def show(options: ListOptions) -> int:
    """List a tenant's keys; the keys themselves are not stored."""
    with opened_tenant(options.data, options.tenant) as (_house, tx):
        views = [_view(key) for key in list_keys(tx)]
    if options.json:
        show_json({"data": views})
    else:
        columns = (
            "id",
            "prefix",
            "name",
            "scopes",
            "last_used_at",
            "expires_at",
            "revoked_at",
            "replaced_by",
        )
        show_table(columns, [[_cell(view[column]) for column in columns] for view in views])
    return 0


@dataclass(frozen=True, slots=True)
class RotateOptions:
    """What the command takes."""

    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `keys list` shows it.")]
    overlap_hours: Annotated[
        int, typer.Option("--overlap-hours", metavar="N", help="How long the old key still opens.")
    ] = 24
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When the new key ends.", show_default=False)
    ] = None
    tenant: Tenant = MAIN_TENANT
    data: Data = None
    json: Json = False


@app.command("rotate")
@takes(RotateOptions)
def rotate(options: RotateOptions) -> int:
    """Make a new key of the same kind and print it; the old one ends after the overlap."""
    now, number = datetime.now(UTC), _number(options.key_id)
    overlap = timedelta(hours=options.overlap_hours)
    wanted = Rotation(number, "system", now, overlap, instant(options.expires, "--expires"))
    with opened_tenant(options.data, options.tenant) as (house, tx):
        presented, key = rotate_key(tx, wanted, house.ids, secrets.randbits)
        record(tx, Act(now, "system", "key.rotated", options.key_id), house.ids)
    if options.json:
        show_json({"key": presented, **_view(key)})
    else:
        sys.stdout.write(presented + "\n")
        show_note(f"{options.key_id} ends in {options.overlap_hours} hours at the latest")
    return 0


@dataclass(frozen=True, slots=True)
class RevokeOptions:
    """What the command takes."""

    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `keys list` shows it.")]
    tenant: Tenant = MAIN_TENANT
    data: Data = None


@app.command("revoke")
@takes(RevokeOptions)
def revoke(options: RevokeOptions) -> int:
    """End a key at once."""
    now, number = datetime.now(UTC), _number(options.key_id)
    with opened_tenant(options.data, options.tenant) as (house, tx):
        revoke_key(tx, number, now)
        record(tx, Act(now, "system", "key.revoked", options.key_id), house.ids)
    show_note(f"{options.key_id} has ended")
    return 0


def _number(key_id: str) -> int:
    number = parse_number("key", key_id)
    if number is None:
        raise Problem("key_not_found", f"{key_id!r} is no id of a key; `guerdon keys list` shows them")
    return number


def _view(key: ApiKey) -> dict[str, object]:
    return {
        "id": number_text("key", key.key_id),
        "prefix": key.prefix,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "sandbox": key.sandbox,
        "created_at": _time(key.created_at),
        "expires_at": _time(key.expires_at),
        "revoked_at": _time(key.revoked_at),
        "last_used_at": _time(key.last_used_at),
        "replaced_by": number_text("key", key.replaced_by) if key.replaced_by is not None else None,
        "rate_limit": key.rate_limit,
    }


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def _cell(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")
