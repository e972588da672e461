"""The log: signed heads, and proofs that a transaction is in it and that it only ever grew."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from guerdon.base.errors import Problem
from guerdon.connect.witness.pushes import Push, list_pushes
from guerdon.infra.tx import Tx
from guerdon.ledger import log
from guerdon.programs.audit import Act, record
from guerdon.rules.proofs.statement import ProofFile, write_proof
from guerdon.web.api.accounts import find_account
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.calls.once import once
from guerdon.web.outline import operation
from guerdon.wiring import Live

ROUTER: Final = APIRouter(tags=["Log and proofs"])
Reading = Annotated[Call, Depends(admitted("accounts:read"))]
Rotating = Annotated[Call, Depends(admitted("keys:write"))]
LINES_AT_MOST: Final = 10_000
"""Of one part of a statement."""
_NOT_YET: Final = "no such transaction is in a signed head; a new one is there within two seconds"


class CheckpointShape(msgspec.Struct, frozen=True):
    """A signed head."""

    size: int
    """Transactions in the log."""
    note: str
    """The signed note: the log's name, its size, its root in base64, and signatures."""
    signed_at: datetime


class LogKeyShape(msgspec.Struct, frozen=True):
    """A key that signs heads."""

    number: int
    key: str
    """As verifiers read it."""
    since: datetime


class LogKeys(msgspec.Struct, frozen=True):
    """All keys that ever signed, the present one last."""

    data: list[LogKeyShape]


class PushShape(msgspec.Struct, frozen=True):
    """How far a witness was told."""

    witness: str
    size: int
    """Of the last head that it took, 0 for none."""
    told_at: datetime | None
    tried_at: datetime | None
    attempts: int
    """That failed since."""
    problem: str | None
    """Why the last one failed."""
    refused_at: datetime | None
    """Since when it says that this log is another than the one it saw."""
    next_try_at: datetime | None


class Pushes(msgspec.Struct, frozen=True):
    """How far each witness was told, by its name."""

    data: list[PushShape]


class Checkpoints(msgspec.Struct, frozen=True):
    """A page of signed heads, newest first."""

    data: list[CheckpointShape]
    next: str | None


class Consistency(msgspec.Struct, frozen=True):
    """A proof that a later log begins with an earlier one (RFC 9162)."""

    from_size: int
    size: int
    path: list[str]
    """Hashes in hex."""
    checkpoint: str
    """The signed head of `size`."""


@ROUTER.get(
    "/v1/programs/{program}/log/checkpoint",
    summary="The signed head of the log",
    **operation(CheckpointShape),
)
def checkpoint(call: Reading, program: str) -> Response:
    """How far the log has come, signed now where it grew, at most once a second."""
    with call.transaction() as tx:
        signed = _signed(tx, call, call.house.live(tx, program), program)
    return answer(_shape(signed))


@ROUTER.get("/v1/programs/{program}/log/checkpoints", summary="All signed heads", **operation(Checkpoints))
def checkpoints(call: Reading, program: str, wanted: Paged) -> Response:
    """Newest first; none is ever forgotten."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        last = wanted.after(int)
        below = last if last is not None else 2**62
        rows = log.list_signed(tx, live.program_id, below, wanted.limit + 1)
    return listing(rows, wanted, lambda one: one.size, _shape)


@ROUTER.get("/v1/programs/{program}/log/keys", summary="Keys that sign the log", **operation(LogKeys))
def keys(call: Reading, program: str) -> Response:
    """Write the key down somewhere else: a proof is worth as much as the key that it is checked with."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        if not log.list_keys(tx, live.program_id):
            _signed(tx, call, live, program)
        known = log.list_keys(tx, live.program_id)
    return answer(LogKeys([_key(one) for one in known]))


@ROUTER.post(
    "/v1/programs/{program}/log/keys", summary="Give the log a new key", **operation(LogKeyShape, status=201)
)
def rotate(call: Rotating, program: str) -> Response:
    """The new key signs from now on; heads that others signed stay good under theirs.

    Give the new key to everybody who has the old one, witnesses first: they refuse what it signs before.
    """

    def act(tx: Tx) -> tuple[int, LogKeyShape]:
        live = call.house.live(tx, program)
        signer, now = call.house.signer(call.tenant_id), datetime.now(UTC)
        made = log.rotate(tx, signer, live.program_id, log.origin_of(tx, program), now)
        detail = {"number": made.number, "key": made.note_key.text}
        what = Act(
            call.now, call.caller.actor, "log_key.rotated", f"program:{program}", live.program_id, detail
        )
        record(tx, what, call.house.ids)
        return 201, _key(made)

    return once(call, act)


@ROUTER.get(
    "/v1/programs/{program}/log/witnesses", summary="How far witnesses were told", **operation(Pushes)
)
def witnesses(call: Reading, program: str) -> Response:
    """Each witness of the server's settings that was told of this log, or should have been."""
    with call.transaction() as tx:
        call.house.live(tx, program)
        rows = list_pushes(tx, program)
    return answer(Pushes([_push(one) for one in rows]))


@ROUTER.get(
    "/v1/programs/{program}/log/consistency",
    summary="That the log only grew",
    **operation(Consistency),
)
def consistency(
    call: Reading,
    program: str,
    from_size: Annotated[int, Query(ge=0, le=2**62)],
    size: Annotated[int | None, Query(ge=0, le=2**62)] = None,
) -> Response:
    """A proof that the log of `size` begins with that of `from_size`; without `size`, up to now."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        signed = _signed(tx, call, live, program)
        if size is not None and size != signed.size:
            signed = _earlier(tx, live, size)
        if from_size > signed.size:
            detail = f"the log has {signed.size} transactions there, fewer than {from_size}"
            raise Problem.at("/from_size", "log_size_invalid", detail)
        path = log.consistency_proof(tx, live.program_id, from_size, signed.size)
    return answer(Consistency(from_size, signed.size, [step.hex() for step in path], signed.note))


@ROUTER.get(
    "/v1/programs/{program}/transactions/{transaction}/proof",
    summary="That a transaction is in the log",
    **operation(dict[str, Any]),
)
def transaction_proof(
    call: Reading, program: str, transaction: str, size: Annotated[int | None, Query(ge=0, le=2**62)] = None
) -> Response:
    """A proof file for `guerdon proof verify`: the transaction's bytes and its way up to a signed head.

    It does not tell whose the transaction is: the account stands in it as a commitment. With `size` the head
    is the one of so many transactions, such as one that was anchored.
    """
    try:
        number = UUID(transaction)
    except ValueError:
        raise Problem("transaction_not_found", "a transaction's id is a UUID") from None
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        placed = log.find_placed(tx, live.program_id, number)
        if placed is None:
            raise Problem("transaction_not_found", _NOT_YET)
        signed = _signed(tx, call, live, program) if size is None else _earlier(tx, live, size)
        if placed.position >= signed.size:
            # Logged after the head that was signed a moment ago.
            raise Problem("transaction_not_found", _NOT_YET)
        file = log.prove_transaction(tx, live.program_id, signed, placed)
    return _file(file, transaction)


def _part(
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int | None, Query(ge=1, le=LINES_AT_MOST)] = None,
) -> tuple[int, int] | None:
    return (after, limit or LINES_AT_MOST) if after or limit else None


Wanted = Annotated[tuple[int, int] | None, Depends(_part)]


@ROUTER.get(
    "/v1/programs/{program}/accounts/{account}/proof",
    summary="A statement with a proof for each line",
    **operation(dict[str, Any]),
)
def statement_proof(request: Request, call: Reading, program: str, account: str, part: Wanted) -> Response:
    """All transactions of an account up to a signed head, for `guerdon proof verify`.

    The file opens the account's commitment, so that it can be seen that they are this account's, that none
    is left out before the last one, and what they add up to. Of a long statement `limit` gives a part: that
    of the lines behind the first `after`.
    """
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        row = find_account(tx, live.program_id, account)
        file = log.prove_statement(
            tx, live.program_id, _signed(tx, call, live, program), row.account_id, part
        )
    said = _file(file, account)
    if "gzip" in request.headers.get("accept-encoding", ""):
        # Paths of one account's lines say much alike: of 5,000 lines a twelfth is left.
        said.body = gzip.compress(bytes(said.body), 1, mtime=0)
        said.headers["content-encoding"] = "gzip"
        said.headers["content-length"] = str(len(said.body))
    said.headers["vary"] = "accept-encoding"
    return said


def _signed(tx: Tx, call: Call, live: Live, program: str) -> log.Signed:
    signer = call.house.signer(call.tenant_id)
    # By the clock on the wall also where a sandbox's call has another: so the sequencer signs too.
    origin, now = log.origin_of(tx, program), datetime.now(UTC)
    return log.sign_on_demand(tx, signer, live.program_id, origin, now)


def _earlier(tx: Tx, live: Live, size: int) -> log.Signed:
    found = log.find_signed(tx, live.program_id, size)
    if found is None:
        detail = f"no head of {size} transactions was signed; see log/checkpoints"
        raise Problem.at("/size", "checkpoint_not_found", detail)
    return found


def _key(one: log.LogKey) -> LogKeyShape:
    return LogKeyShape(one.number, one.note_key.text, one.since)


def _push(one: Push) -> PushShape:
    next_at = one.next_at if one.problem else None
    times = (one.told_at, one.tried_at, one.attempts, one.problem or None, one.refused_at, next_at)
    return PushShape(one.witness, one.size, *times)


def _shape(one: log.Signed) -> CheckpointShape:
    return CheckpointShape(one.size, one.note, one.signed_at)


def _file(file: ProofFile, name: str) -> Response:
    said = answer(write_proof(file))
    said.headers["content-disposition"] = f'attachment; filename="proof-{name}.json"'
    return said
