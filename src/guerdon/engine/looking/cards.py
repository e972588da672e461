"""Gift cards as people look at them: what came onto each, what is left, what is held, and when each paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from guerdon.infra.tx import Tx
from guerdon.ledger.statements import Turnover, load_turnover
from guerdon.ledger.wallets import load_wallets
from guerdon.rewards.cards import CardRow, list_cards
from guerdon.rules.program import Program
from guerdon.rules.state import WalletState

CardState = Literal["live", "held", "empty", "blocked"]
"""`live` can pay, of a `held` one open carts hold all that is left, `empty` has nothing."""
LOOKED_AT_MOST: Final = 2_000
"""Cards that one page goes through for those of a state; there is no index of balances."""
_AT_ONCE: Final = 400
_EMPTY: Final = WalletState()
_NOTHING: Final = Turnover(0, None)
_HOLDS: Final = """
select max(expires_at) from account_holds
where account_id = %s and kind = 'units' and name = %s and expires_at > %s
"""


class SeenCard(NamedTuple):
    """A card with its money, in minor units."""

    row: CardRow
    wallet: WalletState
    turnover: Turnover

    @property
    def state(self) -> CardState:
        """How it stands."""
        if self.row.blocked_at is not None:
            return "blocked"
        if self.wallet.free > 0:
            return "live"
        return "held" if self.wallet.held > 0 else "empty"


class CardPage(NamedTuple):
    """A page of cards, newest first."""

    cards: list[SeenCard]
    before: int | None
    """Where the next page begins; None where there is none."""


class WantedCards(NamedTuple):
    """What a list of cards asks for."""

    limit: int
    state: CardState | None = None
    """Only those that stand so."""
    before: int | None = None
    """Only those with a smaller account."""


def look_through(tx: Tx, where: tuple[int, Program], wanted: WantedCards, now: datetime) -> CardPage:
    """Give a page of a program's cards.

    Args:
        tx: bound to the tenant.
        where: the program's number, and the program.
        wanted: which cards.
        now: the instant at which they stand so.

    Returns:
        At most `limit` cards; fewer, where `LOOKED_AT_MOST` were looked at and no more stand so.
    """
    program_id, program = where
    found: list[SeenCard] = []
    before, blocked = wanted.before, wanted.state == "blocked"
    alike = wanted.state is None or blocked
    for _ in range(1 if alike else LOOKED_AT_MOST // _AT_ONCE):
        asked = wanted.limit + 1 if alike else _AT_ONCE
        rows = list_cards(tx, program_id, before, asked, blocked=blocked)
        for seen in see_cards(tx, program, rows, now):
            if wanted.state is None or seen.state == wanted.state:
                found.append(seen)
            if len(found) > wanted.limit:
                return CardPage(found[: wanted.limit], found[wanted.limit - 1].row.account_id)
        if len(rows) < asked:
            return CardPage(found, None)
        before = rows[-1].account_id
    return CardPage(found, before)


def see_cards(tx: Tx, program: Program, rows: Sequence[CardRow], now: datetime) -> list[SeenCard]:
    """Give cards with their money.

    Args:
        tx: bound to the tenant.
        program: its live version.
        rows: the cards.
        now: the instant.

    Returns:
        The same cards in the same order.
    """
    key = program.card_wallet
    accounts = [row.account_id for row in rows]
    if key is None or not accounts:
        return [SeenCard(row, _EMPTY, _NOTHING) for row in rows]
    held, turned = load_wallets(tx, accounts, now, program), load_turnover(tx, accounts, key)
    return [
        SeenCard(
            row,
            held.get(row.account_id, {}).get(key, _EMPTY),
            turned.get(row.account_id, _NOTHING),
        )
        for row in rows
    ]


def held_until(tx: Tx, account_id: int, wallet: str, now: datetime) -> datetime | None:
    """Tell until when open carts hold something of a card.

    Args:
        tx: bound to the tenant.
        account_id: the card's.
        wallet: of gift cards.
        now: holds that are over by then do not count.

    Returns:
        When the last of them is over; None where nothing is held.
    """
    row = tx.execute(_HOLDS, (account_id, wallet, now)).fetchone()
    return row[0] if row is not None else None
