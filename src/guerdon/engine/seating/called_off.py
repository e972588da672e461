"""What does not take place: whoever has a seat gives it back and is told, and nobody waits any more."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer
from guerdon.engine.commands import CancelRedemption, IngestEvent
from guerdon.engine.loop import EngineLoop
from guerdon.engine.seating.calling import Hall, hall_of
from guerdon.engine.telling.pages import GONE, cloud_event
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from guerdon.programs.programs import LiveVersion
from guerdon.rewards.seats.held import Held, list_held
from guerdon.rewards.seats.waiting import Wait, dismiss, list_line
from guerdon.rules.own_events import SEAT_CALLED_OFF, SEATS

_LOG = structlog.get_logger(__name__)
_ANSWER_SECONDS: Final = 600
_PAGE: Final = 500
# Who was told by a call that was stopped, or by another process, is not told again: only the time differs.
_TOLD: Final = frozenset({*GONE, "event_id_reused"})
# The member was faster, or an open cart holds the seat: then the next tick comes back for it.
_SETTLED: Final = frozenset({*GONE, "redemption_cancelled", "redemption_used", "redemption_held"})


def call_off_due(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> int:
    """Give back all seats of what the live version calls off, and end the lines for it.

    Each seat is given back as its owner would: once, whoever else does so meanwhile. What was told is told
    before it is given back, so that a call that is stopped in between leaves nobody untold.

    Args:
        database: where the seats are.
        loop: what takes them back.
        place: the tenant and the program.
        now: the instant, UTC.

    Returns:
        How many seats were given back.

    Raises:
        Problem: the first that anything was refused with, after all was tried.
    """
    hall = hall_of(database, loop, place)
    rewards = [one for _, one in sorted(hall.program.rewards.items()) if one.is_called_off]
    if not rewards:
        return 0
    wrong: list[Problem] = []
    for reward in rewards:
        if reward.has_line:
            _end_line(hall, reward.key, now, wrong)
    given = _give_back(hall, [one.key for one in rewards], now, wrong)
    if wrong:
        raise wrong[0]
    return given


def _end_line(hall: Hall, reward: str, now: datetime, wrong: list[Problem]) -> None:
    while True:
        with hall.database.transaction(hall.tenant_id) as tx:
            # Who was called is settled by that call: a seat that it gives is given back below.
            line = list_line(tx, hall.program_id, reward, _PAGE)
        waiting = [one for one in line if one.state == "waiting"]
        told = _all(hall, [_told(hall, reward, one.member_id, one, now) for one in waiting])
        there = [one for one, said in zip(waiting, told, strict=True) if _went(said, _TOLD, wrong)]
        if not there:
            return
        with hall.database.transaction(hall.tenant_id) as tx:
            ended = dismiss(tx, hall.program_id, hall.program.rewards[reward], there, now)
        _LOG.info("line_called_off", reward=reward, ended=ended)


def _give_back(hall: Hall, rewards: list[str], now: datetime, wrong: list[Problem]) -> int:
    given, after = 0, 0
    while True:
        with hall.database.transaction(hall.tenant_id) as tx:
            held = list_held(tx, hall.program_id, rewards, after, _PAGE)
        if not held:
            return given
        after = held[-1].redemption_id
        who = [one for one in held if one.member_id is not None]
        telling = [_told(hall, one.reward, one.member_id, one, now) for one in who if one.member_id]
        untold = {
            one.redemption_id
            for one, said in zip(who, _all(hall, telling), strict=True)
            if not _went(said, _TOLD, wrong)
        }
        failpoints.reach("told")
        wanted = [one for one in held if one.redemption_id not in untold]
        back = _all(hall, [_cancelled(hall, one, now) for one in wanted])
        done = [one for one in back if _went(one, _SETTLED, wrong) and one.problem is None]
        given += len(done)
        _LOG.info("seats_called_off", rewards=rewards, given_back=len(done))


def _all(hall: Hall, asked: list[IngestEvent] | list[CancelRedemption]) -> list[Answer]:
    return [future.result(_ANSWER_SECONDS) for future in hall.loop.submit_many(asked)]


def _went(said: Answer, fine: frozenset[str], wrong: list[Problem]) -> bool:
    """Tell whether something is done; what is wrong with one keeps no other from its own."""
    if said.problem is None or said.problem.code in fine:
        return True
    wrong.append(Problem(said.problem.code, said.problem.detail))
    return False


def _told(hall: Hall, reward: str, member_id: int, what: Held | Wait, now: datetime) -> IngestEvent:
    waited = isinstance(what, Wait)
    number = f"wait/{what.number}" if isinstance(what, Wait) else number_text("red", what.redemption_id)
    raw = cloud_event(
        (SEATS, f"{reward}/{number}", SEAT_CALLED_OFF), (member_id, now), {"reward": reward, "waited": waited}
    )
    return IngestEvent(
        tenant_id=hall.tenant_id, program=hall.program.key, received_at=now, raw=raw, own=True, bulk=True
    )


def _cancelled(hall: Hall, one: Held, now: datetime) -> CancelRedemption:
    return CancelRedemption(
        tenant_id=hall.tenant_id,
        program=hall.program.key,
        received_at=now,
        bulk=True,
        redemption_id=one.redemption_id,
    )
