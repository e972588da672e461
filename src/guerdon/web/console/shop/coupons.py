"""Coupons: batches and shared codes with what they can cost; codes as a file; what one code is good for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rewards.coupons import Batch, get_batch, list_batches, make_batch, revoke_batch
from guerdon.rules.coupons.codes import SIZE_AT_MOST
from guerdon.rules.lint.selling.batches import Exposure, exposure_of
from guerdon.web.api.coupons.making import batch_of
from guerdon.web.api.coupons.shapes import NewBatch
from guerdon.web.api.coupons.streaming import code_pieces
from guerdon.web.bodies import shape_problem
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.shop.pages import read_day
from guerdon.web.console.typed import ungrouped
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Making = Annotated[Visit, Depends(entitled("coupons:write"))]
_PAGE: Final = 40
_PER: Final = ("all_time", "year", "quarter", "month", "week", "day")
_COUNTS: Final = ("size", "uses", "per_account", "total")
_TYPED: Final = ("kind", "reward", "name", "prefix", "code", *_COUNTS, "money", "from", "until", "per")
_SAMPLES: Final = {"prefix": "SPRING-", "code": "WELCOME10"}
_ONE_DAY: Final = timedelta(days=1)
STATES: Final = {"live": "can be used", "over": "over", "later": "not yet", "revoked": "revoked"}
"""What a batch's state is called; `say.text` translates it."""
LIMITED: Final = {
    "total": "Uses of all together",
    "per_account": "Uses by one account",
    "per_member": "Uses by one member",
    "per_store": "Uses in one store",
}
"""What a limit is called, likewise."""


@dataclass(frozen=True, slots=True)
class Row:
    """A batch in a list."""

    batch: Batch
    path: str
    reward: str
    state: str


@ROUTER.get("/console/p/{program}/coupons")
def coupons(visit: Visitor, program: str, before: Annotated[str, Query(max_length=40)] = "") -> Response:
    """List batches and shared codes, newest first, and offer to make some."""
    return list_page(visit, program, before=before)


@ROUTER.post("/console/p/{program}/coupons")
def make(visit: Making, program: str) -> Response:
    """Make a batch or a shared code; the same form sent twice makes one."""
    try:
        asked = _asked(visit)
        with visit.transaction() as tx:
            opened = open_program(tx, visit, program)
            batch = batch_of(
                _instants(opened, asked, visit), opened.program, visit.house, visit.tenant_id, visit.now
            )
            batch = batch._replace(batch_id=parse_number("cpb", visit.field("once", 40)) or batch.batch_id)
            known = {one.batch_id for one in list_batches(tx, opened.live.program_id, batch.batch_id + 1, 1)}
            if batch.batch_id not in known:
                make_batch(tx, opened.live.program_id, batch)
                detail = {"reward": batch.reward, "size": batch.size, "written": batch.written}
                _note(tx, visit, opened, (batch.batch_id, "coupons.made", detail))
    except Problem as problem:
        if problem.code == "program_not_found":
            raise
        return list_page(visit, program, problem=problem)
    return visit.go(batch_path(opened, batch.batch_id))


@ROUTER.get("/console/p/{program}/coupons/batches/{batch}")
def one_batch(visit: Visitor, program: str, batch: str, done: str = "") -> Response:
    """Show a batch's terms and what it can cost."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        found = _batch(tx, opened, batch)
    return visit.page(
        "coupon_batch.html",
        **framed(opened, "coupons"),
        batch=found,
        base=batch_path(opened, found.batch_id),
        reward=opened.voice.reward(found.reward),
        state=state_of(found, visit.now),
        states=STATES,
        cost=exposure(opened, found),
        limited=LIMITED,
        last=last_day(opened, found.ends_at),
        done=done,
    )


@ROUTER.post("/console/p/{program}/coupons/batches/{batch}/codes")
def codes(visit: Making, program: str, batch: str) -> Response:
    """Send a batch's codes as a file; the audit trail tells who had it."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        found = _batch(tx, opened, batch)
        if found.is_shared:
            raise Problem("page_not_found", "There is no such page.")
        _note(tx, visit, opened, (found.batch_id, "coupons.downloaded", {"size": found.size}))
    written = found.codes(visit.house.vault(visit.tenant_id).digest).written(0, found.size)
    name = f"codes-{number_text('cpb', found.batch_id)}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(
        code_pieces(written, "csv"), headers=headers, media_type="text/csv; charset=utf-8"
    )


@ROUTER.post("/console/p/{program}/coupons/batches/{batch}/revoke")
def revoke(visit: Making, program: str, batch: str) -> Response:
    """Make all codes of a batch good no more; carts keep what they were promised."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        found = _batch(tx, opened, batch)
        revoke_batch(tx, opened.live.program_id, found.batch_id, visit.now)
        _note(tx, visit, opened, (found.batch_id, "coupons.revoked", {}))
    return visit.go(f"{batch_path(opened, found.batch_id)}?done=revoked")


def list_page(
    visit: Visit, program: str, *, before: str = "", problem: Problem | None = None, looked: Any = None
) -> Response:
    """Show the room of coupons.

    Args:
        visit: who looks.
        program: the program's key.
        before: the last batch of the page before.
        problem: why nothing was made.
        looked: what a code is good for, where one was looked up.

    Returns:
        The page.
    """
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        number = parse_number("cpb", before) if before else None
        batches = list_batches(tx, opened.live.program_id, number, _PAGE + 1)
    rows = [
        Row(
            one,
            batch_path(opened, one.batch_id),
            opened.voice.reward(one.reward),
            state_of(one, visit.now),
        )
        for one in batches[:_PAGE]
    ]
    return visit.page(
        "coupons.html",
        422 if problem is not None else 200,
        **framed(opened, "coupons"),
        rows=rows,
        states=STATES,
        older=number_text("cpb", batches[_PAGE - 1].batch_id) if len(batches) > _PAGE else "",
        newest=not before,
        rewards=[(key, opened.voice.reward(key)) for key in opened.program.promotions.coupons],
        periods=_PER,
        most=SIZE_AT_MOST,
        samples=_SAMPLES,
        typed={name: visit.form.get(name, "") for name in _TYPED} if problem is not None else {},
        problem=problem,
        looked=looked,
        once=number_text("cpb", visit.house.ids.number()),
        last_of=lambda at: last_day(opened, at),
    )


def batch_path(opened: Opened, batch_id: int) -> str:
    """Say where a batch's page is.

    Args:
        opened: the program.
        batch_id: which.

    Returns:
        Path.
    """
    return f"{opened.path}/coupons/batches/{number_text('cpb', batch_id)}"


def state_of(batch: Batch, now: datetime) -> str:
    """Say how a batch stands.

    Args:
        batch: which.
        now: the instant.

    Returns:
        One of `STATES`.
    """
    if batch.revoked_at is not None:
        return "revoked"
    if batch.ends_at is not None and batch.ends_at <= now:
        return "over"
    return "later" if batch.starts_at is not None and batch.starts_at > now else "live"


def exposure(opened: Opened, batch: Batch) -> Exposure:
    """Say what a batch can cost.

    Args:
        opened: the program.
        batch: which.

    Returns:
        The bounds.
    """
    return exposure_of(opened.program.definition, batch.reward, batch.size, batch.terms)


def last_day(opened: Opened, ends_at: datetime | None) -> date | None:
    """Say on which local day something is good for the last time.

    Args:
        opened: the program.
        ends_at: from when on it is over.

    Returns:
        The day; None without end.
    """
    return None if ends_at is None else opened.program.zone.day_of(ends_at - timedelta(microseconds=1))


def _asked(visit: Visit) -> NewBatch:
    """Read the form as the API would read its body."""
    wanted: dict[str, Any] = {
        "reward": visit.field("reward", 200),
        "per": visit.field("per", 10) or "all_time",
    }
    shared = visit.field("kind", 10) == "shared"
    for name in ("name", "code" if shared else "prefix"):
        if text := visit.field(name, 200):
            wanted[name] = text.upper() if name != "name" else text
    wanted |= {
        name: one for name in _COUNTS if (one := _count(visit, name)) and not (shared and name == "size")
    }
    if money := ungrouped(visit.field("money", 40)):
        wanted["money"] = money
    if shared and "code" not in wanted:
        raise Problem.at("/code", "wrong_value", "A shared code needs its letters. Nothing was made.")
    try:
        return msgspec.convert(wanted, NewBatch, strict=False)
    except msgspec.ValidationError as error:
        raise shape_problem(str(error)) from None


def _count(visit: Visit, name: str) -> int | None:
    text = ungrouped(visit.field(name, 20))
    if text and not text.isdecimal():
        raise Problem.at(f"/{name}", "wrong_value", "A count is a whole number. Nothing was made.")
    return int(text) if text else None


def _instants(opened: Opened, asked: NewBatch, visit: Visit) -> NewBatch:
    """Add validity: whole days of the program's clocks, the last one included."""
    zone, days = opened.program.zone, {}
    for name in ("from", "until"):
        text = visit.field(name, 20)
        days[name] = read_day(text)
        if text and days[name] is None:
            raise Problem.at(f"/{name}", "wrong_value", "A day is written 2026-11-30. Nothing was made.")
    begins, last = days["from"], days["until"]
    return msgspec.structs.replace(
        asked,
        from_=zone.start_of(begins) if begins is not None else None,
        until=zone.start_of(last + _ONE_DAY) if last is not None else None,
    )


def _batch(tx: Tx, opened: Opened, batch: str) -> Batch:
    number = parse_number("cpb", batch)
    if number is None:
        raise Problem("batch_not_found", "there is no such batch of codes")
    return get_batch(tx, opened.live.program_id, number)


def _note(tx: Tx, visit: Visit, opened: Opened, done: tuple[int, str, Mapping[str, Any]]) -> None:
    batch_id, action, detail = done
    about = f"coupons {number_text('cpb', batch_id)}"
    act = Act(visit.now, visit.staff.actor, action, about, opened.live.program_id, dict(detail))
    record(tx, act, visit.house.ids)
