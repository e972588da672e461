"""Raffles are drawn when their time has come, and whoever won is told; nobody need look at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import structlog

from guerdon.base.ids import number_text
from guerdon.engine.boards.closing import owners_of
from guerdon.engine.loop import EngineLoop
from guerdon.engine.telling.pages import PAGE, Ear, Untold, cloud_event, tell_pages
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.play.raffles import (
    Drawn,
    Raffle,
    begin_raffle,
    end_raffle,
    freeze_tickets,
    list_raffles,
    list_untold,
    mark_told,
    walk_tickets,
)
from guerdon.programs.programs import LiveVersion
from guerdon.rules.own_events import DRAW_WON, DRAWS
from guerdon.rules.play.draws import PrizeDraw, Ticket, lot_of, tickets_hash, winners_of
from guerdon.rules.program import Program
from guerdon.rules.tickets import seed_name

_LOG = structlog.get_logger(__name__)
GRACE: Final = timedelta(minutes=5)
"""What was being decided when the time came is committed by then."""


class Draws(NamedTuple):
    """A program whose raffles are drawn."""

    database: Database
    loop: EngineLoop
    tenant_id: int
    live: LiveVersion

    @property
    def program(self) -> Program:
        """As compiled."""
        key = (self.tenant_id, self.live.key)
        found = self.loop.programs.find(key)
        if found is None or found.program.version != self.live.version:
            found = self.loop.programs.load(key)
        return found.program


def draw_due(draws: Draws, now: datetime) -> int:
    """Draw the raffles of a program whose time has come, and tell the engine who won.

    Args:
        draws: the program.
        now: the instant, UTC.

    Returns:
        How many winners the engine was told of.

    Raises:
        Problem: the first that the engine refused an event with, after all were tried.
    """
    program = draws.program
    due = [one for one in program.draws.values() if _is_due(program, one, now)]
    for one in due:
        with draws.database.transaction(draws.tenant_id) as tx:
            drawn = draw_raffle(
                tx, draws.loop.vault(draws.tenant_id), (draws.live.program_id, program, one), now
            )
        if drawn is not None:
            _LOG.info("raffle_drawn", program=program.key, draw=one.key, accounts=drawn.accounts)
        failpoints.reach("raffle_drawn")
    ear = Ear(draws.database, draws.loop, draws.tenant_id, draws.live, now)
    return tell_pages(ear, _untold(draws))


def _is_due(program: Program, one: PrizeDraw, now: datetime) -> bool:
    if one.drawn_at is None:
        return False
    return one.drawn_at.replace(tzinfo=program.zone.info).astimezone(UTC) + GRACE <= now


def draw_raffle(tx: Tx, vault: Vault, of: tuple[int, Program, PrizeDraw], now: datetime) -> Raffle | None:
    """Draw a raffle, once: who takes part is frozen with it.

    Args:
        tx: bound to the tenant; a statement's time is not limited in it.
        vault: the tenant's keys, from which the seed follows.
        of: the program's number, the program, and the raffle.
        now: the instant, UTC.

    Returns:
        What was drawn, None where it had been already.
    """
    program_id, program, one = of
    raffle = Raffle(one.identity, one.key, program.version, now)
    if any(known.identity == one.identity for known in list_raffles(tx, program_id)):
        return None
    tx.execute("set local statement_timeout = 0")
    if not begin_raffle(tx, program_id, raffle):
        return None
    freeze_tickets(tx, program_id, one.identity, one.counter)
    drawn, raffle = reckon(tx, vault.seed_of(seed_name(program.key, one)), (program_id, one.winners), raffle)
    end_raffle(tx, program_id, raffle, drawn)
    return raffle


def reckon(
    tx: Tx, seed: bytes, of: tuple[int, tuple[int | None, ...]], raffle: Raffle
) -> tuple[list[tuple[int, int, int]], Raffle]:
    """Work out who wins a raffle, from who took part and the seed.

    Args:
        tx: bound to the tenant.
        seed: of the raffle, 32 bytes.
        of: the program's number, and how many win each prize.
        raffle: which.

    Returns:
        Account, place of the prize and ticket of each winner; and the raffle with what it counts.
    """
    program_id, winners = of
    held = {
        number_text("acc", one): (one, count) for one, count in walk_tickets(tx, program_id, raffle.identity)
    }

    def tickets() -> Iterator[Ticket]:
        for account, (_, count) in held.items():
            yield from (Ticket(raffle.identity, account, number) for number in range(1, count + 1))

    drawn = winners_of(winners, tickets(), lambda ticket: lot_of(seed, ticket.text))
    counted = raffle._replace(
        accounts=len(held),
        tickets=sum(count for _, count in held.values()),
        tickets_hash=tickets_hash((account, count) for account, (_, count) in held.items()),
    )
    return [(held[ticket.account][0], prize, ticket.number) for prize, ticket in drawn], counted


def _untold(draws: Draws) -> Iterator[list[Untold]]:
    after = 0
    while True:
        with draws.database.transaction(draws.tenant_id) as tx:
            page = list_untold(tx, draws.live.program_id, after, PAGE)
            owners = owners_of(tx, {one.account_id for one in page})
        if not page:
            return
        yield [_untold_of(one, owners[one.account_id]) for one in page if one.account_id in owners]
        after = page[-1].account_id


def _untold_of(one: Drawn, owner: int) -> Untold:
    return Untold(event_of(one, owner), one.drawn_at, lambda tx: mark_told(tx, one))


def event_id(one: Drawn) -> str:
    """Name the event of a winner at its source.

    Args:
        one: the winner.

    Returns:
        A text that no other has.
    """
    return f"{one.identity}/{number_text('acc', one.account_id)}"


def event_of(one: Drawn, member_id: int) -> bytes:
    """Write the event that says who won.

    Args:
        one: the winner.
        member_id: the owner of the account.

    Returns:
        A CloudEvent as JSON.
    """
    data = {"draw": one.draw, "prize": one.prize, "ticket": one.ticket}
    return cloud_event((DRAWS, event_id(one), DRAW_WON), (member_id, one.drawn_at), data)
