"""Tries whose time is over are judged, and whatever is finished is told: nobody need look at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import structlog

from guerdon.base.errors import Problem
from guerdon.engine.commands import IngestEvent
from guerdon.engine.loop import EngineLoop
from guerdon.engine.play.quizzes import Taker, close, event_of
from guerdon.infra.db import Database
from guerdon.play.attempts import FIRST, Attempt, list_due, list_untold, mark_told
from guerdon.programs.programs import LiveVersion
from guerdon.rules.program import Program

_LOG = structlog.get_logger(__name__)
_PAGE: Final = 200
_ANSWER_SECONDS: Final = 600
_GONE: Final = frozenset({"member_not_found", "member_erased"})
"""Whoever was erased meanwhile gets nothing any more."""


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
        Problem: the first that the engine refused an event with, after all of its page were tried.
    """
    tenant_id, program = place
    _close_due(database, loop, place, now)
    told = 0
    for page in _untold(database, place):
        asked = [
            IngestEvent(
                tenant_id=tenant_id,
                program=program.key,
                received_at=max(now, one.finished_at or now),
                bulk=True,
                raw=event_of(one),
                own=True,
            )
            for one in page
        ]
        answers = [future.result(_ANSWER_SECONDS) for future in loop.submit_many(asked)]
        with database.transaction(tenant_id) as tx:
            for one, said in zip(page, answers, strict=True):
                if said.problem is None:
                    mark_told(tx, one.place)
                    told += 1
        wrong = [said.problem for said in answers if said.problem and said.problem.code not in _GONE]
        if wrong:
            raise Problem(wrong[0].code, wrong[0].detail)
    return told


def _close_due(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> None:
    tenant_id, program = place
    key = (tenant_id, program.key)

    def recorded(version: int) -> Program:
        return loop.programs.version(key, program.program_id, version)

    after = FIRST
    while True:
        with database.transaction(tenant_id) as tx:
            due = list_due(tx, program.program_id, now, (after, _PAGE))
        if not due:
            return
        for one in due:
            version = (loop.programs.find(key) or loop.programs.load(key)).program
            taker = Taker(program.program_id, version, one[0], one[1], recorded)
            with database.transaction(tenant_id) as tx:
                close(tx, taker, one, now)
        _LOG.info("quiz_attempts_closed", program=program.key, count=len(due))
        after = due[-1]


def _untold(database: Database, place: tuple[int, LiveVersion]) -> Iterator[Sequence[Attempt]]:
    tenant_id, program = place
    after = FIRST
    while True:
        with database.transaction(tenant_id) as tx:
            page = list_untold(tx, program.program_id, (after, _PAGE))
        if not page:
            return
        yield page
        after = page[-1].place
