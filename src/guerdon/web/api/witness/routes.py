"""The witness: it signs heads of logs of others that fit what it saw of them before (C2SP tlog-witness)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.connect.witness import watching
from guerdon.connect.witness.telling import INCONSISTENT
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.rules.proofs.notes import NoteKey
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.calls.once import once
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Witness"])
Reading = Annotated[Call, Depends(admitted("witness:read"))]
Writing = Annotated[Call, Depends(admitted("witness:write"))]
Pushing = Annotated[Call, Depends(admitted("witness:push"))]
_SIZE: Final = "text/x.tlog.size"


class WitnessShape(msgspec.Struct, frozen=True):
    """Who signs here."""

    name: str
    key: str
    """The public key, as whoever is witnessed writes it down."""


class TrustedLog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A log to watch."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    """Its public key, as its own `log/keys` gives it; a log that changed its key has several."""


class WatchedShape(msgspec.Struct, frozen=True):
    """A log that is watched."""

    log: str
    keys: Sequence[str]
    size: int | None
    """Of the newest head that was signed here; null before the first."""
    checkpoint: str | None
    """That head."""
    seen_at: datetime | None
    alarms: int
    """That nobody has settled."""


class WatchedLogs(msgspec.Struct, frozen=True):
    """A page of logs, by name."""

    data: list[WatchedShape]
    next: str | None


class AlarmShape(msgspec.Struct, frozen=True):
    """A head, signed by its log, that does not fit what was seen before."""

    id: str
    log: str
    kind: str
    """`forked`: another head of a size that was seen. `shrunk`: fewer transactions than were seen.
    `rewritten`: it does not begin with what was seen."""
    seen_size: int
    checkpoint: str
    raised_at: datetime
    settled_at: datetime | None
    settled_by: str | None


class Alarms(msgspec.Struct, frozen=True):
    """A page of alarms, newest first."""

    data: list[AlarmShape]
    next: str | None


class Settled(msgspec.Struct, frozen=True):
    """What was settled."""

    id: str


@ROUTER.get("/v1/witness", summary="Who signs here", **operation(WitnessShape))
def about(call: Reading) -> Response:
    """The name and the public key that heads of others are signed with here."""
    with call.transaction() as tx:
        pen = watching.pen_of(tx, call.house.master_key, call.tenant_id)
    return answer(WitnessShape(pen.name, pen.key.text))


@ROUTER.post(
    "/v1/witness/logs",
    summary="Watch a log",
    **operation(WatchedShape, body=TrustedLog, status=201, also=[(200, WatchedShape)]),
)
def trust(call: Writing) -> Response:
    """201 where it is new; 200 where it is watched already.

    Heads that this key signed are signed here from now on, where they fit what was seen before. The first
    one is believed. A log is watched for ever: a witness that forgets is none.
    """
    asked = call.read(TrustedLog)
    try:
        key = NoteKey.read(asked.key)
    except Problem as problem:
        raise Problem.at("/key", problem.code, problem.detail) from None

    def act(tx: Tx) -> tuple[int, WatchedShape]:
        is_new = watching.trust(tx, key, datetime.now(UTC))
        if is_new:
            detail = {"key": key.text}
            record(
                tx,
                Act(call.now, call.caller.actor, "witness.trusted", key.name, detail=detail),
                call.house.ids,
            )
        found = watching.find_watched(tx, key.name)
        return 201 if is_new else 200, _watched(found)

    return once(call, act)


@ROUTER.get("/v1/witness/logs", summary="Logs that are watched", **operation(WatchedLogs))
def logs(call: Reading, wanted: Paged) -> Response:
    """By name, each with the newest head that was signed here."""
    with call.transaction() as tx:
        rows = watching.list_watched(tx, wanted.after(str) or "", wanted.limit + 1)
    return listing(rows, wanted, lambda one: one.origin, _watched)


@ROUTER.get("/v1/witness/alarms", summary="Heads that do not fit", **operation(Alarms))
def alarms(call: Reading, wanted: Paged) -> Response:
    """Newest first, settled ones too. Each holds the note that proves it: its log signed it."""
    with call.transaction() as tx:
        last = wanted.after(int)
        rows = watching.list_alarms(tx, last if last is not None else 2**62, wanted.limit + 1)
    return listing(rows, wanted, lambda one: one.alarm_id, _alarm)


@ROUTER.post("/v1/witness/alarms/{alarm}/settle", summary="Settle an alarm", **operation(Settled))
def settle(call: Writing, alarm: str) -> Response:
    """Says that somebody has looked into it. The log is still held to what was seen of it."""
    number = parse_number("alm", alarm)
    if number is None:
        raise Problem("alarm_not_found", "there is no such alarm, or it was settled")

    def act(tx: Tx) -> tuple[int, Settled]:
        watching.settle_alarm(tx, number, call.caller.actor, datetime.now(UTC))
        record(tx, Act(call.now, call.caller.actor, "witness.settled", alarm), call.house.ids)
        return 200, Settled(alarm)

    return once(call, act)


@ROUTER.post("/v1/witness/add-checkpoint", summary="Have a head signed", **operation(None))
def add_checkpoint(call: Pushing) -> Response:
    """Signs a head of a log that is watched here: the request and the answers of C2SP's tlog-witness.

    The body is text: `old` and the size of the head that was signed last, the consistency proof, a hash in
    base64 on a line, an empty line, and the signed head. The answer is the line to put under the head. Where
    another head was signed last, 409 gives its size.
    """
    asked = watching.read_request(call.body)
    # By the clock on the wall: what is signed is when this very house saw it.
    now = datetime.now(UTC)
    with call.transaction() as tx:
        pen = watching.pen_of(tx, call.house.master_key, call.tenant_id)
        said = watching.add_checkpoint(tx, asked, pen, now, call.house.ids.number)
    if said.alarm == "rewritten":
        detail = f"the log does not begin with the {said.size} transactions that were seen here"
        raise Problem(INCONSISTENT, detail)
    if not said.line:
        return Response(f"{said.size}\n", 409, media_type=_SIZE)
    return Response(said.line, media_type="text/plain; charset=utf-8")


def _watched(one: watching.Watched) -> WatchedShape:
    return WatchedShape(one.origin, one.keys, one.size, one.note, one.seen_at, one.alarms)


def _alarm(one: watching.Alarm) -> AlarmShape:
    shown = number_text("alm", one.alarm_id)
    return AlarmShape(
        shown,
        one.origin,
        one.kind,
        one.seen_size,
        one.note,
        one.raised_at,
        one.settled_at,
        one.settled_by or None,
    )
