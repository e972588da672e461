"""Events: taking them in, and what was taken in; orders are events that carry one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import Answer, effect_view, problem_in
from guerdon.engine.commands import IngestEvent
from guerdon.engine.events import Page, StoredEvent, find_orders, list_events
from guerdon.members.identities import parse_ref, resolve
from guerdon.rules.orders import OrderInput
from guerdon.rules.program import Program
from guerdon.rules.sent import ReturnInput, Time
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.finding import find_events
from guerdon.web.api.shapes.events import EventAnswer, Events, EventShape, Orders, OrderShape
from guerdon.web.bodies import EVENTS_LIMIT, Receive, read_body, syntax_problem
from guerdon.web.callers import Caller, instant_of_call
from guerdon.web.front import FastHandler, Scope, header
from guerdon.web.house import Premises
from guerdon.web.outline import operation, shape
from guerdon.web.problems import body_of
from guerdon.wiring import Live

ROUTER: Final = APIRouter(tags=["Events and orders"])
Reading = Annotated[Call, Depends(admitted("events:read"))]
EVENTS_AT_MOST: Final = 10_000
_PIECE: Final = 256
_PIECES_AHEAD: Final = 2
_PATIENCE: Final = 3_000
_PATIENCE_AT_FIRST: Final = 100
_NAP_SECONDS: Final = 0.02
_ARRAYS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OF_THE_WHOLE: Final = frozenset({"program_not_found", "database_unavailable"})
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
_MEDIA: Final = ("application/cloudevents+json", "application/json", "application/cloudevents-batch+json")
SCOPE: Final = "events:write"
MEDIA_TAKEN: Final = frozenset(
    {b"", b"application/x-www-form-urlencoded", *(media.encode() for media in _MEDIA)}
)

_DATA: Final = {"anyOf": [shape(OrderInput), shape(ReturnInput), {"type": "object"}]}


class SentEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CloudEvent 1.0; `data` is an order for `order.*`, else what the program declares."""

    id: str
    source: str
    type: str
    time: Time
    """RFC 3339 with an offset."""
    data: Annotated[Any, msgspec.Meta(extra_json_schema=_DATA)] = None
    """An order for `order.*`, else what the program declares for the type."""
    specversion: str = "1.0"
    subject: str | None = None
    """A member reference; only an `order.*` event may be about nobody."""
    channel: str | None = None
    store: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None


@dataclass(frozen=True, slots=True)
class Whose:
    """Of whom a list is wanted; everybody's where neither is named."""

    member: str | None
    account: str | None


def whose_list(
    member: Annotated[str | None, Query(max_length=260)] = None,
    account: Annotated[str | None, Query(max_length=40)] = None,
) -> Whose:
    """Read of whom a list is wanted.

    Args:
        member: a member reference; the list is that of the member's account.
        account: an account's id.

    Returns:
        Whom.
    """
    return Whose(member, account)


Whosever = Annotated[Whose, Depends(whose_list)]


def take_in(premises: Premises) -> FastHandler:
    """Make the handler of `POST …/events`, which the front calls without a framework between.

    Args:
        premises: the house with its door.

    Returns:
        The handler.
    """

    async def handle(scope: Scope, receive: Receive, program: str) -> tuple[int, bytes]:
        caller = await premises.doorkeeper.admit(scope)
        caller.require(SCOPE)
        _check_request(scope)
        now = instant_of_call(caller, header(scope, b"guerdon-now"))
        raw = await read_body(receive, header(scope, b"content-length"), EVENTS_LIMIT)
        first = raw.lstrip()[:1]
        intake = _Intake(premises, caller, program, now)
        if first == b"[":
            return 200, await intake.many(raw)
        if not first:
            raise Problem("body_missing", "this call needs an event, or an array of events")
        return await intake.one(raw)

    return handle


def _check_request(scope: Scope) -> None:
    if scope["query_string"]:
        raise Problem("unknown_parameter", "this call takes no parameters")
    media = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
    if media not in MEDIA_TAKEN:
        raise Problem("unsupported_media_type", f"this call takes {', '.join(_MEDIA)}")


class _Intake:
    """One call with events."""

    def __init__(self, premises: Premises, caller: Caller, program: str, now: Any) -> None:
        self.premises = premises
        self.caller = caller
        self.program = program
        self.now = now

    def command(self, raw: bytes, *, bulk: bool) -> IngestEvent:
        """Ask for one event to be taken in."""
        return IngestEvent(
            tenant_id=self.caller.tenant_id, program=self.program, received_at=self.now, raw=raw, bulk=bulk
        )

    async def one(self, raw: bytes) -> tuple[int, bytes]:
        """Take in a lone event; a bad one is refused as a whole request."""
        said = await self.premises.waiting.ask(self.command(raw, bulk=False))
        self.premises.telemetry.count_event(said.status)
        if said.problem is not None:
            raise problem_in(said.problem)
        return 200, _ENCODER.encode(shown_row(said))

    async def many(self, raw: bytes) -> bytes:
        """Take in an array; each event answers in its row."""
        events = _split(raw)
        if not events:
            await to_thread.run_sync(self._check_program)
        rows: list[bytes] = []
        failed: Problem | None = None
        async for piece in self._in_pieces(events):
            for one in piece:
                self.premises.telemetry.count_event(one.status)
                if one.problem is not None and one.problem.code in _OF_THE_WHOLE:
                    failed = Problem(one.problem.code, one.problem.detail)
            # Written piece by piece, as they were queued: nobody else is kept waiting by a call of thousands.
            rows.append(_ENCODER.encode([shown_row(one) for one in piece])[1:-1])
        if failed is not None:
            raise failed
        return b"[%s]" % b",".join(rows)

    async def _in_pieces(self, events: Sequence[msgspec.Raw]) -> AsyncIterator[list[Answer]]:
        """Queue a large call piece by piece, so that it leaves the queue open for others."""
        ahead: list[asyncio.Future[list[Answer]]] = []
        for start in range(0, len(events), _PIECE):
            piece = [self.command(bytes(event), bulk=True) for event in events[start : start + _PIECE]]
            ahead.append(await self._begin(piece, _PATIENCE if start else _PATIENCE_AT_FIRST))
            if len(ahead) == _PIECES_AHEAD:
                yield await ahead.pop(0)
        for future in ahead:
            yield await future

    async def _begin(self, piece: Sequence[IngestEvent], naps: int) -> asyncio.Future[list[Answer]]:
        for _ in range(naps):
            try:
                return self.premises.waiting.begin(piece)
            except Problem as problem:
                # A call whose beginning was taken in is not refused in its middle; one that has not begun
                # waits for two seconds, for whoever is refused at once sends all of it again at once.
                if problem.code != "overloaded":
                    raise
            await asyncio.sleep(_NAP_SECONDS)
        return self.premises.waiting.begin(piece)

    def _check_program(self) -> None:
        with self.premises.house.database.transaction(self.caller.tenant_id) as tx:
            self.premises.house.live(tx, self.program)


def _split(raw: bytes) -> list[msgspec.Raw]:
    try:
        # Checked at once: a broken byte anywhere is a broken request, with nothing of it taken in.
        raw.decode("utf-8")
        events = _ARRAYS.decode(raw)
    except RecursionError:
        raise Problem.at("", "nesting_too_deep", "brackets are nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise syntax_problem(raw, str(error)) from None
    if len(events) > EVENTS_AT_MOST:
        detail = f"one call takes {EVENTS_AT_MOST} events, these are {len(events)}; nothing was taken in"
        raise Problem("too_many_events", detail)
    return events


def shown_row(said: Answer) -> dict[str, Any]:
    """Show what became of an event.

    Args:
        said: the engine's answer.

    Returns:
        The row, ready to be encoded.
    """
    row: dict[str, Any] = {
        "id": said.id,
        "status": said.status,
        "effects": said.effects,
        "skipped": said.skipped,
        "balances": said.balances,
    }
    if said.late:
        row["late"] = True
    if said.guest:
        row["guest"] = True
    if said.returned:
        row["returned"] = said.returned
    if said.returned or said.shortfalls:
        row["shortfalls"] = said.shortfalls
    if said.problem is not None:
        row["problem"] = body_of(problem_in(said.problem))
    return row


async def _never() -> Response:
    """Take in one event, or an array of at most 10,000 and 32 MiB.

    A lone event answers one object, and one that is refused a problem. An array answers an array in the
    same order, each event in its row, with 200. Events are idempotent by program, source and id.
    """
    raise AssertionError("the front answers this call")  # pragma: no cover


ROUTER.post(
    "/v1/programs/{program}/events",
    summary="Take in events",
    **operation(EventAnswer | list[EventAnswer], body=SentEvent | list[SentEvent], media=_MEDIA),
)(_never)


@ROUTER.get("/v1/programs/{program}/events", summary="List events", **operation(Events))
def all_events(
    call: Reading,
    program: str,
    wanted: Paged,
    whose: Whosever,
    type: Annotated[str | None, Query(max_length=200)] = None,  # noqa: A002 - the name of the parameter
) -> Response:
    """Newest first; of one member's account, or of one type."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        account_id = _account(tx, call, live, whose)
        rows = list_events(
            tx, live.program_id, Page(wanted.limit + 1, wanted.after(UUID), account_id, type or "")
        )
    return listing(rows, wanted, lambda row: row.event_id, lambda row: _event(live.program, row))


@ROUTER.get("/v1/programs/{program}/events/{event:path}", summary="One event", **operation(EventShape))
def one_event(
    call: Reading, program: str, event: str, source: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """By the id it was sent with; `source` chooses where two sources have that id."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        rows = find_events(tx, live.program_id, event, source)
    return answer(_event(live.program, only_one(rows, "event")))


@ROUTER.get("/v1/programs/{program}/orders", summary="List orders", **operation(Orders))
def all_orders(
    call: Reading,
    program: str,
    wanted: Paged,
    whose: Whosever,
) -> Response:
    """Newest first; of one member's account with `member`."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        account_id = _account(tx, call, live, whose)
        page = Page(wanted.limit + 1, wanted.after(UUID), account_id, orders=True)
        rows = list_events(tx, live.program_id, page)
    return listing(rows, wanted, lambda row: row.event_id, lambda row: _order(live.program, row))


@ROUTER.get("/v1/programs/{program}/orders/{order:path}", summary="One order", **operation(OrderShape))
def one_order(
    call: Reading, program: str, order: str, source: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """By its id at its source; 409 `order_ambiguous` where two sources have that id and none is named."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        rows = find_orders(tx, live.program_id, order, source)
    return answer(_order(live.program, only_one(rows, "order")))


def _account(tx: Any, call: Call, live: Live, whose: Whose) -> int | None:
    member, account = whose.member, whose.account
    if member is not None and account is not None:
        raise Problem("parameter_invalid", "name a member or an account, not both")
    if account is not None:
        number = parse_number("acc", account)
        if number is None:
            raise Problem("account_not_found", "there is no such account")
        return number
    if member is None:
        return None
    ref = parse_ref(member)
    found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
    if found is None:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    return found.account_id


def only_one(rows: Sequence[StoredEvent], noun: str) -> StoredEvent:
    """Take the one that was meant.

    Args:
        rows: what was found.
        noun: `order` or `event`.

    Returns:
        The one there is.

    Raises:
        Problem: `…_not_found`, or `…_ambiguous` where two sources use one id.
    """
    if not rows:
        raise Problem(f"{noun}_not_found", f"there is no such {noun}")
    if len(rows) > 1:
        sources = ", ".join(sorted(row.source for row in rows))
        raise Problem(f"{noun}_ambiguous", f"several sources have this id, name one with `source`: {sources}")
    return rows[0]


def _event(program: Program, row: StoredEvent) -> EventShape:
    decided = row.decided
    body = msgspec.json.decode(row.text)
    return EventShape(
        # Facts that the engine itself made have no id from outside.
        id=row.id or str(row.event_id),
        source=row.source,
        type=row.type,
        time=row.occurred_at,
        booked_at=row.booked_at,
        account=number_text("acc", row.account_id) if row.account_id else None,
        member=number_text("mem", row.member_id) if row.member_id is not None else None,
        channel=row.channel or None,
        store=row.store or None,
        order=row.order_id,
        program_version=row.version,
        late=row.late,
        data=body.get("data") if isinstance(body, dict) else None,
        effects=[effect_view(program, effect) for effect in decided.effects],
        skipped=[{"campaign": skip.campaign, "reason": skip.reason} for skip in decided.skipped],
    )


def _order(program: Program, row: StoredEvent) -> OrderShape:
    event = _event(program, row)
    return OrderShape(
        id=row.order_id or "",
        source=row.source,
        event=row.id,
        time=event.time,
        account=event.account,
        member=event.member,
        channel=event.channel,
        store=event.store,
        order=event.data,
        effects=event.effects,
        skipped=event.skipped,
    )
