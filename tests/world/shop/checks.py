"""What must hold of all that is stored of carts, coupons and returns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.programs.programs import get_live
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from tests.world.accounts import units_text
from tests.world.shop.model import Shop

Names = Mapping[tuple[str, str], int]


def check_shop(database: Database, where: tuple[int, datetime], shop: Shop, accounts: Names) -> list[str]:
    """Compare what is stored of the shop with its model.

    Args:
        database: the engine's.
        where: tenant and instant.
        shop: the model.
        accounts: account numbers by program and name; those of gift cards as `card …`.

    Returns:
        What does not hold, in sentences.
    """
    tenant_id, now = where
    with database.transaction(tenant_id) as tx:
        (program_id,) = tx.execute("select program_id from programs where key = 'store'").fetchall()[0]
        faults = _balances(tx, now, shop, accounts)
        faults += _holds(tx, now, shop, accounts)
        faults += _counters(tx, program_id, shop)
        faults += _carts(tx, program_id, shop, accounts)
    return faults


def _balances(tx: Tx, now: datetime, shop: Shop, accounts: Names) -> list[str]:
    faults = []
    version = get_live(tx, "store")
    program = compile_program(load_definition(version.canonical), version.version)
    holders = {accounts["store", who]: account for who, account in shop.accounts.items()}
    holders |= {accounts["store", f"card {name}"]: card.holder for name, card in shop.cards.items()}
    stored = load_wallets(tx, sorted(holders), now, program)
    for number, account in holders.items():
        for wallet, wanted in account.balances(now).items():
            state = stored.get(number, {}).get(wallet)
            units = (state.free, state.pending, state.held, state.debt) if state is not None else (0,) * 4
            got = tuple(units_text(one, shop.spec.wallets[wallet].scale) for one in units)
            if (*got[:3], got[3] if units[3] else "0") != wanted:
                faults.append(f"{number} has {got} of {wallet} instead of {wanted}")
    return faults


def _holds(tx: Tx, now: datetime, shop: Shop, accounts: Names) -> list[str]:
    """Holds that bind somebody, and every held figure as the sum of its holds."""
    query = """select account_id, name, sum(amount)::bigint from account_holds
        where kind = 'units' and expires_at > %s group by 1, 2"""
    stored = {(account, wallet): amount for account, wallet, amount in tx.execute(query, (now,)).fetchall()}
    cards = {f"card {name}": card.holder for name, card in shop.cards.items()}
    wanted = {
        (accounts["store", who], wallet): account.held(wallet, now)
        for who, account in {**shop.accounts, **cards}.items()
        for wallet in shop.spec.wallets
        if account.held(wallet, now)
    }
    faults = [] if stored == wanted else [f"holds of units are {stored} instead of {wanted}"]
    query = """select w.account_id, w.wallet, w.held, coalesce(sum(h.amount), 0) from wallets w
        left join account_holds h on h.account_id = w.account_id and h.kind = 'units' and h.name = w.wallet
        group by 1, 2, 3 having w.held <> coalesce(sum(h.amount), 0) or w.held < 0"""
    return faults + [f"the sum of holds is another: {row}" for row in tx.execute(query).fetchall()]


def _counters(tx: Tx, program_id: int, shop: Shop) -> list[str]:
    """Shared counters without what is held of them, by the owner's name, all periods together."""
    query = """select counter, used, coalesce((select sum(amount) from shared_holds h
        where h.program_id = c.program_id and h.counter = c.counter), 0)
        from shared_counters c where program_id = %s"""
    stored: dict[str, Decimal] = {}
    faults = []
    for counter, used, held in tx.execute(query, (program_id,)).fetchall():
        _, owner, what, *_ = counter.split("/")
        name = {"code": "code", "total": "welcome"}[what] if owner.startswith("cpb") else owner
        stored[name] = stored.get(name, Decimal(0)) + used - held
        if not 0 <= held <= used:
            faults.append(f"{counter}: {used} used and {held} held")
    wanted: dict[str, Decimal] = {}
    for (name, who, _), used in shop.counters.items():
        if not who or name == "code":
            wanted[name] = wanted.get(name, Decimal(0)) + Decimal(used) / (100 if name == "fiver" else 1)
    return faults + [
        f"{name} is {stored.get(name, 0)} instead of {wanted.get(name, 0)}"
        for name in sorted(stored.keys() | wanted.keys())
        if stored.get(name, 0) != wanted.get(name, 0)
    ]


def _carts(tx: Tx, program_id: int, shop: Shop, accounts: Names) -> list[str]:
    rows = tx.execute("select id, status from checkouts where program_id = %s", (program_id,)).fetchall()
    stored: dict[str, str] = dict(rows)
    wanted: dict[str, str] = {name: cart.status for name, cart in shop.carts.items()}
    query = "select account_id, blocked_at is not null from gift_cards where program_id = %s"
    blocked: dict[int, bool] = dict(tx.execute(query, (program_id,)).fetchall())
    known = {accounts["store", f"card {name}"]: card.blocked for name, card in shop.cards.items()}
    cards = [] if blocked == known else [f"gift cards {blocked.items() ^ known.items()}"]
    faults = cards if stored == wanted else [*cards, f"carts {stored.items() ^ wanted.items()}"]
    query = "select order_id from event_keys where program_id = %s and order_id is not null"
    orders = sorted(order for (order,) in tx.execute(query, (program_id,)).fetchall())
    return faults if orders == sorted(shop.orders) else [*faults, f"{len(orders)} orders are stored"]
