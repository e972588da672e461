"""Units of an order of which something came back: what it brought is taken, what paid it is given back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from guerdon.base.exact import round_ratio, scaled_decimal
from guerdon.rules import limits
from guerdon.rules.decision import Decision, Entry, Shortfall, Transaction, UnitsUndone
from guerdon.rules.draft import Draft
from guerdon.rules.events import PaidOrder
from guerdon.rules.lives import NO_LIFE, OWN, LifeKey, LotLife, lived
from guerdon.rules.owing import free, owe, reopen, take_back
from guerdon.rules.program import Program
from guerdon.rules.spending import arrive, lasting
from guerdon.rules.state import Lot
from guerdon.rules.undo.lines import Part
from guerdon.rules.undo.prizes import Prizes, is_prize_of_challenge
from guerdon.rules.undo.tenders import is_money


class Sums:
    """What a return did to wallets."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sums: dict[str, UnitsUndone] = {}

    def add(self, more: UnitsUndone) -> None:
        """Note what was done.

        Args:
            more: what was done to a wallet, beside what is noted already.
        """
        had = self._sums.get(more.wallet, UnitsUndone(more.wallet))
        self._sums[more.wallet] = UnitsUndone(
            more.wallet,
            had.taken + more.taken,
            had.given_back + more.given_back,
            had.debt + more.debt,
            had.expired + more.expired,
            had.own or more.own,
        )

    def told(self) -> tuple[UnitsUndone, ...]:
        """Give the sums.

        Returns:
            One for each wallet that anything was done to.
        """
        return tuple(one for wallet, one in sorted(self._sums.items()) if one != UnitsUndone(wallet))


def take_awards(draft: Draft, paid: PaidOrder, parts: tuple[Part, Prizes], sums: Sums) -> None:
    """Take back the share of awards that goes with what came back, each lot's by itself.

    What expired of them is gone and taken from nowhere else; what was spent of them is.

    Args:
        draft: the decision about the return.
        paid: the order.
        parts: what comes back, and what prizes of challenges go with it.
        sums: told what is taken.
    """
    part, prizes = parts
    lives = lived(paid.lives, draft.transactions)
    for wallet, lots in _awarded(paid.decision).items():
        of, before, after, expired = [], 0, 0, 0
        for lot, gone in zip(lots, _own_before(paid, wallet, len(lots)), strict=True):
            shares = _shares(paid.decision, (wallet, lot), part, prizes)
            # What came back while the lot was there is not among what it had when it expired.
            was, now = (one - _lost(draft, lives, (wallet, lot), max(one - gone, 0)) for one in shares)
            before, after = before + was, after + now
            expired += shares[1] - shares[0] - (now - was)
            if now > was:
                of.append(Lot(lot.available_at, lot.expires_at, now - was))
        sums.add(UnitsUndone(wallet, expired=expired))
        if after > before:
            _take(draft, paid, (wallet, before, after, of), sums)
    _free_budgets(draft, paid, part, prizes)


def _shares(decision: Decision, of: tuple[str, Lot], part: Part, prizes: Prizes) -> tuple[int, int]:
    """Divide a lot: prizes of challenges go wholly or not at all, all else goes with the order."""
    wallet, lot = of
    rest, before, after = lot.remaining, 0, 0
    for source, units in _of_prizes(decision, wallet, lot).items():
        # What expired as it came is not in the lot.
        was, now = prizes.shares(source, units, rest)
        rest, before, after = rest - min(sum(units), rest), before + was, after + now
    was, now = part.shares(rest)
    return before + was, after + now


def _of_prizes(decision: Decision, wallet: str, lot: Lot) -> dict[str, list[int]]:
    """Tell what of a lot came from prizes of challenges, by campaign, one after the other."""
    found: dict[str, list[int]] = {}
    for transaction in decision.transactions:
        if transaction.kind == "award" and transaction.wallet == wallet:
            for entry in transaction.entries:
                is_here = (entry.available_at, entry.expires_at) == (lot.available_at, lot.expires_at)
                if entry.book == "member" and is_here and is_prize_of_challenge(entry.source):
                    found.setdefault(entry.source, []).append(entry.amount)
    return found


def _own_before(paid: PaidOrder, wallet: str, count: int) -> list[int]:
    """Tell what earlier returns took out of the order's own lots of a wallet, while it was there."""
    sums = [0] * count
    for one in paid.earlier:
        for units in one.units:
            if units.wallet == wallet and units.own:
                sums = [had + more for had, more in zip(sums, units.own, strict=True)]
    return sums


def _lost(draft: Draft, lives: Mapping[LifeKey, LotLife], of: tuple[str, Lot], units: int) -> int:
    """Tell how many of an order's units in a lot expired there, or in the wallet that took over."""
    wallet, lot = of
    lost = lives.get((wallet, lot.available_at, lot.expires_at), NO_LIFE).lost(units)
    conversion = draft.program.retired.get(wallet)
    if conversion is not None and conversion.into is not None:
        heir = lives.get((conversion.into, lot.available_at, lot.expires_at), NO_LIFE)
        lost += heir.lost(units - lost)
    return lost


def _awarded(decision: Decision) -> dict[str, list[Lot]]:
    """List what an order's awards brought, lot by lot; what expired as it came never was there."""
    found: dict[str, dict[tuple[object, object], Lot]] = {}
    for transaction in decision.transactions:
        if transaction.kind != "award":
            continue
        lots = found.setdefault(transaction.wallet, {})
        for entry in transaction.entries:
            if entry.book == "member" and entry.available_at is not None:
                key = (entry.available_at, entry.expires_at)
                had = lots[key].remaining if key in lots else 0
                lots[key] = Lot(entry.available_at, entry.expires_at, had + entry.amount)
    return {wallet: [lot for lot in lots.values() if lot.remaining] for wallet, lots in found.items()}


def ended_lots(paid: PaidOrder, live: Program, now: datetime) -> set[LifeKey]:
    """List the lots that an order's awards are in and that may have expired.

    Args:
        paid: the order.
        live: the live definition, compiled.
        now: the instant that availability is judged at.

    Returns:
        Lots, and those that take over from them.
    """
    found: set[LifeKey] = set()
    for wallet, lots in _awarded(paid.decision).items():
        conversion = live.retired.get(wallet)
        keys = [wallet] if conversion is None or conversion.into is None else [wallet, conversion.into]
        idle = any(
            one.expires is not None and one.expires.from_activity
            for program in (paid.program, live)
            for key in keys
            if (one := program.wallets.get(key)) is not None
        )
        for lot in lots:
            if idle or (lot.expires_at is not None and lot.expires_at <= now):
                found.update((key, lot.available_at, lot.expires_at) for key in keys)
    return found


def _take(draft: Draft, paid: PaidOrder, asked: tuple[str, int, int, list[Lot]], sums: Sums) -> None:
    wallet, before, after, of = asked
    amount = after - before
    conversion = draft.program.retired.get(wallet)
    if conversion is not None:
        if conversion.into is None:
            return
        # What was converted is taken of what it turned into, so that parts add up there as well.
        ratio, mode = conversion.ratio, conversion.rounding
        exact = [one * ratio for one in (before, after)]
        was, now = (round_ratio(one.numerator, one.denominator, mode) for one in exact)
        wallet, amount, of = conversion.into, now - was, []
    if wallet not in draft.program.wallets or not amount:
        return
    taken = take_back(draft, wallet, amount, of)
    missing = amount - sum(lot.remaining for lot in taken)
    owed = missing if _may_owe(paid, asked[0]) else 0
    if missing > owed:
        scale = draft.program.wallets[wallet].scale
        draft.shortfalls.append(
            Shortfall("units", wallet, scaled_decimal(missing - owed, scale), "stopped_at_zero")
        )
    if owed:
        owe(draft, wallet, owed)
    amount -= missing - owed
    if amount:
        entries = _taken_entries(taken, of)
        entries += [Entry("owed", -owed)] if owed else []
        draft.post("return", wallet, (*entries, Entry("issued", amount)))
        own = () if conversion is not None else _own(entries, _awarded(paid.decision)[wallet])
        sums.add(UnitsUndone(wallet, taken=amount, debt=owed, own=own))


def _own(entries: Iterable[Entry], lots: Iterable[Lot]) -> tuple[int, ...]:
    """Tell what was taken out of each of an order's own lots; nothing at all where none gave any."""
    taken: dict[tuple[datetime | None, datetime | None], int] = {}
    for one in entries:
        if one.source == OWN:
            key = (one.available_at, one.expires_at)
            taken[key] = taken.get(key, 0) - one.amount
    return tuple(taken.get((lot.available_at, lot.expires_at), 0) for lot in lots) if taken else ()


def _taken_entries(taken: Iterable[Lot], of: Iterable[Lot]) -> list[Entry]:
    """Write what was taken, the order's own units apart: a lot may be that of other orders as well."""
    own: dict[tuple[datetime, datetime | None], int] = {}
    for lot in of:
        key = (lot.available_at, lot.expires_at)
        own[key] = own.get(key, 0) + lot.remaining
    entries = []
    for lot in taken:
        dates = (lot.available_at, lot.expires_at)
        mine = min(lot.remaining, own.get(dates, 0))
        entries += [Entry("member", -mine, *dates, OWN)] if mine else []
        entries += [Entry("member", mine - lot.remaining, *dates)] if lot.remaining > mine else []
    return entries


def _may_owe(paid: PaidOrder, wallet: str) -> bool:
    written = paid.program.definition.wallets.get(wallet)
    return written is None or written.debt == "allowed"


def _free_budgets(draft: Draft, paid: PaidOrder, part: Part, prizes: Prizes) -> None:
    """Give back to campaigns' budgets what the units that are taken back had drawn."""
    day = paid.program.zone.day_of(paid.event.occurred_at)
    drawn: dict[tuple[str, str], list[int]] = {}
    for effect in paid.decision.effects:
        if effect.kind == "award":
            drawn.setdefault((effect.campaign, effect.wallet), []).append(effect.amount)
    campaigns = {one.key: one for one in paid.program.campaigns}
    for (key, wallet_key), amounts in drawn.items():
        amount = sum(amounts)
        budget = campaigns[key].limits
        wallet = paid.program.wallets[wallet_key]
        is_prize = is_prize_of_challenge(key)
        was, now = prizes.shares(key, amounts, amount) if is_prize else part.shares(amount)
        units = scaled_decimal(now - was, wallet.scale)
        by_units = limits.units_draw(budget, f"campaign/{key}", wallet_key, day)
        by_money = limits.money_draw(budget, f"campaign/{key}", day)
        if by_units is not None and units:
            free(draft, by_units, units)
        if by_money is not None and wallet.cost and units:
            free(draft, by_money, units * wallet.cost)


def give_payments(draft: Draft, paid: PaidOrder, parts: tuple[Part, Part], sums: Sums) -> None:
    """Give back the share of units that paid for the order.

    Args:
        draft: the decision about the return.
        paid: the order.
        parts: what comes back, by the shares of points, and by those of money.
        sums: told what is given back.
    """
    fresh = {id(decision) for capture, decision in paid.captures if capture.checkout in paid.fresh}
    for decision in decisions_of(paid):
        points, money = (one.as_first() if id(decision) in fresh else one for one in parts)
        for transaction in decision.transactions:
            if transaction.kind == "redeem" and transaction.redemption_id is None:
                shares = money if is_money(paid, transaction.wallet) else points
                lots = []
                for lot in lots_taken(transaction):
                    was, now = shares.shares(lot.remaining)
                    if now > was:
                        lots.append(Lot(lot.available_at, lot.expires_at, now - was))
                give_lots(draft, paid, (transaction.wallet, tuple(lots)), sums)


def decisions_of(paid: PaidOrder) -> Iterator[Decision]:
    """List what was decided about an order: when it was paid, and when its checkout was confirmed after that.

    Args:
        paid: the order.

    Yields:
        Decisions.
    """
    yield paid.decision
    for _, decision in paid.captures:
        if decision is not paid.decision:
            yield decision


def lots_taken(transaction: Transaction) -> list[Lot]:
    """List what a transaction took from a member.

    Args:
        transaction: as recorded.

    Returns:
        Lots, `remaining` being what was taken of each.
    """
    return [
        Lot(entry.available_at, entry.expires_at, -entry.amount)
        for entry in transaction.entries
        if entry.book == "member" and entry.available_at is not None
    ]


def give_lots(
    draft: Draft, paid: PaidOrder, given: tuple[str, tuple[Lot, ...]], sums: Sums, number: int | None = None
) -> None:
    """Give units back with their expiry, but for a while at least.

    Args:
        draft: the decision about the return.
        paid: the order; its version says for how long at least.
        given: the wallet, and its lots as they were taken.
        sums: told what is given back.
        number: the redemption that they had paid for, None where they had paid a part of the order.
    """
    wallet, spent = given
    if not spent:
        return
    units = sum(lot.remaining for lot in spent)
    if wallet in draft.program.retired:
        reopen(draft, wallet)
    elif wallet not in draft.program.wallets:
        scale = paid.program.scales.get(wallet, 0)
        draft.shortfalls.append(Shortfall("units", wallet, scaled_decimal(units, scale), "unknown_wallet"))
        return
    lasts = draft.program.zone.after(draft.event.occurred_at, paid.program.given_back_lasts)
    source = "checkout" if number is None else ""
    entries = arrive(draft, wallet, lasting(spent, lasts), "redeemed", source)
    draft.post("cancel", wallet, entries, redemption_id=number)
    sums.add(UnitsUndone(wallet, given_back=units))


def share_of_money(amount: Decimal, part: Part, digits: int) -> Decimal:
    """Give the share of an amount of money that goes with what comes back now.

    Args:
        amount: all of it, in whole units of the currency.
        part: what comes back.
        digits: decimal places of the currency.

    Returns:
        The share, in whole units; parts add up to the whole.
    """
    places = max(digits, -int(amount.normalize().as_tuple().exponent))
    was, now = part.shares(int(Fraction(amount) * 10**places))
    return scaled_decimal(now - was, places)
