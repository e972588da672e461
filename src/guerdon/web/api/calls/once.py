"""Idempotency-Keys of writes beside the engine: effect and first answer in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from fastapi import Response

from guerdon.base.errors import Problem
from guerdon.engine.keys import NewCall, ask_calls, insert_calls
from guerdon.infra.tx import Tx
from guerdon.web.api.calls.call import Call, answer

_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")


class _First(msgspec.Struct, frozen=True):
    """A first answer as it is kept."""

    status: int
    body: msgspec.Raw


def once(call: Call, act: Callable[[Tx], tuple[int, Any]]) -> Response:
    """Carry out a write, or give the first answer to the same call again.

    Args:
        call: the call, with its key if it has one.
        act: does it in the given transaction; returns status and body of the answer.

    Returns:
        The answer.

    Raises:
        Problem: `idempotency_key_reused` where the key came with another body, and what `act` raises.
    """
    with call.transaction() as tx:
        if call.idempotency_key is None:
            status, body = act(tx)
            return answer(body, status)
        scope, key = call.scope, call.idempotency_key
        digest = hashlib.sha256(call.body).digest()
        # A concurrent repeat waits here until the first one has committed.
        place = int.from_bytes(
            hashlib.sha256(f"{call.tenant_id} {scope} {key}".encode()).digest()[:8], "big", signed=True
        )
        tx.execute("select pg_advisory_xact_lock(%s)", (place,))
        now = datetime.now(UTC)
        known = ask_calls(tx, call.tenant_id, [(scope, key)], now)().get((scope, key))
        if known is not None:
            if known.body_hash != digest:
                raise Problem("idempotency_key_reused", "this Idempotency-Key came with another body before")
            first = msgspec.json.decode(known.answer, type=_First)
            return Response(bytes(first.body), first.status, media_type="application/json")
        status, body = act(tx)
        written = _ENCODER.encode(body)
        kept = _ENCODER.encode(_First(status, msgspec.Raw(written)))
        insert_calls(tx, [NewCall(scope, key, digest, kept, now)])()
        return Response(written, status, media_type="application/json")
