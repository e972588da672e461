"""What is approved becomes an event, once."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

import structlog

from guerdon.base.ids import number_text
from guerdon.engine.commands import IngestEvent
from guerdon.engine.loop import EngineLoop
from guerdon.infra.db import Database
from guerdon.programs.programs import LiveVersion
from guerdon.rewards.deeds.queue import Deed, list_untold, mark_told
from guerdon.rules.own_events import DEEDS

_LOG = structlog.get_logger(__name__)
_PAGE: Final = 200
_ANSWER_SECONDS: Final = 600
GONE: Final = frozenset({"member_not_found", "member_erased", "account_erased"})
"""Whoever was erased meanwhile gets nothing any more."""


def event_of(deed: Deed) -> bytes:
    """Write the event that a deed becomes.

    Args:
        deed: what was done.

    Returns:
        A CloudEvent as JSON, always the same for the same deed.
    """
    return json.dumps(
        {
            "specversion": "1.0",
            "id": deed.name,
            "source": DEEDS,
            "type": deed.type,
            "time": deed.occurred_at.isoformat(),
            "subject": number_text("mem", deed.member_id),
            "data": dict(deed.data),
        }
    ).encode()


def telling(deed: Deed, place: tuple[int, str], now: datetime, *, bulk: bool = False) -> IngestEvent:
    """Make the command that tells the engine of a deed.

    Args:
        deed: approved.
        place: the tenant, and the program's key.
        now: the instant, UTC.
        bulk: whether others may go first.

    Returns:
        The command; told again, it gives the first answer.
    """
    tenant_id, program = place
    return IngestEvent(
        tenant_id=tenant_id,
        program=program,
        received_at=max(now, deed.decided_at or now),
        bulk=bulk,
        raw=event_of(deed),
        own=True,
    )


def tell_due(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> int:
    """Tell the engine of approved deeds that nobody told it of.

    Args:
        database: where deeds are.
        loop: what takes the events in, in its bulk lane.
        place: the tenant and the program.
        now: the instant, UTC.

    Returns:
        How many were told. What the engine refuses stays, is logged, and is told again with the next tick.
    """
    tenant_id, program = place
    told, after = 0, 0
    while True:
        with database.transaction(tenant_id) as tx:
            page = list_untold(tx, program.program_id, after, _PAGE)
        if not page:
            return told
        asked = [telling(one, (tenant_id, program.key), now, bulk=True) for one in page]
        answers = [future.result(_ANSWER_SECONDS) for future in loop.submit_many(asked)]
        with database.transaction(tenant_id) as tx:
            for one, said in zip(page, answers, strict=True):
                if said.problem is None or said.problem.code in GONE:
                    mark_told(tx, one)
                    told += 1
                else:
                    _LOG.warning("deed_not_told", deed=one.name, code=said.problem.code)
        after = page[-1].deed_id
