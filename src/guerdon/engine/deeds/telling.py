"""What is approved becomes an event, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from guerdon.engine.commands import IngestEvent
from guerdon.engine.loop import EngineLoop
from guerdon.engine.telling.pages import PAGE, Ear, Untold, cloud_event, tell_pages
from guerdon.infra.db import Database
from guerdon.programs.programs import LiveVersion
from guerdon.rewards.deeds.queue import Deed, list_untold, mark_told
from guerdon.rules.own_events import DEEDS


def event_of(deed: Deed) -> bytes:
    """Write the event that a deed becomes.

    Args:
        deed: what was done.

    Returns:
        A CloudEvent as JSON, always the same for the same deed.
    """
    return cloud_event((DEEDS, deed.name, deed.type), (deed.member_id, deed.occurred_at), deed.data)


def telling(deed: Deed, place: tuple[int, str], now: datetime) -> IngestEvent:
    """Make the command that tells the engine of a deed.

    Args:
        deed: approved.
        place: the tenant, and the program's key.
        now: the instant, UTC.

    Returns:
        The command; told again, it gives the first answer.
    """
    tenant_id, program = place
    return IngestEvent(
        tenant_id=tenant_id,
        program=program,
        received_at=max(now, deed.decided_at or now),
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
        How many were told.

    Raises:
        Problem: the first that the engine refused an event with, after all were tried.
    """
    return tell_pages(Ear(database, loop, *place, now), _untold(database, place), marks_gone=True)


def _untold(database: Database, place: tuple[int, LiveVersion]) -> Iterator[list[Untold]]:
    tenant_id, program = place
    after = 0
    while True:
        with database.transaction(tenant_id) as tx:
            page = list_untold(tx, program.program_id, after, PAGE)
        if not page:
            return
        yield [_untold_of(one) for one in page]
        after = page[-1].deed_id


def _untold_of(one: Deed) -> Untold:
    return Untold(event_of(one), one.decided_at or one.occurred_at, lambda tx: mark_told(tx, one))
