"""Tries whose time is over are judged, and whatever is finished is told: nobody need look at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import structlog

from guerdon.engine.loop import EngineLoop
from guerdon.engine.play.quizzes import Taker, close, event_of
from guerdon.engine.telling.pages import PAGE, Ear, Untold, tell_pages
from guerdon.infra.db import Database
from guerdon.play.attempts import FIRST, Attempt, list_due, list_untold, mark_told
from guerdon.programs.programs import LiveVersion
from guerdon.rules.program import Program

_LOG = structlog.get_logger(__name__)


def tell_due(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> int:
    """Judge the tries of a program whose time is over, and tell the engine what is not told yet.

    Args:
        database: where tries are found.
        loop: what takes the events in, in its bulk lane.
        place: the tenant and the program.
        now: the instant, UTC.

    Returns:
        How many events were told.

    Raises:
        Problem: the first that the engine refused an event with, after all were tried.
    """
    _close_due(database, loop, place, now)
    return tell_pages(Ear(database, loop, *place, now), _untold(database, place))


def _close_due(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> None:
    tenant_id, program = place
    key = (tenant_id, program.key)

    def recorded(version: int) -> Program:
        return loop.programs.version(key, program.program_id, version)

    after = FIRST
    while True:
        with database.transaction(tenant_id) as tx:
            due = list_due(tx, program.program_id, now, (after, PAGE))
        if not due:
            return
        for one in due:
            version = (loop.programs.find(key) or loop.programs.load(key)).program
            taker = Taker(program.program_id, version, one[0], one[1], recorded)
            with database.transaction(tenant_id) as tx:
                close(tx, taker, one, now)
        _LOG.info("quiz_attempts_closed", program=program.key, count=len(due))
        after = due[-1]


def _untold(database: Database, place: tuple[int, LiveVersion]) -> Iterator[Sequence[Untold]]:
    tenant_id, program = place
    after = FIRST
    while True:
        with database.transaction(tenant_id) as tx:
            page = list_untold(tx, program.program_id, (after, PAGE))
        if not page:
            return
        yield [untold_of(one) for one in page]
        after = page[-1].place


def untold_of(one: Attempt) -> Untold:
    """Say what the engine is to be told of a try.

    Args:
        one: finished.

    Returns:
        The event.
    """
    assert one.finished_at is not None, "only what is finished is told"
    return Untold(event_of(one), one.finished_at, lambda tx: mark_told(tx, one.place))
