"""Draws: what can be won with which chance, who has tickets, and what is published to check them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fastapi import APIRouter, Response

from guerdon.play.raffles import Held, count_held
from guerdon.programs.counters import load_counters
from guerdon.rules.compiling.draws import DRAW
from guerdon.web.api.challenges.shown import prize_words
from guerdon.web.api.draws.shapes import DrawShape
from guerdon.web.api.draws.shown import Looker, load_draws
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
STATES: Final = {"not_yet": "not yet", "open": "open", "over": "over", "drawn": "drawn"}


@dataclass(frozen=True, slots=True)
class Chance:
    """A prize in the list."""

    name: str
    odds: tuple[int, int] | None
    """So many in so many; None for a raffle."""
    winners: int | None
    won: int | None
    """How many won it; None where nobody counts them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A draw in the list."""

    shown: DrawShape
    state: str
    name: str
    held: Held
    prizes: tuple[Chance, ...]


@ROUTER.get("/console/p/{program}/draws")
def draws(visit: Visitor, program: str) -> Response:
    """List the draws with their chances, tickets and what is published."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        program_id, vault = opened.live.program_id, visit.house.vault(visit.tenant_id)
        looker = Looker(program_id, opened.program, vault, visit.now, visit.saying.language)
        shown = load_draws(tx, looker)
        held = count_held(tx, program_id)
        counters = [_counter(one.draw, prize.place) for one in shown for prize in one.prizes]
        used = load_counters(tx, program_id, counters)
    rows = [_row(opened, visit, one, (held, used)) for one in shown]
    return visit.page("draws.html", **framed(opened, "draws"), rows=rows)


def _row(
    opened: Opened, visit: Visit, shown: DrawShape, found: tuple[Mapping[str, Held], Mapping[str, Decimal]]
) -> Row:
    held, used = found
    written = opened.program.definition.draws[shown.draw]
    counter = opened.program.draws[shown.draw].counter
    prizes = [
        Chance(
            name=prize.name or ", ".join(prize_words(opened.program, one.prize, visit.saying.language)),
            odds=None if one.odds is None else one.odds.chance.as_integer_ratio(),
            winners=prize.winners,
            won=_won(shown, prize.place, used) if prize.winners is not None else None,
        )
        for prize, one in zip(shown.prizes, written.prizes, strict=True)
    ]
    name = shown.name or opened.voice.called(shown.draw, None)
    return Row(
        shown, visit.saying.text(STATES[shown.state]), name, held.get(counter, Held(0, 0)), tuple(prizes)
    )


def _won(shown: DrawShape, place: int, used: Mapping[str, Decimal]) -> int:
    if shown.kind == "instant":
        return int(used.get(_counter(shown.draw, place), 0))
    return 0 if shown.drawn is None else sum(1 for one in shown.drawn.winners if one.prize == place)


def _counter(draw: str, place: int) -> str:
    return f"campaign/{DRAW}:{draw}:{place}/total/ever"
