"""Raffles that were drawn: who had tickets then, what they won, and who was not told yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from guerdon.infra.arrays import bigints, columns, integers
from guerdon.infra.tx import Tx

_BEGIN: Final = """
insert into raffles (program_id, identity, draw, version, drawn_at, accounts, tickets, tickets_hash)
values (%s, %s, %s, %s, %s, 0, 0, '') on conflict do nothing
"""
# Whoever was erased, or went into another account, takes part no more; the other account has their tickets.
_FREEZE: Final = """
insert into raffle_tickets (account_id, program_id, identity, tickets)
select c.account_id, a.program_id, %(identity)s, c.used
from account_counters c join accounts a on a.account_id = c.account_id
where c.counter = %(counter)s and c.used > 0 and a.program_id = %(program)s and a.merged_into is null
    and exists (select from members m where m.account_id = a.account_id and m.erased_at is null)
"""
_WALK: Final = """
select account_id, tickets from raffle_tickets where program_id = %s and identity = %s order by account_id
"""
_END: Final = """
update raffles set accounts = %s, tickets = %s, tickets_hash = %s where program_id = %s and identity = %s
"""
_WIN: Final = """
update raffle_tickets t set prize = w.prize, ticket = w.ticket
from unnest(%s::bigint[], %s::integer[], %s::integer[]) as w (account_id, prize, ticket)
where t.account_id = w.account_id and t.identity = %s
"""
_RAFFLES: Final = """
select identity, draw, version, drawn_at, accounts, tickets, tickets_hash from raffles
where program_id = %s order by drawn_at desc, identity limit %s
"""
_WON: Final = """
select t.identity, r.draw, t.account_id, t.tickets, t.prize, t.ticket, t.told, r.drawn_at
from raffle_tickets t join raffles r on r.program_id = t.program_id and r.identity = t.identity
"""
_UNTOLD: Final = f"""
{_WON} where t.program_id = %s and t.prize is not null and not t.told and t.account_id > %s
order by t.account_id limit %s
"""
_OF_RAFFLE: Final = f"""
{_WON} where t.program_id = %s and t.identity = %s and t.prize is not null order by t.prize, t.account_id
"""
_OF_ACCOUNTS: Final = f"""
{_WON} where t.account_id = any(%s::bigint[]) order by r.drawn_at desc, t.identity
"""
_TOLD: Final = "update raffle_tickets set told = true where account_id = %s and identity = %s"


_HELD: Final = """
select c.counter, count(*), sum(c.used) from account_counters c join accounts a on a.account_id = c.account_id
where c.counter like 'draw/%%' and c.used > 0 and a.program_id = %s group by c.counter
"""


class Held(NamedTuple):
    """Tickets of a draw that are held now."""

    accounts: int
    tickets: int


class Raffle(NamedTuple):
    """A raffle that was drawn."""

    identity: str
    draw: str
    """Its key in the document."""
    version: int
    """The version by which it was drawn."""
    drawn_at: datetime
    accounts: int = 0
    tickets: int = 0
    tickets_hash: str = ""
    """`rules.play.draws.tickets_hash` of who took part."""


class Drawn(NamedTuple):
    """An account's part in a raffle that was drawn."""

    identity: str
    draw: str
    account_id: int
    tickets: int
    prize: int | None
    """Place of what it won, from 1."""
    ticket: int | None
    told: bool
    drawn_at: datetime


def begin_raffle(tx: Tx, program_id: int, one: Raffle) -> bool:
    """Begin to draw a raffle, and freeze who takes part.

    Args:
        tx: bound to the tenant; all of the drawing is in it.
        program_id: whose.
        one: which, and when.

    Returns:
        False where it was drawn already.
    """
    said = (program_id, one.identity, one.draw, one.version, one.drawn_at)
    return tx.execute(_BEGIN, said).rowcount == 1


def freeze_tickets(tx: Tx, program_id: int, identity: str, counter: str) -> None:
    """Keep who has how many tickets now.

    Args:
        tx: the drawing's.
        program_id: whose raffle.
        identity: of the raffle.
        counter: that counts an account's tickets.
    """
    tx.execute(_FREEZE, {"identity": identity, "counter": counter, "program": program_id})


def walk_tickets(tx: Tx, program_id: int, identity: str) -> Iterator[tuple[int, int]]:
    """Go through who took part.

    Args:
        tx: bound to the tenant.
        program_id: whose raffle.
        identity: of the raffle.

    Yields:
        Accounts in their order, each with the number of its tickets.
    """
    with tx.cursor(name="raffle_tickets") as cursor:
        cursor.execute(_WALK, (program_id, identity))
        yield from cursor


def end_raffle(tx: Tx, program_id: int, one: Raffle, won: Sequence[tuple[int, int, int]]) -> None:
    """Write what was drawn.

    Args:
        tx: the drawing's.
        program_id: whose raffle.
        one: with what is known now of who took part.
        won: account, place of the prize, and the ticket that won it.
    """
    tx.execute(_END, (one.accounts, one.tickets, one.tickets_hash, program_id, one.identity))
    if won:
        tx.execute(_WIN, (*columns(list(won), (bigints, integers, integers)), one.identity))


def list_raffles(tx: Tx, program_id: int, limit: int = 1_000) -> list[Raffle]:
    """List what was drawn.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        limit: most of them.

    Returns:
        The newest first.
    """
    return [Raffle(*row) for row in tx.execute(_RAFFLES, (program_id, limit))]


def count_held(tx: Tx, program_id: int) -> dict[str, Held]:
    """Count the tickets of a program's draws; it looks at the counters of all accounts.

    Args:
        tx: bound to the tenant.
        program_id: whose.

    Returns:
        By the counter of a draw's tickets.
    """
    return {key: Held(accounts, int(held)) for key, accounts, held in tx.execute(_HELD, (program_id,))}


def list_winners(tx: Tx, program_id: int, identity: str) -> list[Drawn]:
    """List who won something in a raffle.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        identity: of the raffle.

    Returns:
        In the order of prizes.
    """
    return [Drawn(*row) for row in tx.execute(_OF_RAFFLE, (program_id, identity))]


def list_untold(tx: Tx, program_id: int, after: int, limit: int) -> list[Drawn]:
    """List winners of whom the engine was not told yet.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        after: the last account of the page before, 0 at first.
        limit: most of them.

    Returns:
        In the order of accounts.
    """
    return [Drawn(*row) for row in tx.execute(_UNTOLD, (program_id, after, limit))]


def list_drawn(tx: Tx, account_ids: Collection[int]) -> list[Drawn]:
    """List the raffles in which some accounts took part.

    Args:
        tx: bound to the tenant.
        account_ids: a member's, of all times.

    Returns:
        The newest first.
    """
    return [Drawn(*row) for row in tx.execute(_OF_ACCOUNTS, (bigints(sorted(account_ids)),))]


def mark_told(tx: Tx, one: Drawn) -> None:
    """Note that the engine knows of a winner.

    Args:
        tx: bound to the tenant.
        one: the winner.
    """
    tx.execute(_TOLD, (one.account_id, one.identity))
