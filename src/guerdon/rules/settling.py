"""Wallets as they are at an instant: what expired is gone, and what was given up has turned into its heir."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Context, Decimal
from fractions import Fraction

import msgspec

from guerdon.base.exact import BIGINT_MAX, plain_text, round_ratio, scaled_text, spread
from guerdon.rules import lots
from guerdon.rules.lots import Expired
from guerdon.rules.parts import Conversion
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, Lot, WalletState

Wallets = Mapping[str, WalletState]

_EMPTY = WalletState()
_WIDE = Context(prec=80)


class Converted(msgspec.Struct, frozen=True):
    """Units of a wallet that is given up, and what they turned into."""

    wallet: str
    into: str | None
    """None where they are given up with their wallet."""
    given: tuple[Lot, ...]
    got: tuple[Lot, ...]
    """In the other wallet's scale, with the same dates; lots that came to nothing are left out."""
    said: str
    """The arithmetic in words, with what rounding took or gave."""


class Settled(msgspec.Struct, frozen=True):
    """What time and the definition have done to an account's wallets."""

    wallets: Wallets
    expired: tuple[tuple[str, tuple[Expired, ...]], ...] = ()
    """By wallet, in order of their keys."""
    converted: tuple[Converted, ...] = ()


def is_retired(program: Program, key: str, wallet: WalletState) -> bool:
    """Tell whether a wallet's units are to be converted.

    Units that an open checkout holds keep their wallet, with all that lies in it, until the checkout ends.

    Args:
        program: the live definition, compiled.
        key: the wallet's key.
        wallet: as booked.

    Returns:
        True where the definition gives it up and there is anything in it.
    """
    return not wallet.held and _is_given_up(program, key, wallet)


def needs_lots(program: Program, wallets: Wallets, now: datetime) -> bool:
    """Tell whether wallets cannot be settled for want of their lots.

    Args:
        program: the live definition, compiled.
        wallets: as booked.
        now: the instant that availability is judged at.

    Returns:
        True where something is due or given up and its lots were not read.
    """
    retired = program.retired
    for key, wallet in wallets.items():
        if wallet.lots is not None:
            continue
        changes_at = wallet.changes_at
        if (changes_at is not None and changes_at <= now) or (retired and _is_given_up(program, key, wallet)):
            return True
    return False


def lots_missing(program: Program, state: AccountState, booked_at: datetime) -> bool:
    """Tell whether a wallet cannot be settled for want of its lots.

    Args:
        program: what decides.
        state: the account.
        booked_at: the instant of the next decision; an account's clock never runs backwards.

    Returns:
        True where something is due or given up and its lots were not read.
    """
    last = state.last_booked_at
    now = booked_at if last is None or last < booked_at else last
    # Who owes units repays them out of whatever comes, and lots are taken for that.
    owes = any(one.debt and one.lots is None for one in state.wallets.values())
    return owes or needs_lots(program, state.wallets, now)


def settle_wallets(program: Program, wallets: Wallets, now: datetime) -> Settled:
    """Settle wallets: expiry first, then the conversion of those that the definition gives up.

    Args:
        program: the live definition, compiled.
        wallets: as last booked; lots must be there where `needs_lots` asks for them.
        now: the instant that availability is judged at.

    Returns:
        The wallets as they are at `now`, and what became of units; the very mapping where nothing did.
    """
    due = [key for key, one in wallets.items() if one.changes_at is not None and one.changes_at <= now]
    if not due and not program.retired:
        return Settled(wallets)
    settled = dict(wallets)
    expired = []
    for key in sorted(due):
        if key in program.wallets or key in program.retired:
            settled[key], gone = lots.settle(settled[key], now)
            expired.append((key, gone))
    converted = []
    for key, conversion in program.retired.items():
        wallet = settled.get(key, _EMPTY)
        if is_retired(program, key, wallet):
            one = _convert(conversion, wallet)
            if one.into is None or _take_over(program, settled, one, now):
                settled[key] = _emptied(wallet)
                converted.append(one)
    if not due and not converted:
        return Settled(wallets)
    return Settled(settled, tuple(expired), tuple(converted))


def _is_given_up(program: Program, key: str, wallet: WalletState) -> bool:
    # What is on hold may be set free before it is looked at again.
    return key in program.retired and bool(wallet.available or wallet.pending)


def _emptied(wallet: WalletState) -> WalletState:
    return WalletState(held=wallet.held, lots=(), debt=wallet.debt)


def _take_over(program: Program, settled: dict[str, WalletState], one: Converted, now: datetime) -> bool:
    """Put what units turned into where it belongs; what would not fit there stays what it was."""
    assert one.into is not None
    heir = settled.get(one.into, _EMPTY)
    if heir.available + heir.pending + sum(lot.remaining for lot in one.got) > BIGINT_MAX:
        return False
    for lot in one.got:
        heir = lots.add(heir, lot, now, program.spending_order)
    if one.got:
        settled[one.into] = heir
    return True


def _convert(conversion: Conversion, wallet: WalletState) -> Converted:
    """Convert a wallet: one rounding for all of it, spread over its lots by largest remainder.

    Each lot keeps the instants at which it becomes available and expires. Where the wallet expired with its
    last activity, that instant becomes the lots' own.
    """
    assert wallet.lots is not None, "gather reads the lots of a wallet that is given up"
    given = wallet.lots
    units = sum(lot.remaining for lot in given)
    if conversion.into is None:
        return Converted(conversion.wallet, None, given, (), f"{conversion.wallet} is given up")
    exact = units * conversion.ratio
    rounded = round_ratio(exact.numerator, exact.denominator, conversion.rounding)
    shares = spread(rounded, [lot.remaining for lot in given])
    got = tuple(
        Lot(lot.available_at, _end(lot, wallet), share)
        for lot, share in zip(given, shares, strict=True)
        if share
    )
    said = _said(conversion, units, rounded, rounded - exact)
    return Converted(conversion.wallet, conversion.into, given, _joined(got), said)


def _joined(got: Sequence[Lot]) -> tuple[Lot, ...]:
    """Put lots together that an end of their own has made alike."""
    sums: dict[tuple[datetime, datetime | None], int] = {}
    for lot in got:
        key = (lot.available_at, lot.expires_at)
        sums[key] = sums.get(key, 0) + lot.remaining
    return tuple(Lot(*key, units) for key, units in sums.items())


def _end(lot: Lot, wallet: WalletState) -> datetime | None:
    if wallet.idle_expires_at is None:
        return lot.expires_at
    return min(wallet.idle_expires_at, lot.expires_at or wallet.idle_expires_at)


def _said(conversion: Conversion, units: int, rounded: int, off: Fraction) -> str:
    given = f"{scaled_text(units, conversion.scale)} {conversion.wallet}"
    got = f"{scaled_text(rounded, conversion.into_scale)} {conversion.into}"
    said = f"{given} at {plain_text(conversion.rate)} are {got}"
    if not off:
        return said
    whole = abs(off) / 10**conversion.into_scale
    # Rates are decimals, so that what is off is one too.
    amount = plain_text(_WIDE.divide(Decimal(whole.numerator), Decimal(whole.denominator)))
    return f"{said}; rounding {'gave' if off > 0 else 'took'} {amount}"
