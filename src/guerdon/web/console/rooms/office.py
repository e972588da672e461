"""What belongs to the whole tenant: keys, staff, and the audit trail."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.programs.audit import Act, list_acts, record
from guerdon.programs.keys import SCOPES, NewKey, create_key, list_keys, revoke_key
from guerdon.programs.programs import list_programs
from guerdon.programs.staff import (
    ROLES,
    NewStaff,
    StaffChange,
    add_staff,
    change_staff,
    list_staff,
    make_password,
)
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
KeyMaking = Annotated[Visit, Depends(entitled("keys:write"))]
Hiring = Annotated[Visit, Depends(entitled("staff:write"))]
_LIVES: Final = {"30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365), "": None}
_ACTS: Final = 100
_UTC: Final = Zone("Etc/UTC")


@ROUTER.get("/console/keys")
def keys(visit: Visitor) -> Response:
    """List the API keys; the keys themselves are stored nowhere."""
    return _keys_page(visit)


@ROUTER.post("/console/keys")
def make_key(visit: KeyMaking) -> Response:
    """Make a key and show it, this once."""
    scopes = tuple(scope for scope in sorted(SCOPES) if visit.form.get(f"scope:{scope}"))
    life = _LIVES.get(visit.field("life"))
    ends = visit.now + life if life is not None else None
    new = NewKey(visit.field("name", 200), scopes, visit.staff.actor, visit.now, ends)
    try:
        with visit.transaction() as tx:
            presented, key = create_key(tx, new, visit.house.ids, secrets.randbits)
            about = number_text("key", key.key_id)
            detail = {"scopes": sorted(key.scopes), "prefix": key.prefix}
            record(
                tx, Act(visit.now, visit.staff.actor, "key.created", about, detail=detail), visit.house.ids
            )
    except Problem as problem:
        return _keys_page(visit, error=visit.saying.refusal(problem))
    return _keys_page(visit, made=presented)


@ROUTER.post("/console/keys/{key}/end")
def end_key(visit: KeyMaking, key: str) -> Response:
    """End a key at once."""
    number = parse_number("key", key)
    if number is None:
        raise Problem("key_not_found", "There is no such key.")
    with visit.transaction() as tx:
        revoke_key(tx, number, visit.now)
        record(tx, Act(visit.now, visit.staff.actor, "key.revoked", key), visit.house.ids)
    return visit.go("/console/keys")


@ROUTER.get("/console/staff")
def staff(visit: Visitor) -> Response:
    """List who runs the programs here."""
    return _staff_page(visit)


@ROUTER.post("/console/staff")
def add(visit: Hiring) -> Response:
    """Add somebody, with a password that is shown once."""
    password = make_password(secrets.randbits)
    name, email, role = visit.field("name", 100), visit.field("email", 255), visit.field("role")
    new = NewStaff(email, name, role, password, visit.staff.actor, visit.now)
    try:
        with visit.transaction() as tx:
            made = add_staff(tx, new, visit.house.ids, secrets.token_bytes)
    except Problem as problem:
        return _staff_page(visit, error=visit.saying.refusal(problem))
    return _staff_page(visit, made=(made.email, password))


@ROUTER.post("/console/staff/{person}")
def change(visit: Hiring, person: str) -> Response:
    """Give another role or a new password, or end somebody's access."""
    number, act = parse_number("stf", person), visit.field("act")
    if number is None:
        raise Problem("staff_not_found", "There is nobody with this id.")
    password = make_password(secrets.randbits) if act == "password" else None
    changed = StaffChange(
        number,
        visit.staff.actor,
        visit.now,
        role=visit.field("role") if act == "role" else None,
        password=password,
        ends=act == "end",
    )
    try:
        with visit.transaction() as tx:
            now = change_staff(tx, changed, visit.house.ids, secrets.token_bytes)
    except Problem as problem:
        return _staff_page(visit, error=visit.saying.refusal(problem))
    if password is not None:
        return _staff_page(visit, made=(now.email, password))
    return visit.go("/console/staff")


@ROUTER.get("/console/audit")
def audit(visit: Visitor, before: UUID | None = None) -> Response:
    """List who did what, newest first."""
    with visit.transaction() as tx:
        acts = list_acts(tx, before=before, limit=_ACTS + 1)
        names = {one.actor: one.name for one in list_staff(tx)}
        programs = tuple(list_programs(tx))
    return visit.page(
        "audit.html",
        **_around("audit", programs),
        rows=[(one.act, names.get(one.act.actor, one.act.actor)) for one in acts[:_ACTS]],
        older=acts[_ACTS - 1].audit_id if len(acts) > _ACTS else None,
        newest=before is None,
    )


def _keys_page(visit: Visit, *, made: str = "", error: str = "") -> Response:
    with visit.transaction() as tx:
        rows = list_keys(tx)
        names = {one.actor: one.name for one in list_staff(tx)}
        programs = tuple(list_programs(tx))
    return visit.page(
        "keys.html",
        422 if error else 200,
        **_around("keys", programs),
        rows=[
            (one, number_text("key", one.key_id), _state(one.revoked_at, one.expires_at, visit))
            for one in rows
        ],
        names=names,
        scopes=sorted(SCOPES - {"all"}),
        lives=[life for life in _LIVES if life],
        made=made,
        error=error,
    )


def _state(revoked_at: datetime | None, expires_at: datetime | None, visit: Visit) -> str:
    if revoked_at is not None:
        return "ended"
    return "expired" if expires_at is not None and expires_at <= visit.now else "live"


def _staff_page(visit: Visit, *, made: tuple[str, str] | None = None, error: str = "") -> Response:
    with visit.transaction() as tx:
        rows = list_staff(tx)
        programs = tuple(list_programs(tx))
    around = _around("staff", programs)
    return visit.page(
        "staff.html", 422 if error else 200, **around, rows=rows, roles=ROLES, made=made, error=error
    )


def _around(place: str, programs: tuple[Any, ...]) -> dict[str, Any]:
    return {"place": place, "programs": programs, "zone": _UTC}
