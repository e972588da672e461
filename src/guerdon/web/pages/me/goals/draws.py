"""Lucky draws: a member's tickets, the chances as published, what was won, and how to check it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from guerdon.infra.tx import Tx
from guerdon.members.merging.moving import list_merged
from guerdon.web.api.draws.shapes import MyDraw
from guerdon.web.api.draws.shown import Looker, load_my_draws
from guerdon.web.pages.me.reader import Reader


@dataclass(frozen=True, slots=True)
class ChanceView:
    """One of the things that can be won."""

    name: str
    odds: str
    """Such as `1 in 50`; empty in a raffle."""
    winners: int | None
    won: int
    """How often the reader won it."""


@dataclass(frozen=True, slots=True)
class DrawView:
    """A draw on the page."""

    key: str
    name: str
    description: str
    state: str
    tickets: int
    chances: tuple[ChanceView, ...]
    ends_at: datetime | None
    seed_hash: str
    seed: str
    """Empty until it is told."""


def load_draw_views(tx: Tx, reader: Reader) -> list[DrawView]:
    """Load the draws of the program with the reader's tickets.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        In the order of their keys; those that have not begun are left out.
    """
    if not reader.program.draws:
        return []
    account_id = reader.taker.account_id
    looker = Looker(reader.taker.program_id, reader.program, reader.vault, reader.now, reader.say.language)
    accounts = {account_id, *list_merged(tx, [account_id])}
    found = load_my_draws(tx, looker, account_id, accounts)
    return [_draw(reader, one) for one in found if one.draw.state != "not_yet"]


def _draw(reader: Reader, one: MyDraw) -> DrawView:
    draw = one.draw
    won = Counter(ticket.prize for ticket in one.listed) + Counter(winner.prize for winner in one.won)
    written = reader.program.definition.draws[draw.draw]
    chances = tuple(
        ChanceView(
            prize.name or reader.text("prize_of", place=prize.place),
            _odds(reader, prize.odds),
            prize.winners,
            won[prize.place],
        )
        for prize in draw.prizes
    )
    return DrawView(
        key=draw.draw,
        name=reader.opened.voice.called(draw.draw, written.name),
        description=draw.description or "",
        state=draw.state,
        tickets=one.tickets,
        chances=chances,
        ends_at=draw.ends_at,
        seed_hash=draw.seed_hash,
        seed=draw.seed or "",
    )


def _odds(reader: Reader, odds: str | None) -> str:
    chance, one_in, whole = (odds or "").partition(" in ")
    return reader.text("odds", chance=int(chance), whole=int(whole)) if one_in else odds or ""
