"""Checks a draw by what was published of it, with nothing else: no database, no key, nobody's word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.rules.definition.engagement.draws import Odds
from guerdon.rules.play.draws import (
    NOTHING,
    SEED_BYTES,
    Ticket,
    commitment_of,
    lot_of,
    prize_of,
    tickets_hash,
    winners_of,
)

_TICKETS_AT_MOST: Final = 1_000_000


class _Prize(msgspec.Struct, frozen=True):
    place: int
    odds: str | None = None
    winners: int | None = None


class _Winner(msgspec.Struct, frozen=True):
    prize: int
    account: str
    ticket: int


class _Drawn(msgspec.Struct, frozen=True):
    tickets_hash: str
    winners: tuple[_Winner, ...]


class _Draw(msgspec.Struct, frozen=True):
    draw: str
    identity: str
    kind: str
    seed_hash: str
    prizes: tuple[_Prize, ...]
    seed: str | None = None
    drawn: _Drawn | None = None


class _Listed(msgspec.Struct, frozen=True):
    number: int
    prize: int | None


class _Mine(msgspec.Struct, frozen=True):
    draw: _Draw
    account: str
    tickets: int
    listed: tuple[_Listed, ...] = ()


class _File(msgspec.Struct, frozen=True):
    data: tuple[_Mine, ...]


class Checked(msgspec.Struct, frozen=True):
    """What was checked of a draw."""

    draw: str
    tickets: int
    """How many tickets were reckoned again."""
    winners: int
    """How many winners of a raffle were drawn again."""
    open_seed: bool
    """False where the seed is not known yet, and nothing could be checked."""


def check_draws(data: bytes, kept: str = "", lines: Iterable[str] | None = None) -> list[Checked]:
    """Reckon a member's draws again.

    Args:
        data: what `…/members/{member}/draws` answered.
        kept: the hash of a seed that was written down before; empty where none was.
        lines: who had how many tickets of the one raffle in the file, as `…/draws/{draw}/tickets` gives it.

    Returns:
        What was checked of each draw.

    Raises:
        Problem: `file_broken` for anything else, `draw_unfair` where something does not come out as it
            should, and `draw_unknown` where `kept` is of none of them.
    """
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Problem("file_broken", f"this is no answer about a member's draws: {error}") from None
    if kept and kept not in {one.draw.seed_hash for one in file.data}:
        raise Problem("draw_unknown", f"no draw in the file has a seed of the hash {kept}")
    return [_check(one, lines) for one in file.data]


def _check(mine: _Mine, lines: Iterable[str] | None) -> Checked:
    draw = mine.draw
    if draw.seed is None:
        return Checked(draw.draw, 0, 0, open_seed=False)
    seed = _seed_of(draw)
    if draw.kind == "instant":
        chances = tuple(_odds(draw, one) for one in draw.prizes)
        for ticket in mine.listed:
            name = Ticket(draw.identity, mine.account, ticket.number)
            came = prize_of(chances, lot_of(seed, name.text))
            if came != (ticket.prize or NOTHING):
                wins = f"comes to {_prize(came)}, not {_prize(ticket.prize)}"
                said = f"ticket {ticket.number} of {draw.draw} {wins}"
                raise Problem("draw_unfair", said)
        return Checked(draw.draw, len(mine.listed), 0, open_seed=True)
    if lines is None or draw.drawn is None:
        return Checked(draw.draw, 0, 0, open_seed=True)
    return _check_raffle(draw, draw.drawn, seed, lines)


def _check_raffle(draw: _Draw, drawn: _Drawn, seed: bytes, lines: Iterable[str]) -> Checked:
    held = list(_held(lines))
    if tickets_hash(held) != drawn.tickets_hash:
        raise Problem(
            "draw_unfair", f"the tickets of {draw.draw} are not those of the hash {drawn.tickets_hash}"
        )
    tickets = [Ticket(draw.identity, who, number) for who, count in held for number in range(1, count + 1)]
    again = winners_of([one.winners for one in draw.prizes], tickets, lambda one: lot_of(seed, one.text))
    said = sorted((one.prize, one.account, one.ticket) for one in drawn.winners)
    if said != sorted((prize, ticket.account, ticket.number) for prize, ticket in again):
        raise Problem("draw_unfair", f"by its seed and its tickets, {draw.draw} has other winners")
    return Checked(draw.draw, len(tickets), len(again), open_seed=True)


def _seed_of(draw: _Draw) -> bytes:
    try:
        seed = bytes.fromhex(draw.seed or "")
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES or commitment_of(seed) != draw.seed_hash:
        found = hashlib.sha256(seed).hexdigest()
        raise Problem("draw_unfair", f"the seed of {draw.draw} has the hash {found}, not {draw.seed_hash}")
    return seed


def _odds(draw: _Draw, prize: _Prize) -> Fraction:
    if prize.odds is None:
        raise Problem("file_broken", f"prize {prize.place} of {draw.draw} says no odds")
    return Odds.read(prize.odds).chance


def _held(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    total = 0
    for number, line in enumerate(lines, 1):
        account, _, count = line.rstrip("\n").partition(" ")
        if not account or not count.isdecimal():
            raise Problem(
                "file_broken", f"line {number} of the tickets is no account with a number: {line[:80]!r}"
            )
        total += int(count)
        if total > _TICKETS_AT_MOST:
            raise Problem("file_broken", f"more than {_TICKETS_AT_MOST:,} tickets are not checked here")
        yield account, int(count)


def _prize(place: int | None) -> str:
    return f"prize {place}" if place else "nothing"
