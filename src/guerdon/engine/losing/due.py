"""Tiers that were lost are told as events, which campaigns wait for; told twice, it is one event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from guerdon.engine.loop import EngineLoop
from guerdon.engine.telling.pages import PAGE, Ear, Untold, tell_pages
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.members.losing.rows import list_losses
from guerdon.programs.history import is_history_held
from guerdon.programs.programs import LiveVersion
from guerdon.rules.losses import loss_event


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
        Problem: the first that the engine refused an event with, after all were tried.
    """
    return tell_pages(Ear(database, loop, *place, now), _untold(database, place, now))


def _untold(database: Database, place: tuple[int, LiveVersion], now: datetime) -> Iterator[list[Untold]]:
    tenant_id, program = place
    after = 0
    while True:
        with database.transaction(tenant_id) as tx:
            if is_history_held(tx, program.program_id):
                return
            page = list_losses(tx, program.program_id, (after, PAGE))
        if not page:
            return
        yield [
            Untold(loss_event((one.account_id, one.member_id), one.ladder, lost), now, _known_by_itself)
            for one in page
            for lost in one.lost
        ]
        after = page[-1].account_id


def _known_by_itself(_: Tx) -> None:
    """Note nothing: what was told stands beside the tier."""
