"""What became of lots in the end: how much of what they held expired, and how much had gone by then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from guerdon.rules.decision import Transaction, TransactionKind

LifeKey = tuple[str, datetime, datetime | None]
"""A lot: wallet, when its units became available, and when they are gone."""
OWN = "order"
"""Source of the entries that take an order's own units back out of the very lot that they came in."""
_BRINGING = frozenset({"award", "receive", "convert"})


class LotLife(msgspec.Struct, frozen=True):
    """What a lot held in all, whoever brought it, and how that ended; in the wallet's scale."""

    brought: int = 0
    returned: int = 0
    """What returns took back of the units that their own orders had brought."""
    expired: int = 0

    def plus(self, kind: TransactionKind, amount: int, *, is_own: bool) -> LotLife:
        """Add what transactions of a kind did to the lot.

        Args:
            kind: of the transactions.
            amount: what they brought; less than nothing where they took.
            is_own: whether the entries have the source `OWN`.

        Returns:
            The lot with them. Spending, and what undoes it, changes nothing here.
        """
        brought, returned, expired = self.brought, self.returned, self.expired
        if kind in _BRINGING or (kind == "adjust" and amount > 0):
            brought += amount
        elif kind == "expire":
            expired -= amount
        elif kind == "return" and is_own:
            returned -= amount
        return LotLife(brought, returned, expired)

    def lost(self, units: int) -> int:
        """Tell how many of an order's own units are gone because the lot expired.

        Which of a lot's units were spent nobody can tell; each order has its share of those that expired.

        Args:
            units: of the lot, that the order had brought.

        Returns:
            How many; none where the lot did not expire, or had been spent by then.
        """
        stood = self.brought - self.returned
        return units * min(self.expired, stood) // stood if self.expired > 0 and stood > 0 else 0


NO_LIFE = LotLife()


def together(lives: Iterable[LotLife]) -> LotLife:
    """Add up what became of one lot in several accounts that were merged before it ended.

    Args:
        lives: of the lot with the same dates in each of them.

    Returns:
        What it held in all.
    """
    known = list(lives)
    return LotLife(
        sum(one.brought for one in known),
        sum(one.returned for one in known),
        sum(one.expired for one in known),
    )


def lived(lives: Mapping[LifeKey, LotLife], transactions: Iterable[Transaction]) -> dict[LifeKey, LotLife]:
    """Go on with lots by what was posted.

    Args:
        lives: what became of lots before; others are not followed.
        transactions: of one account, in any order.

    Returns:
        What has become of them.
    """
    known = dict(lives)
    for key, kind, amount, is_own in _posted(transactions):
        if key in known:
            known[key] = known[key].plus(kind, amount, is_own=is_own)
    return known


def live_on(lives: dict[LifeKey, LotLife], transactions: Iterable[Transaction]) -> None:
    """Go on with all lots by what was posted, new ones as well.

    Args:
        lives: what became of an account's lots, changed in place.
        transactions: of the account.
    """
    for key, kind, amount, is_own in _posted(transactions):
        lives[key] = lives.get(key, NO_LIFE).plus(kind, amount, is_own=is_own)


def _posted(transactions: Iterable[Transaction]) -> Iterator[tuple[LifeKey, TransactionKind, int, bool]]:
    for one in transactions:
        for entry in one.entries:
            if entry.book == "member" and entry.available_at is not None:
                key = (one.wallet, entry.available_at, entry.expires_at)
                yield key, one.kind, entry.amount, entry.source == OWN
