"""Challenges and badges: who takes part, who reached them, what the prizes cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fastapi import APIRouter, Response

from guerdon.members.challenges import Taking, load_holders, load_takings
from guerdon.rules.challenges import CHALLENGE
from guerdon.rules.definition import BadgeEntry, Challenge
from guerdon.rules.program import Program
from guerdon.web.api.challenges.shown import prize_words
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_NONE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Row:
    """A challenge in the list."""

    key: str
    name: str
    about: str
    prize: str
    taking: Taking
    opt_in: bool
    is_over: bool
    cost: str | None
    """What the prizes that stand cost, in money; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A badge in the list."""

    name: str
    series: str
    hidden: bool
    levels: tuple[tuple[str, int], ...]
    """What each level is called, and how many accounts have it."""


@ROUTER.get("/console/p/{program}/challenges")
def challenges(visit: Visitor, program: str) -> Response:
    """List the challenges with what came of them, and the badges with how many have them."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        takings = load_takings(tx, opened.live.program_id)
        holders = load_holders(tx, opened.live.program_id)
    definition = opened.program.definition
    rows = [_row(opened, visit, key, one, takings) for key, one in definition.challenges.items()]
    marks = [_mark(opened, key, one, holders) for key, one in definition.badges.items()]
    return visit.page("challenges.html", **framed(opened, "challenges"), rows=rows, marks=marks)


def _row(opened: Opened, visit: Visit, key: str, one: Challenge, takings: dict[str, Taking]) -> Row:
    program, voice = opened.program, opened.voice
    taking = takings.get(key, Taking(key, 0, 0, 0, None))
    each = cost_of(program, key)
    money = None
    if each is not None:
        money = visit.saying.money(each * taking.times, program.definition.currency)
    challenge = program.challenges.get(key)
    local = program.zone.local(visit.now).replace(tzinfo=None)
    return Row(
        key=key,
        name=voice.called(key, one.name),
        about=voice.text(one.description) if one.description is not None else "",
        prize=", ".join(prize_words(program, one.prize, visit.saying.language)),
        taking=taking,
        opt_in=one.opt_in,
        is_over=challenge is not None and challenge.ends is not None and challenge.ends < local,
        cost=money,
    )


def cost_of(program: Program, key: str) -> Decimal | None:
    """Reckon what one prize of a challenge costs, as units and rewards are valued now.

    Args:
        program: the live version.
        key: the challenge.

    Returns:
        Money; None where an amount is a formula, or something has no cost.
    """
    campaign = next((one for one in program.campaigns if one.key == f"{CHALLENGE}:{key}"), None)
    if campaign is None:
        return None
    cost = _NONE
    for award in campaign.awards:
        unit = program.wallets[award.wallet].cost
        amount = award.amount.source.strip()
        if unit is None or not amount.replace(".", "", 1).isdigit():
            return None
        cost += unit * Decimal(amount)
    for reward in campaign.grants:
        each = program.rewards[reward].cost
        if each is None:
            return None
        cost += each
    return None if campaign.redeems else cost


def _mark(opened: Opened, key: str, one: BadgeEntry, holders: dict[str, int]) -> Mark:
    voice = opened.voice
    name = voice.called(key, one.name)
    levels = [
        (
            voice.text(level.name) if level.name is not None else f"{name} {number}",
            holders.get(key if number == 1 else f"{key}:{number}", 0),
        )
        for number, level in enumerate(one.levels, 1)
    ]
    return Mark(name, one.series or "", one.hidden, tuple(levels or [(name, holders.get(key, 0))]))
