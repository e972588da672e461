"""Draws as they are shown: to everybody, and to a member with the tickets."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.standing import load_own_counters
from guerdon.play.raffles import Raffle, list_drawn, list_raffles, list_winners
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.play.draws import NOTHING, PrizeDraw, Ticket, commitment_of, lot_of, prize_of
from guerdon.rules.program import Program
from guerdon.rules.tickets import seed_name
from guerdon.web.api.draws.shapes import (
    DrawnShape,
    DrawPrizeShape,
    DrawShape,
    DrawTicketShape,
    MyDraw,
    WinnerShape,
)

LISTED: Final = 1_000
"""So many tickets of a draw are listed, the newest."""


class Looker(NamedTuple):
    """Whose draws are shown, and how."""

    program_id: int
    program: Program
    vault: Vault
    now: datetime
    language: str = ""

    def said(self, text: Text | None) -> str | None:
        """Read a text in the language asked for."""
        return None if text is None else text.in_language(self.language, self.program.definition.languages)

    def instant(self, local: datetime | None) -> datetime | None:
        """Say when a local moment is, UTC."""
        return None if local is None else local.replace(tzinfo=self.program.zone.info).astimezone(UTC)


def load_draws(tx: Tx, looker: Looker) -> list[DrawShape]:
    """Show the draws of a program.

    Args:
        tx: bound to the tenant.
        looker: the program, and who looks.

    Returns:
        In the order of their keys.
    """
    drawn = {one.identity: one for one in list_raffles(tx, looker.program_id)}
    return [_shown(tx, looker, one, drawn.get(one.identity)) for one in looker.program.draws.values()]


def load_my_draws(tx: Tx, looker: Looker, account_id: int, accounts: Collection[int]) -> list[MyDraw]:
    """Show the draws of a program with an account's own tickets.

    Args:
        tx: bound to the tenant.
        looker: the program, and who looks.
        account_id: whose tickets.
        accounts: the account and those that went into it.

    Returns:
        In the order of their keys.
    """
    draws = looker.program.draws
    keys = [one.counter for one in draws.values()]
    counted = load_own_counters(tx, [account_id], keys).get(account_id, {})
    won = [one for one in list_drawn(tx, accounts) if one.prize is not None]
    made = []
    for shown, one in zip(load_draws(tx, looker), draws.values(), strict=True):
        count = int(counted.get(one.counter, 0))
        mine = [
            WinnerShape(
                prize=row.prize or 0, account=number_text("acc", row.account_id), ticket=row.ticket or 0
            )
            for row in won
            if row.identity == one.identity
        ]
        account = number_text("acc", account_id)
        listed = _tickets(looker, one, account, count) if one.kind == "instant" else []
        made.append(MyDraw(draw=shown, account=account, tickets=count, listed=listed, won=mine))
    return made


def _tickets(looker: Looker, one: PrizeDraw, account: str, count: int) -> list[DrawTicketShape]:
    seed = looker.vault.seed_of(seed_name(looker.program.key, one))
    numbers = range(count, max(count - LISTED, 0), -1)
    prizes = [
        prize_of(one.chances, lot_of(seed, Ticket(one.identity, account, number).text)) for number in numbers
    ]
    return [
        DrawTicketShape(number=number, prize=None if prize == NOTHING else prize)
        for number, prize in zip(numbers, prizes, strict=True)
    ]


def _shown(tx: Tx, looker: Looker, one: PrizeDraw, drawn: Raffle | None) -> DrawShape:
    written = looker.program.definition.draws[one.key]
    seed = looker.vault.seed_of(seed_name(looker.program.key, one))
    state = _state(looker, one, drawn)
    is_known = state == "drawn" or (state == "over" and one.kind == "instant")
    return DrawShape(
        draw=one.key,
        identity=one.identity,
        name=looker.said(written.name),
        description=looker.said(written.description),
        picture=written.picture,
        kind=one.kind,
        state=state,
        trigger=written.trigger,
        starts_at=looker.instant(one.starts),
        ends_at=looker.instant(one.ends),
        seed_hash=commitment_of(seed),
        seed=seed.hex() if is_known else None,
        prizes=[
            DrawPrizeShape(
                place=place,
                name=looker.said(prize.name),
                odds=None if prize.odds is None else str(prize.odds),
                winners=None if prize.winners is None else int(prize.winners),
            )
            for place, prize in enumerate(written.prizes, 1)
        ],
        drawn=None if drawn is None else _drawn(tx, looker, drawn),
    )


def _state(
    looker: Looker, one: PrizeDraw, drawn: Raffle | None
) -> Literal["not_yet", "open", "over", "drawn"]:
    if drawn is not None:
        return "drawn"
    zone, now = looker.program.zone, looker.now
    if one.is_over(zone, now):
        return "over"
    begins = one.starts is None or zone.local(now).replace(tzinfo=None) >= one.starts
    return "open" if begins else "not_yet"


def _drawn(tx: Tx, looker: Looker, drawn: Raffle) -> DrawnShape:
    winners = list_winners(tx, looker.program_id, drawn.identity)
    return DrawnShape(
        drawn_at=drawn.drawn_at,
        accounts=drawn.accounts,
        tickets=drawn.tickets,
        tickets_hash=drawn.tickets_hash,
        winners=[
            WinnerShape(
                prize=one.prize or 0, account=number_text("acc", one.account_id), ticket=one.ticket or 0
            )
            for one in winners
        ],
    )
