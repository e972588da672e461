"""Raffles drawn again: by their seed and their tickets, the same accounts win, and they were told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.audit.versions import Versions
from guerdon.engine.play.raffles import event_id, reckon
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.play.raffles import Drawn, Raffle, list_raffles, list_winners
from guerdon.rules.own_events import DRAW_WON, DRAWS
from guerdon.rules.tickets import seed_name

_PROGRAMS: Final = "select distinct program_id from raffles order by 1"
_TOLD: Final = """
select k.id, e.occurred_at from event_keys k
join events e on e.account_id = k.account_id and e.event_id = k.event_id
where k.program_id = %s and k.source = %s
"""
_STRAY: Final = """
select t.account_id, t.identity from raffle_tickets t where not exists (
    select from raffles r where r.program_id = t.program_id and r.identity = t.identity)
order by 1, 2
"""
_LOOSE: Final = """
select e.account_id, e.id from events e where e.type = %s and e.source = %s and not exists (
    select from raffle_tickets t where t.program_id = e.program_id and t.prize is not null
        and t.identity = split_part(e.id, '/', 1))
order by 1, 2
"""


def check_raffles(tx: Tx, vault: Vault, versions: Versions) -> Iterator[Finding]:
    """Draw all raffles again.

    Args:
        tx: as for `verify`.
        vault: the tenant's keys, from which seeds follow.
        versions: compiled ones of the tenant.

    Yields:
        What does not hold.
    """
    for (program_id,) in tx.execute(_PROGRAMS).fetchall():
        told: dict[str, datetime] = dict(tx.execute(_TOLD, (program_id, DRAWS)).fetchall())
        for raffle in list_raffles(tx, program_id):
            yield from _check(tx, vault, versions, (program_id, raffle))
            for one in list_winners(tx, program_id, raffle.identity):
                if one.told and event_id(one) not in told:
                    yield _finding(one, ("an event that says so", "none"))
                at = told.get(event_id(one), one.drawn_at)
                if at != one.drawn_at:
                    yield Finding("raffle_time", "raffles", raffle.identity, str(at), str(one.drawn_at))
    for account_id, identity in tx.execute(_STRAY).fetchall():
        key = f"{number_text('acc', account_id)} {identity}"
        yield Finding("raffle_missing", "raffle_tickets", key, "a raffle", "none", account_id)
    for account_id, name in tx.execute(_LOOSE, (DRAW_WON, DRAWS)).fetchall():
        key = f"{number_text('acc', account_id)} {name}"
        yield Finding("raffle_missing", "raffle_tickets", key, "a ticket that won", "none", account_id)


def _check(tx: Tx, vault: Vault, versions: Versions, of: tuple[int, Raffle]) -> Iterator[Finding]:
    program_id, raffle = of
    version = versions.find(tx, program_id, raffle.version)
    draw = version.program.draws.get(raffle.draw) if version is not None else None
    if version is None or draw is None or draw.identity != raffle.identity:
        expected = "of a version with this draw" if draw is None else draw.identity
        yield Finding("raffle_version", "raffles", raffle.identity, expected, str(raffle.version))
        return
    seed = vault.seed_of(seed_name(version.program.key, draw))
    drawn, counted = reckon(tx, seed, (program_id, draw.winners), raffle)
    if counted != raffle:
        yield Finding("raffle_tickets", "raffles", raffle.identity, _shown(counted), _shown(raffle))
    stored = {
        one.account_id: (one.prize, one.ticket) for one in list_winners(tx, program_id, raffle.identity)
    }
    expected_of = {account: (prize, ticket) for account, prize, ticket in drawn}
    for account in sorted(stored.keys() | expected_of.keys()):
        if stored.get(account) != expected_of.get(account):
            key = f"{number_text('acc', account)} {raffle.identity}"
            said = (_won(expected_of.get(account)), _won(stored.get(account)))
            yield Finding("raffle_winner", "raffle_tickets", key, *said, account)


def _finding(one: Drawn, said: tuple[str, str]) -> Finding:
    key = f"{number_text('acc', one.account_id)} {one.identity}"
    return Finding("raffle_untold", "raffle_tickets", key, *said, one.account_id)


def _shown(one: Raffle) -> str:
    return f"{one.tickets} tickets of {one.accounts} accounts, hash {one.tickets_hash}"


def _won(what: tuple[int | None, int | None] | None) -> str:
    return "nothing" if what is None else f"prize {what[0]} with ticket {what[1]}"
