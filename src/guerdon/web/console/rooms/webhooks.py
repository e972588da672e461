"""Webhooks: who is told of what, with which secret, what became of each delivery, and telling it again."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated, Any, Final
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.connect.sealing import SecretBox
from guerdon.connect.webhooks.deliveries import count_of, list_deliveries, replay_dead, replay_one
from guerdon.connect.webhooks.endpoints import (
    ENDPOINTS_AT_MOST,
    Endpoint,
    NewEndpoint,
    Wish,
    add_endpoint,
    change_endpoint,
    get_endpoint,
    list_endpoints,
    owner_of,
    remove_endpoint,
    rotate_secret,
    shown_id,
)
from guerdon.connect.webhooks.signing import make_secret, message_text, parse_message, secret_text
from guerdon.infra.http import check_url
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.programs.programs import get_live, list_programs
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Telling = Annotated[Visit, Depends(entitled("webhooks:write"))]
PATH: Final = "/console/webhooks"
_PAGE: Final = 25
_STATES: Final = ("", "waiting", "delivered", "dead")
_UTC: Final = Zone("Etc/UTC")
_PREFIX: Final = "whk"


@ROUTER.get(PATH)
def webhooks(visit: Visitor) -> Response:
    """List who is told, and offer to tell somebody else."""
    return _list_page(visit)


@ROUTER.post(PATH)
def add(visit: Telling) -> Response:
    """Tell one more address, and show its secret, this once; the same form sent twice adds one."""
    number = parse_number(_PREFIX, visit.field("once", 40))
    wish = _wish(visit, enabled=True)
    secret = make_secret(secrets.token_bytes)
    try:
        if number is None:
            raise Problem("form_stale", "This form cannot be used. Open the page again.")
        check_url(wish.url, allow_loopback=visit.house.settings.allow_loopback)
        with visit.transaction() as tx:
            key = visit.field("program", 100)
            program_id = get_live(tx, key).program_id if key else None
            sealed = _box(visit).seal(owner_of(number), secret)
            add_endpoint(tx, NewEndpoint(number, program_id, wish, sealed, visit.now))
            _note(tx, visit, "webhook.made", number)
    except psycopg.errors.UniqueViolation:
        return visit.go(f"{PATH}/{shown_id(number or 0)}?said=twice")
    except Problem as problem:
        return _list_page(visit, problem=problem)
    return _one_page(visit, number, secret=secret_text(secret))


@ROUTER.get(PATH + "/{webhook}")
def one_webhook(
    visit: Visitor,
    webhook: str,
    state: str = "",
    before: Annotated[UUID | None, Query()] = None,
    said: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Show one webhook with its deliveries."""
    wanted = state if state in _STATES else ""
    return _one_page(visit, _number(webhook), state=wanted, before=before, said=said)


@ROUTER.post(PATH + "/{webhook}")
def change(visit: Telling, webhook: str) -> Response:
    """Change, pause, take up again, give a new secret, send again or delete."""
    number, act = _number(webhook), visit.field("act", 20)
    changes: dict[str, Callable[[Tx, Visit, Endpoint], str]] = {
        "change": _change,
        "pause": lambda tx, visit, one: _enable(tx, visit, one, enabled=False),
        "resume": lambda tx, visit, one: _enable(tx, visit, one, enabled=True),
        "replay": _replay_dead,
        "delete": _delete,
        "rotate": _rotate,
    }
    try:
        if act not in changes:
            raise Problem("form_stale", "This form cannot be used. Open the page again.")
        with visit.transaction() as tx:
            stands = get_endpoint(tx, number, lock=True)
            if act in ("change", "rotate") and visit.field("seen", 40) != stands.changed_at.isoformat():
                detail = "It was changed in the meantime. Nothing was done: look at it again."
                raise Problem("changed_meanwhile", detail)
            result = changes[act](tx, visit, stands)
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return _one_page(visit, number, problem=problem)
    if act == "rotate":
        return _one_page(visit, number, secret=result)
    return visit.go(PATH if act == "delete" else f"{PATH}/{webhook}?said={result}")


@ROUTER.post(PATH + "/{webhook}/deliveries/{delivery}")
def send_again(visit: Telling, webhook: str, delivery: str) -> Response:
    """Send one delivery again."""
    number, message = _number(webhook), parse_message(delivery)
    try:
        if message is None:
            raise Problem("delivery_not_found", "This webhook has no such delivery.")
        with visit.transaction() as tx:
            get_endpoint(tx, number)
            replay_one(tx, number, message, visit.now)
            _note(tx, visit, "webhook.replayed", number, {"delivery": delivery})
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return _one_page(visit, number, problem=problem)
    return visit.go(f"{PATH}/{webhook}?said=again")


def _change(tx: Tx, visit: Visit, stands: Endpoint) -> str:
    wish = _wish(visit, enabled=stands.enabled)
    check_url(wish.url, allow_loopback=visit.house.settings.allow_loopback)
    change_endpoint(tx, stands.webhook_id, wish, visit.now)
    _note(tx, visit, "webhook.changed", stands.webhook_id)
    return "changed"


def _enable(tx: Tx, visit: Visit, stands: Endpoint, *, enabled: bool) -> str:
    wish = Wish(stands.url, stands.types, stands.description, enabled)
    change_endpoint(tx, stands.webhook_id, wish, visit.now)
    _note(tx, visit, "webhook.changed", stands.webhook_id, {"enabled": enabled})
    return "resumed" if enabled else "paused"


def _replay_dead(tx: Tx, visit: Visit, stands: Endpoint) -> str:
    count = replay_dead(tx, stands.webhook_id, visit.now)
    _note(tx, visit, "webhook.replayed", stands.webhook_id, {"deliveries": count})
    return "again"


def _delete(tx: Tx, visit: Visit, stands: Endpoint) -> str:
    remove_endpoint(tx, stands.webhook_id)
    _note(tx, visit, "webhook.deleted", stands.webhook_id)
    return "deleted"


def _rotate(tx: Tx, visit: Visit, stands: Endpoint) -> str:
    secret = make_secret(secrets.token_bytes)
    sealed = _box(visit).seal(owner_of(stands.webhook_id), secret)
    rotate_secret(tx, stands.webhook_id, sealed, visit.now)
    _note(tx, visit, "webhook.rotated", stands.webhook_id)
    return secret_text(secret)


def _wish(visit: Visit, *, enabled: bool) -> Wish:
    types = visit.field("types", 2000).replace(",", " ").split()
    return Wish(visit.field("url", 2000), types, visit.field("description", 500), enabled)


def _number(shown: str) -> int:
    number = parse_number(_PREFIX, shown)
    if number is None:
        raise Problem("webhook_not_found", "There is no such webhook.")
    return number


def _box(visit: Visit) -> SecretBox:
    return SecretBox(visit.house.master_key, visit.tenant_id)


def _note(tx: Tx, visit: Visit, action: str, number: int, detail: dict[str, Any] | None = None) -> None:
    act = Act(visit.now, visit.staff.actor, action, shown_id(number), detail=detail or {})
    record(tx, act, visit.house.ids)


def _list_page(visit: Visit, *, problem: Problem | None = None) -> Response:
    with visit.transaction() as tx:
        rows = list_endpoints(tx, ENDPOINTS_AT_MOST)
        counts = count_of(tx, [one.webhook_id for one in rows])
        programs = tuple(list_programs(tx))
    return visit.page(
        "webhooks.html",
        422 if problem is not None else 200,
        place="webhooks",
        programs=programs,
        zone=_UTC,
        rows=[(one, shown_id(one.webhook_id), counts.get(one.webhook_id, {})) for one in rows],
        problem=problem,
        typed={name: visit.form.get(name, "") for name in ("url", "types", "description", "program")},
        once=shown_id(visit.house.ids.number()),
    )


def _one_page(
    visit: Visit, number: int, *, state: str = "", before: UUID | None = None, **said: Any
) -> Response:
    with visit.transaction() as tx:
        one = get_endpoint(tx, number)
        counts = count_of(tx, [number]).get(number, {})
        rows = list_deliveries(tx, number, _PAGE + 1, before, state)
        programs = tuple(list_programs(tx))
    problem = said.get("problem")
    return visit.page(
        "webhook.html",
        422 if problem is not None else 200,
        place="webhooks",
        programs=programs,
        zone=_UTC,
        one=one,
        base=f"{PATH}/{shown_id(number)}",
        counts=counts,
        states=_STATES,
        state=state,
        rows=[
            (row, message_text(row.message_id), number_text("acc", row.account_id) if row.account_id else "")
            for row in rows[:_PAGE]
        ],
        older=rows[_PAGE - 1].message_id if len(rows) > _PAGE else None,
        newest=before is None,
        secret=said.get("secret", ""),
        said=said.get("said", ""),
        problem=problem,
    )
