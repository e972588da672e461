"""`guerdon staff`: who may sign in to the console."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from guerdon.base.errors import Problem
from guerdon.cli.opening import opened_tenant
from guerdon.cli.options import Data, Json, Tenant, takes
from guerdon.cli.showing import show_json, show_note, show_table
from guerdon.infra.tx import Tx
from guerdon.programs.staff import (
    NewStaff,
    Staff,
    StaffChange,
    add_staff,
    change_staff,
    find_by_email,
    list_staff,
    make_password,
)
from guerdon.programs.tenants import ensure_tenant
from guerdon.wiring import MAIN_TENANT

app = typer.Typer(help="Add, list and end those who sign in to the console.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="By which they sign in.")]


@dataclass(frozen=True, slots=True)
class AddOptions:
    """What the command takes."""

    email: Email
    role: Annotated[str, typer.Option(help="auditor, support, manager or owner.")] = "auditor"
    name: Annotated[str, typer.Option(help="What others call them.", show_default=False)] = ""
    tenant: Tenant = MAIN_TENANT
    data: Data = None
    json: Json = False


@app.command("add")
@takes(AddOptions)
def add(options: AddOptions) -> int:
    """Add somebody and print their password; it is never shown again."""
    now, password = datetime.now(UTC), make_password(secrets.randbits)
    new = NewStaff(options.email, options.name, options.role, password, "system", now)
    with opened_tenant(options.data, options.tenant, made=True) as (house, tx):
        ensure_tenant(tx, options.tenant, options.tenant, sandbox=False, now=now)
        made = add_staff(tx, new, house.ids, secrets.token_bytes)
    _tell(made, password, options.json)
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
    """List a tenant's staff, those whose access ended included."""
    with opened_tenant(options.data, options.tenant) as (_house, tx):
        views = [_view(one) for one in list_staff(tx)]
    if options.json:
        show_json(views)
    else:
        columns = ("id", "email", "name", "role", "created_at", "ended_at")
        show_table(columns, [[one[column] or "" for column in columns] for one in views])
    return 0


@dataclass(frozen=True, slots=True)
class NamedOptions:
    """What the command takes."""

    email: Email
    tenant: Tenant = MAIN_TENANT
    data: Data = None
    json: Json = False


@app.command("password")
@takes(NamedOptions)
def password(options: NamedOptions) -> int:
    """Give somebody a new password and print it, for one who lost theirs; their sessions end."""
    now, fresh = datetime.now(UTC), make_password(secrets.randbits)
    with opened_tenant(options.data, options.tenant) as (house, tx):
        change = StaffChange(_find(tx, options.email).staff_id, "system", now, password=fresh)
        made = change_staff(tx, change, house.ids, secrets.token_bytes)
    _tell(made, fresh, options.json)
    return 0


@app.command("end")
@takes(NamedOptions)
def end(options: NamedOptions) -> int:
    """End somebody's access at once."""
    now = datetime.now(UTC)
    with opened_tenant(options.data, options.tenant) as (house, tx):
        change = StaffChange(_find(tx, options.email).staff_id, "system", now, ends=True)
        ended = change_staff(tx, change, house.ids, secrets.token_bytes)
    if options.json:
        show_json(_view(ended))
    else:
        show_note(f"the access of {ended.email} has ended")
    return 0


def _find(tx: Tx, email: str) -> Staff:
    found = find_by_email(tx, email)
    if found is None:
        raise Problem("staff_not_found", f"nobody signs in as {email!r}; `guerdon staff list` shows them")
    return found[0]


def _tell(made: Staff, fresh: str, as_json: bool) -> None:
    if as_json:
        show_json({**_view(made), "password": fresh})
    else:
        show_note(f"{made.email} signs in as {made.role}, with this password:")
        sys.stdout.write(fresh + "\n")


def _view(one: Staff) -> dict[str, str | None]:
    return {
        "id": one.shown_id,
        "email": one.email,
        "name": one.name,
        "role": one.role,
        "created_at": one.created_at.isoformat(),
        "ended_at": one.ended_at.isoformat() if one.ended_at is not None else None,
    }
