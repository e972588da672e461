"""Coupons: make batches and shared codes, look a code up, assign and revoke."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found, parse_ref, resolve
from guerdon.programs.audit import Act, record
from guerdon.rewards.coupons import (
    Batch,
    assign_code,
    get_batch,
    list_batches,
    make_batch,
    revoke_batch,
    revoke_code,
)
from guerdon.rules.coupons.standing import KnownCode
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.calls.once import once
from guerdon.web.api.coupons.checking import Asked, check_code, find_code
from guerdon.web.api.coupons.making import batch_of, show_batch
from guerdon.web.api.coupons.misses import count_misses, refuse_guessing
from guerdon.web.api.coupons.shapes import Assigned, Batches, BatchShape, CouponShape, NewBatch
from guerdon.web.api.coupons.streaming import code_pieces
from guerdon.web.outline import operation
from guerdon.wiring import Live

ROUTER: Final = APIRouter(tags=["Coupons"])
Reading = Annotated[Call, Depends(admitted("coupons:read"))]
Writing = Annotated[Call, Depends(admitted("coupons:write"))]
Form = Annotated[Literal["csv", "ndjson", "none"], Query(alias="format")]
_BASE: Final = "/v1/programs/{program}/coupons"


class _Made(msgspec.Struct):
    id: str


class Part(NamedTuple):
    """Which codes of a batch are wanted, and how they are written."""

    form: str
    first: int
    most: int | None


class Where(NamedTuple):
    """Who asks about a code, and where."""

    member: str | None
    channel: str
    store: str


def _part(
    form: Form = "csv",
    first: Annotated[int, Query(ge=0, le=2**62)] = 0,
    count: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> Part:
    return Part(form, first, count)


def _where(
    member: Annotated[str | None, Query(max_length=260)] = None,
    channel: Annotated[str, Query(max_length=200)] = "",
    store: Annotated[str, Query(max_length=200)] = "",
) -> Where:
    return Where(member, channel, store)


@ROUTER.post(f"{_BASE}/batches", summary="Make codes", **operation(BatchShape, body=NewBatch, status=201))
def make(call: Writing, program: str, form: Form = "csv") -> Response:
    """The codes come as CSV, or as NDJSON with `format=ndjson`; a shared code, and `format=none`, as JSON."""
    asked = call.read(NewBatch)

    def act(tx: Tx) -> tuple[int, Any]:
        live = call.house.live(tx, program)
        batch = batch_of(asked, live.program, call.house, call.tenant_id, call.now)
        make_batch(tx, live.program_id, batch)
        detail = {"reward": batch.reward, "size": batch.size, "written": batch.written}
        _note(tx, call, live, f"coupons {number_text('cpb', batch.batch_id)}", ("coupons.made", detail))
        return 201, show_batch(batch, live.program.digits)

    said = once(call, act)
    made = msgspec.json.decode(bytes(said.body), type=_Made)
    if asked.code is not None or form == "none":
        said.headers["guerdon-batch"] = made.id
        return said
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        batch = get_batch(tx, live.program_id, parse_number("cpb", made.id) or 0)
    return _stream(call, batch, (0, batch.size), form, 201)


@ROUTER.get(f"{_BASE}/batches", summary="List batches and shared codes", **operation(Batches))
def all_batches(call: Reading, program: str, wanted: Paged) -> Response:
    """Newest first."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        rows = list_batches(tx, live.program_id, wanted.after(int), wanted.limit + 1)
    return listing(rows, wanted, lambda row: row.batch_id, lambda row: show_batch(row, live.program.digits))


@ROUTER.get(f"{_BASE}/batches/{{batch}}", summary="One batch", **operation(BatchShape))
def one_batch(call: Reading, program: str, batch: str) -> Response:
    """Its terms, without the codes."""
    found = _batch(call, program, batch)
    with call.transaction() as tx:
        return answer(show_batch(found, call.house.live(tx, program).program.digits))


@ROUTER.get(f"{_BASE}/batches/{{batch}}/codes", summary="A batch's codes", **operation())
def codes(call: Writing, program: str, batch: str, part: Annotated[Part, Depends(_part)]) -> Response:
    """The same codes each time, from the one numbered `first` on."""
    found = _batch(call, program, batch)
    left = max(0, found.size - part.first)
    count = left if part.most is None else min(part.most, left)
    return _stream(call, found, (part.first, count), part.form, 200)


@ROUTER.post(f"{_BASE}/batches/{{batch}}/revoke", summary="Revoke a batch", **operation(BatchShape))
def end_batch(call: Writing, program: str, batch: str) -> Response:
    """None of its codes can be used any more; carts that hold one keep what they were promised."""
    number = _number(batch)

    def act(tx: Tx) -> tuple[int, Any]:
        live = call.house.live(tx, program)
        revoke_batch(tx, live.program_id, number, call.now)
        _note(tx, call, live, f"coupons {batch}", ("coupons.revoked", {}))
        return 200, show_batch(get_batch(tx, live.program_id, number), live.program.digits)

    return once(call, act)


@ROUTER.get(f"{_BASE}/{{code}}", summary="What a code is good for", **operation(CouponShape))
async def check(call: Reading, program: str, code: str, where: Annotated[Where, Depends(_where)]) -> Response:
    """Whether it can be used now, by whom, until when, what it gives, and why not."""
    refuse_guessing(call)

    def look() -> CouponShape:
        with call.transaction() as tx:
            live = call.house.live(tx, program)
            found = _member(tx, call, live, where.member) if where.member is not None else None
            return check_code(tx, call, live, code, Asked(found, where.channel, where.store))

    said = await to_thread.run_sync(look)
    count_misses(call, [said.reason or ""])
    return answer(said)


@ROUTER.post(
    f"{_BASE}/{{code}}/assign", summary="Give a code to a member", **operation(CouponShape, body=Assigned)
)
def assign(call: Writing, program: str, code: str) -> Response:
    """Only that member's account can use it from then on."""
    asked = call.read(Assigned)

    def act(tx: Tx) -> tuple[int, Any]:
        live = call.house.live(tx, program)
        try:
            found = _member(tx, call, live, asked.member)
        except Problem as problem:
            raise Problem.at("/member", problem.code, problem.detail) from None
        assign_code(tx, live.program_id, _known(tx, call, live, code), found.account_id, call.now)
        return 200, check_code(tx, call, live, code, Asked(found, "", ""))

    return once(call, act)


@ROUTER.post(f"{_BASE}/{{code}}/revoke", summary="Revoke a code", **operation(CouponShape))
def end_code(call: Writing, program: str, code: str) -> Response:
    """It cannot be used any more; a cart that holds it keeps what it was promised."""

    def act(tx: Tx) -> tuple[int, Any]:
        live = call.house.live(tx, program)
        known = _known(tx, call, live, code)
        revoke_code(tx, live.program_id, known, call.now)
        about = f"coupons {number_text('cpb', known.batch_id)}"
        _note(tx, call, live, about, ("coupon.revoked", {"place": known.place}))
        return 200, check_code(tx, call, live, code, Asked(None, "", ""))

    return once(call, act)


def _stream(call: Call, batch: Batch, part: tuple[int, int], form: str, status: int) -> Response:
    """Write codes as they are made: a batch of millions takes no more memory than one of a thousand."""
    if batch.is_shared:
        written = iter([batch.written][: part[1]])
    else:
        written = batch.codes(call.house.vault(call.tenant_id).digest).written(*part)
    media = "application/x-ndjson" if form == "ndjson" else "text/csv; charset=utf-8"
    headers = {"guerdon-batch": number_text("cpb", batch.batch_id)}
    return StreamingResponse(code_pieces(written, form), status, headers, media)


def _number(batch: str) -> int:
    number = parse_number("cpb", batch)
    if number is None:
        raise Problem("batch_not_found", "there is no such batch of codes")
    return number


def _batch(call: Call, program: str, batch: str) -> Batch:
    number = _number(batch)
    with call.transaction() as tx:
        return get_batch(tx, call.house.live(tx, program).program_id, number)


def _known(tx: Tx, call: Call, live: Live, code: str) -> KnownCode:
    known = find_code(tx, call, live, code)
    if known is None or known.problem == "coupon_mistyped":
        raise Problem("coupon_not_found", "no batch of this program has this code")
    return known


def _member(tx: Tx, call: Call, live: Live, member: str) -> Found:
    ref = parse_ref(member)
    found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
    if found is None:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    return found


def _note(tx: Tx, call: Call, live: Live, about: str, done: tuple[str, dict[str, Any]]) -> None:
    action, detail = done
    record(tx, Act(call.now, call.caller.actor, action, about, live.program_id, detail), call.house.ids)
