"""What a program did to a history: issued, spent, expired and outstanding, by month and by account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeVar

from guerdon.base.exact import plain_text, round_scaled, scaled_text
from guerdon.rules.decision import Decision, Returned, Transaction
from guerdon.rules.events import Event
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState

ISSUED, SPENT, EXPIRED, OTHER = range(4)
"""Places in a row of figures; `OTHER` is what operators adjusted and accounts sent each other."""

Row = list[int]
Key = TypeVar("Key")
_GIVEN: Final = {"redeem": "redeemed", "grant": "granted", "badge": "badges"}
_BOOKS: Final = {
    "issued": (ISSUED, -1),
    "redeemed": (SPENT, 1),
    "expired": (EXPIRED, 1),
    "adjusted": (OTHER, -1),
    "transit": (OTHER, -1),
    "converted": (OTHER, -1),
    "owed": (OTHER, -1),
}


def outstanding(row: Row) -> int:
    """Work out what is left of a row of figures.

    Args:
        row: issued, spent, expired and other units, in the wallet's scale.

    Returns:
        Units that are still held.
    """
    return row[ISSUED] - row[SPENT] - row[EXPIRED] + row[OTHER]


class Tally:
    """Adds up decisions; tallies of different accounts add up to the tally of all."""

    def __init__(self, program: Program) -> None:
        """Make an empty tally.

        Args:
            program: what decides.
        """
        self._program = program
        self.events = 0
        self.orders = 0
        self.late = 0
        self.revenue_minor = 0
        self.months: dict[str, dict[str, Row]] = {wallet: {} for wallet in program.wallets}
        self.accounts: dict[str, dict[str, Row]] = {}
        self.fired: dict[str, int] = dict.fromkeys(_keys(program), 0)
        self.awarded: dict[str, dict[str, int]] = {}
        self.discounted: dict[str, int] = {}
        """By campaign: minor units off the orders whose checkouts promised them."""
        self.given: dict[tuple[str, str, str], int] = {}
        """By campaign, kind of effect (`redeem`, `grant`, `badge`), and reward or badge: how often."""
        self.standing: dict[str, dict[str, int]] = {ladder: {} for ladder in program.ladders}
        """By ladder and account: the level held at the end, where it is not the first."""
        self.peaks: dict[str, dict[str, int]] = {ladder: {} for ladder in program.ladders}
        self.population: dict[str, dict[str, int]] = {
            key: dict.fromkeys((tier.key for tier in ladder.tiers), 0)
            for key, ladder in program.ladders.items()
        }

    def __getstate__(self) -> dict[str, Any]:
        """Leave the program behind when a tally travels between processes; compiled code does not travel."""
        return {name: value for name, value in vars(self).items() if name != "_program"}

    def enrol(self, account: str) -> None:
        """Count a new account.

        Args:
            account: how the history names it.
        """
        self.accounts[account] = {wallet: [0, 0, 0, 0] for wallet in self._program.wallets}

    def count_fact(self, event: Event) -> None:
        """Count an event that was applied, whoever it is about.

        Args:
            event: the fact.
        """
        self.events += 1
        if event.order is not None and event.type == "order.paid":
            self.orders += 1
            self.revenue_minor += event.order.net_minor

    def count_return(self, returned: Returned) -> None:
        """Take what came back of an order from the revenue.

        Args:
            returned: as decided.
        """
        self.revenue_minor -= returned.net_minor

    def book(self, account: str, decision: Decision) -> None:
        """Add up what a decision did, of an event or of time alone.

        Args:
            account: an enrolled account.
            decision: what was decided.
        """
        self.late += decision.late
        for transaction in decision.transactions:
            self._add(account, transaction)
        for change in decision.tier_changes:
            level = self._program.ladders[change.ladder].level_of(change.after)
            peaks = self.peaks[change.ladder]
            peaks[account] = max(peaks.get(account, 0), level)
        self.count_discounts(decision)
        acted = set()
        for effect in decision.effects:
            acted.add(effect.campaign)
            if effect.kind == "award":
                sums = self.awarded.setdefault(effect.campaign, {})
                sums[effect.wallet] = sums.get(effect.wallet, 0) + effect.amount
            elif effect.kind in _GIVEN:
                what = (effect.campaign, effect.kind, effect.badge or effect.reward)
                self.given[what] = self.given.get(what, 0) + 1
        for campaign in acted:
            self.fired[campaign] = self.fired.get(campaign, 0) + 1

    def count_discounts(self, decision: Decision) -> None:
        """Add up what a decision says was taken off an order, be it a guest's.

        Args:
            decision: what was decided.
        """
        for effect in decision.effects:
            if effect.kind == "discount":
                self.discounted[effect.campaign] = self.discounted.get(effect.campaign, 0) + effect.amount

    def _add(self, account: str, transaction: Transaction) -> None:
        month = local_month(self._program, transaction.effective_at)
        rows = self.months[transaction.wallet].setdefault(month, [0, 0, 0, 0])
        own = self.accounts[account][transaction.wallet]
        for entry in transaction.entries:
            if entry.book != "member":
                place, sign = _BOOKS[entry.book]
                rows[place] += sign * entry.amount
                own[place] += sign * entry.amount

    def close(self, name: str, account: AccountState) -> None:
        """Count where an account stands at the end.

        Args:
            name: how the history names it.
            account: settled at the end.
        """
        for key, ladder in self._program.ladders.items():
            held = account.tiers.get(key)
            level = ladder.level_of(held.level) if held is not None else 0
            if level:
                self.standing[key][name] = level
            self.population[key][ladder.tiers[level].key] += 1

    def add(self, other: Tally) -> None:
        """Add the tally of other accounts under the same program.

        Args:
            other: a tally that shares no account with this one.
        """
        self.events += other.events
        self.orders += other.orders
        self.late += other.late
        self.revenue_minor += other.revenue_minor
        self.accounts.update(other.accounts)
        for wallet, months in other.months.items():
            for month, row in months.items():
                mine = self.months[wallet].setdefault(month, [0, 0, 0, 0])
                self.months[wallet][month] = [one + two for one, two in zip(mine, row, strict=True)]
        _add_up(self.fired, other.fired)
        for campaign, sums in other.awarded.items():
            _add_up(self.awarded.setdefault(campaign, {}), sums)
        _add_up(self.given, other.given)
        _add_up(self.discounted, other.discounted)
        for ladder, peaks in other.peaks.items():
            self.peaks[ladder].update(peaks)
            self.standing[ladder].update(other.standing[ladder])
        for ladder, counts in other.population.items():
            _add_up(self.population[ladder], counts)


def local_month(program: Program, instant: datetime) -> str:
    """Name the program's local month that an instant belongs to.

    Args:
        program: for its calendar.
        instant: aware instant.

    Returns:
        Text such as `2017-01`.
    """
    day = program.zone.day_of(instant)
    return f"{day.year}-{day.month:02}"


def report_of(program: Program, tally: Tally) -> dict[str, Any]:
    """Write a tally as the report that api.md describes.

    Args:
        program: what decided.
        tally: the sums.

    Returns:
        JSON values; units and money are decimal strings.
    """
    return {
        "program": program.key,
        "currency": program.currency,
        "events": tally.events,
        "late": tally.late,
        "accounts": len(tally.accounts),
        "orders": tally.orders,
        "revenue": scaled_text(tally.revenue_minor, program.digits),
        "wallets": {key: _wallet(program, tally, key) for key in program.wallets},
        "ladders": {key: _ladder(program, tally, key) for key in program.ladders},
        "campaigns": {key: _campaign(program, tally, key) for key in _keys(program)},
    }


def account_rows(program: Program, tally: Tally) -> Iterator[tuple[str, str, str, str, str, str]]:
    """List what each account came to.

    Args:
        program: what decided.
        tally: the sums.

    Yields:
        Account, wallet, issued, spent, expired and outstanding units as text, sorted by account and wallet.
    """
    named = sorted((account.removeprefix("external:"), account) for account in tally.accounts)
    for shown, account in named:
        for wallet, row in sorted(tally.accounts[account].items()):
            scale = program.wallets[wallet].scale
            issued, spent, expired, left = (
                scaled_text(one, scale) for one in (*row[:OTHER], outstanding(row))
            )
            yield shown, wallet, issued, spent, expired, left


def _wallet(program: Program, tally: Tally, key: str) -> dict[str, Any]:
    scale, cost = program.wallets[key].scale, program.wallets[key].cost
    total = [0, 0, 0, 0]
    by_month = {}
    for month, row in sorted(tally.months[key].items()):
        total = [one + two for one, two in zip(total, row, strict=True)]
        by_month[month] = {**_texts(row, scale), **_left(program, key, outstanding(total))}
    priced = {} if cost is None else {"cost": plain_text(cost)}
    return {
        **_texts(total, scale),
        **_left(program, key, outstanding(total)),
        **priced,
        "by_month": by_month,
    }


def _left(program: Program, wallet: str, units: int) -> dict[str, str]:
    """Say what is outstanding, and what it will cost where a cost is known."""
    cost, scale = program.wallets[wallet].cost, program.wallets[wallet].scale
    said = {"outstanding": scaled_text(units, scale)}
    if cost is not None:
        said["liability"] = _money(program, _units_cost(program, wallet, units, cost))
    return said


def _units_cost(program: Program, wallet: str, units: int, cost: Decimal) -> Fraction:
    return Fraction(units, 10 ** program.wallets[wallet].scale) * Fraction(cost)


def _money(program: Program, exact: Fraction) -> str:
    return scaled_text(round_scaled(exact, program.digits, "half_up"), program.digits)


def _texts(row: Row, scale: int) -> dict[str, str]:
    named = {"issued": row[ISSUED], "spent": row[SPENT], "expired": row[EXPIRED]}
    if row[OTHER]:
        named["adjusted"] = row[OTHER]
    return {name: scaled_text(units, scale) for name, units in named.items()}


def _ladder(program: Program, tally: Tally, key: str) -> dict[str, Any]:
    tiers = program.ladders[key].tiers
    peaks = tally.peaks[key].values()
    return {
        "reached": {
            tier.key: sum(1 for peak in peaks if peak >= level)
            for level, tier in enumerate(tiers)
            if level > 0
        },
        "population": dict(tally.population[key]),
    }


def _campaign(program: Program, tally: Tally, key: str) -> dict[str, Any]:
    awarded = tally.awarded.get(key, {})
    given: dict[str, dict[str, int]] = {}
    for (campaign, kind, what), times in sorted(tally.given.items()):
        if campaign == key:
            given.setdefault(_GIVEN[kind], {})[what] = times
    cost = _campaign_cost(program, awarded, given.get("granted", {}))
    return {
        "fired": tally.fired.get(key, 0),
        "awarded": {
            wallet: scaled_text(units, program.wallets[wallet].scale)
            for wallet, units in sorted(awarded.items())
        },
        "discounted": scaled_text(tally.discounted.get(key, 0), program.digits),
        **given,
        **({} if cost is None else {"cost": cost}),
    }


def _campaign_cost(program: Program, awarded: Mapping[str, int], granted: Mapping[str, int]) -> str | None:
    """Add up what was given away; what members pay with units was paid for when the units were awarded."""
    units = [(wallet, number, program.wallets[wallet].cost) for wallet, number in awarded.items()]
    rewards = [(number, program.rewards[reward].cost) for reward, number in granted.items()]
    if not (units or rewards) or any(one[-1] is None for one in (*units, *rewards)):
        return None
    spent = sum(
        (_units_cost(program, wallet, number, cost) for wallet, number, cost in units if cost is not None),
        Fraction(0),
    )
    spent += sum((number * Fraction(cost) for number, cost in rewards if cost is not None), Fraction(0))
    return _money(program, spent)


def _keys(program: Program) -> list[str]:
    prizes = [one.key for one in program.campaigns if one.is_prize]
    return [*program.definition.campaigns, *sorted(prizes)]


def _add_up(sums: dict[Key, int], more: Mapping[Key, int]) -> None:
    for key, number in more.items():
        sums[key] = sums.get(key, 0) + number
