"""Wallets and lots as gathering and reading need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import psycopg

from guerdon.infra.arrays import bigints
from guerdon.infra.tx import Tx
from guerdon.ledger.sql import reading as sql
from guerdon.rules.lots import SpendingOrder, sort_lots
from guerdon.rules.program import Program
from guerdon.rules.settling import settle_wallets
from guerdon.rules.state import Lot, WalletState

Rows = psycopg.Cursor[tuple[Any, ...]]
Wallets = dict[int, dict[str, WalletState]]


def ask_wallets(tx: Tx, account_ids: Sequence[int]) -> Rows:
    """Ask for the balance rows of accounts.

    Args:
        tx: the transaction, perhaps in pipeline mode.
        account_ids: whose.

    Returns:
        The cursor for `read_wallets`.
    """
    return tx.execute(sql.LOAD_WALLETS, (bigints(account_ids),))


def read_wallets(rows: Rows) -> Wallets:
    """Read what `ask_wallets` asked for.

    Args:
        rows: its cursor.

    Returns:
        Wallets as booked by account and key, with `lots` None.
    """
    wallets: Wallets = {}
    for account_id, wallet, available, pending, held, changes_at, idle, debt in rows:
        state = WalletState(available, pending, held, changes_at, idle, None, debt)
        wallets.setdefault(account_id, {})[wallet] = state
    return wallets


def ask_lots(tx: Tx, account_ids: Sequence[int]) -> Rows:
    """Ask for all open lots of accounts.

    Args:
        tx: the transaction, perhaps in pipeline mode.
        account_ids: whose.

    Returns:
        The cursor for `add_lots`.
    """
    return tx.execute(sql.LOAD_LOTS, (bigints(account_ids),))


def add_lots(
    wallets: Wallets, rows: Rows, account_ids: Sequence[int], orders: Mapping[str, SpendingOrder]
) -> None:
    """Put lots into wallets.

    Args:
        wallets: of `read_wallets`; changed in place.
        rows: the cursor of `ask_lots`.
        account_ids: whose lots were asked for.
        orders: in which order each wallet's lots are spent; `expires_first` where it is not listed.
    """
    lots: dict[tuple[int, str], list[Lot]] = {}
    for account_id, wallet, available_at, expires_at, remaining in rows:
        lots.setdefault((account_id, wallet), []).append(Lot(available_at, expires_at, remaining))
    for account_id in account_ids:
        held = wallets.get(account_id, {})
        for wallet, state in held.items():
            ordered = sort_lots(lots.get((account_id, wallet), ()), orders.get(wallet, "expires_first"))
            held[wallet] = msgspec.structs.replace(state, lots=ordered)


def load_wallets(
    tx: Tx, account_ids: Sequence[int], now: datetime, program: Program
) -> Mapping[int, Mapping[str, WalletState]]:
    """Load wallets with their lots as they stand at an instant, for reading only.

    Args:
        tx: the transaction; nothing is locked.
        account_ids: whose.
        now: the instant; what time and the definition have done since is settled in memory.
        program: the live definition, compiled.

    Returns:
        Settled wallets by account and key.
    """
    wallets: Wallets = {}
    found: dict[tuple[int, str], list[Lot]] = {}
    # One statement, so that figures and lots are of one moment although nothing is locked.
    for row in tx.execute(sql.READ_WALLETS, (now, list(account_ids))):
        account_id, wallet, available, pending, held, changes_at, idle, debt, *lot = row
        state = WalletState(available, pending, held, changes_at, idle, debt=debt)
        wallets.setdefault(account_id, {})[wallet] = state
        if lot[0] is not None:
            found.setdefault((account_id, wallet), []).append(Lot(*lot))
    for (account_id, wallet), lots in found.items():
        ordered = sort_lots(lots, program.spending_order)
        wallets[account_id][wallet] = msgspec.structs.replace(wallets[account_id][wallet], lots=ordered)
    return {account_id: settle_wallets(program, held, now).wallets for account_id, held in wallets.items()}


class Due(NamedTuple):
    """Which accounts have something to be booked."""

    program_id: int
    now: datetime
    retired: Sequence[str] = ()
    """Wallets that the live definition gives up."""


def list_due(tx: Tx, due: Due, after: int = 0, limit: int = 1000) -> list[int]:
    """List accounts with a wallet that time or the definition has changed since, or with a lapsed hold.

    Args:
        tx: the transaction.
        due: of which program, at which instant.
        after: only accounts greater than this, for the next page; 0 for the first.
        limit: most accounts of a page.

    Returns:
        Accounts in rising order.
    """
    rows = tx.execute(sql.DUE_WALLETS, (due.program_id, due.now, after, limit)).fetchall()
    rows += tx.execute(sql.LAPSED_HOLDS, (due.program_id, due.now, after, limit)).fetchall()
    if due.retired:
        given_up = (due.program_id, list(due.retired), after, limit)
        rows += tx.execute(sql.RETIRED_WALLETS, given_up).fetchall()
    return sorted({row[0] for row in rows})[:limit]
