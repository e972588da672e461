"""Time as an event: accounts that time has changed are found in pages and sent through the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from guerdon.base.errors import Problem
from guerdon.engine.boards.closing import close_due
from guerdon.engine.checkouts.forgetting import forget_checkouts
from guerdon.engine.commands import ReleaseHolds, RunTick
from guerdon.engine.community import telling
from guerdon.engine.deeds import telling as deeds
from guerdon.engine.keys import forget_calls
from guerdon.engine.loop import EngineLoop
from guerdon.engine.losing.due import tell_losses
from guerdon.engine.occasions.due import Almanac, tell_occasions
from guerdon.engine.play.due import tell_due
from guerdon.engine.play.raffles import Draws, draw_due
from guerdon.engine.referring.due import Desk, settle_referrals
from guerdon.engine.seating.called_off import call_off_due
from guerdon.engine.seating.calling import fill_due
from guerdon.engine.sharing import telling as share_telling
from guerdon.infra.db import Database
from guerdon.ledger.wallets import Due, list_due
from guerdon.members.standing import list_due_tiers
from guerdon.programs.history import is_history_held
from guerdon.programs.holds import list_lapsed
from guerdon.programs.programs import LiveVersion, list_programs, list_retired
from guerdon.programs.tenants import list_tenants

PAGE = 1_000
_ANSWER_SECONDS = 600
_OVER = frozenset({"database_unavailable", "shutting_down"})
"""Nothing else would come to anything either."""


def run_due(database: Database, loop: EngineLoop, now: datetime) -> int:
    """Book what time has done, in all programs of all tenants; nobody's balance depends on when it runs.

    Args:
        database: where due accounts are found.
        loop: what carries the ticks out, in its bulk lane.
        now: the instant up to which everything is booked, UTC.

    Returns:
        How many accounts were ticked.

    Raises:
        Problem: the first that a tick was refused with, after all of its page were tried.
    """
    with database.transaction_as("lookup") as tx:
        tenants = [tenant.tenant_id for tenant in list_tenants(tx)]
    return sum(run_due_of(database, loop, tenant_id, now) for tenant_id in tenants)


def run_due_of(database: Database, loop: EngineLoop, tenant_id: int, now: datetime) -> int:
    """Book what time has done in one tenant's programs.

    Args:
        database: where due accounts are found.
        loop: what carries the ticks out.
        tenant_id: whose.
        now: the instant up to which everything is booked, UTC.

    Returns:
        How many accounts were ticked.

    Raises:
        Problem: the first that anything was refused with, after all was tried.
    """
    with database.transaction(tenant_id) as tx:
        programs = [(one, Due(one.program_id, now, list_retired(tx, one))) for one in list_programs(tx)]
        forget_calls(tx, now)
    count = 0
    wrong: list[Problem] = []
    for program, due in programs:
        place = (tenant_id, program)
        count += _attempt(partial(_tick_accounts, database, loop, place, due), wrong)
        for duty in _duties(database, loop, place, now):
            _attempt(duty, wrong)
    if wrong:
        raise wrong[0]
    return count


def _attempt(duty: Callable[[], int | None], wrong: list[Problem]) -> int:
    """Do what is due: what it is refused with keeps nothing else from its time."""
    try:
        return duty() or 0
    except Problem as problem:
        if problem.code in _OVER:
            raise
        wrong.append(problem)
        return 0


def _duties(
    database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime
) -> Iterator[Callable[[], int | None]]:
    """List what time has due in a program, beside its accounts."""
    tenant_id, program = place
    yield lambda: _release_shared(database, loop, place, now)
    yield lambda: _forget(database, tenant_id, program.program_id, now)
    yield lambda: tell_occasions(Almanac(database, loop, tenant_id, program), now)
    yield lambda: tell_losses(database, loop, place, now)
    yield lambda: tell_due(database, loop, place, now)
    yield lambda: close_due(database, loop, place, now)
    yield lambda: draw_due(Draws(database, loop, tenant_id, program), now)
    yield lambda: telling.tell_due(database, loop, place, now)
    yield lambda: share_telling.tell_due(database, loop, place, now)
    yield lambda: settle_referrals(Desk(database, loop, tenant_id, program), now)
    yield lambda: fill_due(database, loop, place, now)
    yield lambda: call_off_due(database, loop, place, now)
    yield lambda: deeds.tell_due(database, loop, place, now)


def _tick_accounts(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], due: Due) -> int:
    tenant_id, program = place
    count = 0
    for account_ids in _pages(database, tenant_id, due):
        ticks = [
            RunTick(
                tenant_id=tenant_id,
                program=program.key,
                received_at=due.now,
                bulk=True,
                account_id=account_id,
            )
            for account_id in account_ids
        ]
        answers = [future.result(_ANSWER_SECONDS) for future in loop.submit_many(ticks)]
        for answer in answers:
            if answer.problem is not None:
                raise Problem(answer.problem.code, answer.problem.detail)
        count += len(ticks)
    return count


def tell_waiting_of(database: Database, loop: EngineLoop, tenant_id: int) -> int:
    """Tell what became of invitations in a sandbox, whose time is its own clock's.

    Args:
        database: where they are found.
        loop: what takes the events in.
        tenant_id: whose.

    Returns:
        How many events were told.

    Raises:
        Problem: the first that the engine refused an event with.
    """
    with database.transaction(tenant_id) as tx:
        programs = list_programs(tx)
    return sum(settle_referrals(Desk(database, loop, tenant_id, program), None) for program in programs)


def _forget(database: Database, tenant_id: int, program_id: int, now: datetime) -> None:
    """Let go of the rows of carts that nobody can pay any more, each page in a transaction of its own."""
    gone = PAGE
    while gone == PAGE:
        with database.transaction(tenant_id) as tx:
            gone = forget_checkouts(tx, program_id, now, PAGE)


def _release_shared(
    database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime
) -> None:
    """Let go of what carts that nobody paid in time held of shared counters, a page of counters at a time."""
    tenant_id, program = place
    seen: set[str] = set()
    while True:
        with database.transaction(tenant_id) as tx:
            counters = [one for one in list_lapsed(tx, program.program_id, now) if one not in seen]
        if not counters:
            return
        seen.update(counters)
        command = ReleaseHolds(
            tenant_id=tenant_id, program=program.key, received_at=now, bulk=True, counters=tuple(counters)
        )
        answer = loop.submit(command).result(_ANSWER_SECONDS)
        if answer.problem is not None:
            raise Problem(answer.problem.code, answer.problem.detail)


def _pages(database: Database, tenant_id: int, due: Due) -> Iterator[list[int]]:
    after = 0
    while True:
        with database.transaction(tenant_id) as tx:
            if is_history_held(tx, due.program_id):
                # An account whose past is still being told must not be booked on to now.
                return
            page = list_due(tx, due, after, PAGE)
        if not page:
            break
        yield page
        after = page[-1]
    # A tick moves the next review on, so the same question finds others until nobody is left.
    seen: set[int] = set()
    while True:
        with database.transaction(tenant_id) as tx:
            if is_history_held(tx, due.program_id):
                return
            page = [one for one in list_due_tiers(tx, due.program_id, due.now, PAGE) if one not in seen]
        if not page:
            return
        seen.update(page)
        yield page
