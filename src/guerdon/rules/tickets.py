"""Tickets of draws: an event brings one, and its lot hangs on nothing that anybody chose."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from guerdon.base.ids import number_text
from guerdon.rules.decision import Effect, Undone
from guerdon.rules.draft import Draft
from guerdon.rules.events import PaidOrder
from guerdon.rules.giving import PLENTY
from guerdon.rules.limits import Draw
from guerdon.rules.owing import free
from guerdon.rules.play.draws import NOTHING, PrizeDraw, Ticket, prize_of
from guerdon.rules.program import Program

TICKET: Final = "ticket"
"""The kind of effect that is a ticket."""
_ONE: Final = Decimal(1)


def ticket_draw(draw: PrizeDraw) -> Draw:
    """Give the account's counter of its tickets.

    Args:
        draw: as compiled.

    Returns:
        The counter.
    """
    return Draw(draw.counter, PLENTY, shared=False)


def seed_name(program: str, draw: PrizeDraw) -> str:
    """Name the seed of a draw.

    Args:
        program: the program's key.
        draw: as compiled.

    Returns:
        A name; two draws of a tenant never have the same.
    """
    return f"{program}/{draw.identity}"


def take_ticket(draft: Draft, campaign: str, draw: PrizeDraw) -> str:
    """Give the account a ticket, and in an instant win tell what it wins.

    Args:
        draft: the decision.
        campaign: key of the campaign that gives it.
        draw: of which.

    Returns:
        Why there is none, or nothing: `draw_over` for what is told of after the end, when the seed may be
        known; `drawn_when_paid` where this is only a look ahead, which must not tell what will be won.
    """
    program = draft.program
    if draw.is_over(program.zone, draft.now):
        return "draw_over"
    counter = ticket_draw(draw)
    number = int(PLENTY - draft.room(counter)) + 1
    ticket = Ticket(draw.identity, number_text("acc", draft.before.account.account_id), number)
    lot = draft.chance.lot(seed_name(program.key, draw), ticket.text)
    if lot is None:
        return "drawn_when_paid"
    draft.draw(counter, _ONE)
    is_instant = draw.kind == "instant"
    prize = prize_of(draw.chances, lot) if is_instant else NOTHING
    draft.won[draw.key] = prize
    shown = f"{lot:064x}" if is_instant else ""
    draft.effects.append(Effect(campaign, TICKET, draw=draw.identity, amount=number, prize=prize, lot=shown))
    return ""


def without_tickets(program: Program, counters: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Leave tickets of instant wins with the account that drew them, when it goes into another one.

    A lot hangs on the account that a ticket names. Tickets of raffles move: their lots come later.

    Args:
        program: the version that stands.
        counters: of the account that leaves.

    Returns:
        Those that move.
    """
    drawn = {one.counter for one in program.draws.values() if one.kind == "instant"}
    return {key: used for key, used in counters.items() if key not in drawn}


def known_lots(effects: tuple[Effect, ...]) -> dict[str, int]:
    """Collect the lots that a decision drew, by which it can be understood without a seed.

    Args:
        effects: as stored.

    Returns:
        Lots by the identity of their draw; 0 for a raffle, whose lots come later.
    """
    return {one.draw: int(one.lot or "0", 16) for one in effects if one.kind == TICKET}


def take_back_tickets(draft: Draft, paid: PaidOrder, down: frozenset[str]) -> list[Undone]:
    """Take the tickets of raffles back that an order brought; those of instant wins were drawn already.

    Args:
        draft: the return.
        paid: the order.
        down: keys of campaigns that do not stand any more, and did until now.

    Returns:
        What was taken back.
    """
    undone = []
    raffles = {one.identity: one for one in paid.program.draws.values() if one.kind == "raffle"}
    for effect in paid.decision.effects:
        raffle = raffles.get(effect.draw)
        if raffle is not None and effect.campaign in down:
            free(draft, ticket_draw(raffle), _ONE)
            undone.append(Undone(TICKET, effect.campaign))
    return undone
