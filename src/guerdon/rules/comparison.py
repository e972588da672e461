"""Two programs over one history: what changes, and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from guerdon.base.exact import scaled_text
from guerdon.rules.program import Program
from guerdon.rules.report import ISSUED, SPENT, Tally, outstanding

SHOWN_AT_MOST: Final = 10
"""Accounts in the lists of those that gain and lose most."""


class Side(NamedTuple):
    """One of the two programs, with what it came to."""

    program: Program
    tally: Tally


def compare(first: Side, second: Side) -> dict[str, Any]:
    """Tell how two programs differ for the accounts of one history.

    Args:
        first: one program.
        second: the other, over the same history; *more* means more under this one.

    Returns:
        JSON values: for wallets that both have with the same scale, how many accounts got more, less or the
        same, by how much what they were given changes, and who gains and loses most; for ladders that both
        have with the same tiers, how many accounts end higher or lower.
    """
    one, two = first.program.wallets, second.program.wallets
    wallets = [key for key in one if key in two and one[key].scale == two[key].scale]
    ladders = [key for key in first.program.ladders if _tier_keys(first, key) == _tier_keys(second, key)]
    return {
        "with": second.program.key,
        "accounts": {key: _counts(first, second, key) for key in wallets},
        "changes": {key: _changes(first, second, key) for key in wallets},
        "ladders": {key: _tiers(first, second, key) for key in ladders},
    }


def _counts(first: Side, second: Side, wallet: str) -> dict[str, dict[str, int]]:
    found = {}
    for name, place in (("issued", ISSUED), ("spent", SPENT), ("outstanding", None)):
        counts = {"more": 0, "less": 0, "same": 0}
        for one, two in _pairs(first, second, wallet, place).values():
            counts["same" if one == two else "more" if two > one else "less"] += 1
        found[name] = counts
    return found


def _pairs(first: Side, second: Side, wallet: str, place: int | None) -> dict[str, tuple[int, int]]:
    accounts = first.tally.accounts.keys() | second.tally.accounts.keys()
    return {
        account: (_figure(first.tally, account, wallet, place), _figure(second.tally, account, wallet, place))
        for account in accounts
    }


def _figure(tally: Tally, account: str, wallet: str, place: int | None) -> int:
    row = tally.accounts.get(account, {}).get(wallet, [0, 0, 0, 0])
    return outstanding(row) if place is None else row[place]


def _changes(first: Side, second: Side, wallet: str) -> dict[str, Any]:
    """Say by how much what accounts were given changes, from the greatest loss to the greatest gain."""
    scale = first.program.wallets[wallet].scale
    pairs = _pairs(first, second, wallet, ISSUED)
    sizes: dict[tuple[int, int], int] = {}
    for one, two in pairs.values():
        key = _size(two - one, scale)
        sizes[key] = sizes.get(key, 0) + 1
    changed = [(two - one, account) for account, (one, two) in pairs.items() if one != two]
    changed.sort(key=lambda pair: (-abs(pair[0]), pair[1]))

    def listed(sign: int) -> list[dict[str, str]]:
        chosen = [account for change, account in changed if change * sign > 0][:SHOWN_AT_MOST]
        return [_row(account, pairs[account], scale) for account in chosen]

    return {
        "by_size": [
            {**_bounds(key, scale), "accounts": number} for key, number in sorted(sizes.items(), key=_rank)
        ],
        "gain": listed(1),
        "lose": listed(-1),
    }


def _size(change: int, scale: int) -> tuple[int, int]:
    """Sign of a change, and its digits before the point: sizes grow tenfold."""
    return (change > 0) - (change < 0), len(str(abs(change) // 10**scale)) if abs(change) >= 10**scale else 0


def _rank(item: tuple[tuple[int, int], int]) -> int:
    (sign, digits), _ = item
    return sign * (digits + 1)


def _bounds(key: tuple[int, int], scale: int) -> dict[str, str]:
    sign, digits = key
    if not sign:
        return {"change": "same"}
    word = "more" if sign > 0 else "less"
    least = 1 if not digits else 10 ** (scale + digits - 1)
    return {
        "change": word,
        "at_least": scaled_text(least, scale),
        "below": scaled_text(10 ** (scale + digits), scale),
    }


def _row(account: str, pair: tuple[int, int], scale: int) -> dict[str, str]:
    one, two = pair
    texts = {"first": one, "second": two, "change": two - one}
    named = {"account": account.removeprefix("external:")}
    return {**named, **{name: scaled_text(units, scale) for name, units in texts.items()}}


def _tiers(first: Side, second: Side, ladder: str) -> dict[str, int]:
    counts = {"higher": 0, "lower": 0, "same": 0}
    for one, two in _levels(first, second, ladder):
        counts["same" if one == two else "higher" if two > one else "lower"] += 1
    return counts


def _levels(first: Side, second: Side, ladder: str) -> Iterator[tuple[int, int]]:
    one, two = first.tally.standing[ladder], second.tally.standing[ladder]
    for account in first.tally.accounts.keys() | second.tally.accounts.keys():
        yield one.get(account, 0), two.get(account, 0)


def _tier_keys(side: Side, ladder: str) -> list[str] | None:
    found = side.program.ladders.get(ladder)
    return [tier.key for tier in found.tiers] if found is not None else None
