"""Tiers that were lost are told as events, which campaigns wait for; told twice, it is one event."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from guerdon.base.errors import Problem
from guerdon.engine.commands import IngestEvent
from guerdon.engine.loop import EngineLoop
from guerdon.infra.db import Database
from guerdon.members.losing.rows import list_losses
from guerdon.programs.history import is_history_held
from guerdon.programs.programs import LiveVersion
from guerdon.rules.losses import loss_event

_PAGE: Final = 500
_ANSWER_SECONDS: Final = 600
_GONE: Final = frozenset({"member_not_found", "member_erased"})
"""Whoever was erased meanwhile is told nothing any more."""


def tell_losses(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> int:
    """Tell the engine of tiers that were lost and of which no campaign knows yet.

    Args:
        database: where they are found.
        loop: what takes the events in, in its bulk lane.
        place: the tenant and the program.
        now: the instant, UTC.

    Returns:
        How many were told.

    Raises:
        Problem: the first that the engine refused an event with, after all of its page were tried.
    """
    tenant_id, program = place
    told = after = 0
    while True:
        with database.transaction(tenant_id) as tx:
            if is_history_held(tx, program.program_id):
                return told
            page = list_losses(tx, program.program_id, (after, _PAGE))
        if not page:
            return told
        asked = [
            IngestEvent(
                tenant_id=tenant_id,
                program=program.key,
                received_at=now,
                bulk=True,
                raw=loss_event((one.account_id, one.member_id), one.ladder, lost),
                own=True,
            )
            for one in page
            for lost in one.lost
        ]
        answers = [future.result(_ANSWER_SECONDS) for future in loop.submit_many(asked)]
        wrong = [one.problem for one in answers if one.problem is not None and one.problem.code not in _GONE]
        if wrong:
            raise Problem(wrong[0].code, wrong[0].detail)
        told += len(asked)
        after = page[-1].account_id
