"""Seats that came free go to who waits, one by one, as events of the engine's own."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import IngestEvent
from guerdon.engine.loop import EngineLoop
from guerdon.infra.db import Database
from guerdon.programs.programs import LiveVersion
from guerdon.rewards.seats.waiting import State, Wait, call_next, list_awaited, settle
from guerdon.rules.own_events import SEAT_FREED, SEATS
from guerdon.rules.program import Program

_LOG = structlog.get_logger(__name__)
_ANSWER_SECONDS: Final = 600
_GONE: Final = frozenset({"member_not_found", "member_erased", "account_erased"})
_AGAIN: Final = frozenset({"out_of_stock", "reward_called_off"})
"""Why somebody who was called waits on, at the same place."""


class Hall(NamedTuple):
    """Where seats are given."""

    database: Database
    loop: EngineLoop
    tenant_id: int
    program_id: int
    program: Program


def fill_due(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> int:
    """Give all seats of a program that came free to those who wait for them.

    Args:
        database: where the lines are.
        loop: what gives the seats.
        place: the tenant and the program.
        now: the instant, UTC.

    Returns:
        How many seats were given.

    Raises:
        Problem: as `fill`.
    """
    tenant_id, live = place
    with database.transaction(tenant_id) as tx:
        rewards = list_awaited(tx, live.program_id)
    if not rewards:
        return 0
    hall = hall_of(database, loop, place)
    return sum(fill(hall, reward, now) for reward in rewards)


def hall_of(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion]) -> Hall:
    """Find the version by which seats of a program are given.

    Args:
        database: where the lines are.
        loop: what gives the seats.
        place: the tenant and the program.

    Returns:
        The hall, with the live version: whoever has not decided since it was applied knows an older one.

    Raises:
        Problem: what loading the program raises.
    """
    tenant_id, live = place
    key = (tenant_id, live.key)
    found = loop.programs.find(key)
    if found is None or found.program.version != live.version:
        found = loop.programs.load(key)
    return Hall(database, loop, tenant_id, live.program_id, found.program)


def fill(hall: Hall, reward: str, now: datetime) -> int:
    """Give the seats of a reward that came free to those who wait for them, the first in line first.

    Whoever cannot pay, or may not have the reward any more, loses the place, and the next is called.

    Args:
        hall: where.
        reward: the reward's key; one without a line, or that is gone, gives nothing.
        now: the instant, UTC.

    Returns:
        How many seats were given.

    Raises:
        Problem: a refusal that is nobody's fault, such as `overloaded`; the same call later goes on.
    """
    found = hall.program.rewards.get(reward)
    if found is None or not found.has_line:
        return 0
    given = 0
    while True:
        with hall.database.transaction(hall.tenant_id) as tx:
            called = call_next(tx, hall.program_id, found, now)
        if not called:
            return given
        asked = [_asked(hall, one, now) for one in called]
        told = [future.result(_ANSWER_SECONDS) for future in hall.loop.submit_many(asked)]
        again = False
        for one, said in zip(called, told, strict=True):
            became = _became(one, said)
            with hall.database.transaction(hall.tenant_id) as tx:
                noted = settle(tx, one, found, became, now)
            again = again or became[0] == "waiting"
            given += noted and became[0] == "seated"
            if noted:
                _LOG.info("seat_called", reward=reward, number=one.number, became=became[0], why=became[1])
        if again:
            return given


def event_of(one: Wait) -> bytes:
    """Write the event that gives a seat.

    Args:
        one: called.

    Returns:
        A CloudEvent as JSON, always the same for the same call.
    """
    return json.dumps(
        {
            "specversion": "1.0",
            # Who was called in vain is called anew, by another event.
            "id": f"{one.name}/{int(one.changed_at.timestamp() * 1_000)}",
            "source": SEATS,
            "type": SEAT_FREED,
            "time": one.changed_at.isoformat(),
            "subject": number_text("mem", one.member_id),
            "data": {"reward": one.reward, "number": one.number},
        }
    ).encode()


def _asked(hall: Hall, one: Wait, now: datetime) -> IngestEvent:
    return IngestEvent(
        tenant_id=hall.tenant_id,
        program=hall.program.key,
        received_at=max(now, one.changed_at),
        raw=event_of(one),
        own=True,
    )


def _became(one: Wait, said: Answer) -> tuple[State, str, int | None]:
    if said.problem is not None:
        if said.problem.code in _GONE:
            return "passed", said.problem.code, None
        raise Problem(said.problem.code, said.problem.detail)
    campaign = f"seat:{one.reward}"
    for effect in said.effects:
        if effect.get("campaign") == campaign:
            return "seated", "", parse_number("red", str(effect["redeem"]["redemption"]))
    reasons = [str(skip["reason"]) for skip in said.skipped if skip.get("campaign") == campaign]
    reason = reasons[0] if reasons else "reward_over"
    return ("waiting" if reason in _AGAIN else "passed"), reason, None
