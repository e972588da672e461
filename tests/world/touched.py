"""What must hold after each step of the accounts that it touched: cheap, for it is asked each time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.programs.programs import get_live
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.program import Program
from tests.world.accounts import units_text
from tests.world.programs import Wallet

Figures = tuple[str, ...]
"""Available, pending, and where the program lets units be held and owed: held, debt."""
Names = Mapping[tuple[str, str], int]
_BOOKS = """
with a as (select account_id, next_seq from accounts where account_id = any(%(accounts)s::bigint[])),
e as (select e.* from entries e join a using (account_id)),
t as (select t.* from transactions t join a using (account_id)),
w as (select w.* from wallets w join a using (account_id)),
m as (select m.account_id, m.through_seq from moved_accounts m join a using (account_id)),
told as (
    select account_id, wallet, book, amount from e
    union all
    select account_id, wallet, book, amount from carried_units c join a using (account_id)
),
booked as (
    select account_id, wallet, coalesce(sum(amount) filter (where book = 'member'), 0) as units,
        coalesce(-sum(amount) filter (where book = 'owed'), 0) as owed
    from told group by account_id, wallet
),
lying as (
    select l.account_id, l.wallet, sum(l.remaining) as units
    from lots l join a using (account_id) group by 1, 2
),
promised as (
    select h.account_id, h.name as wallet, sum(h.amount) as units
    from account_holds h join a using (account_id) where h.kind = 'units' group by 1, 2
),
compared as (
    select coalesce(booked.account_id, w.account_id, lying.account_id) as account_id, wallet,
        coalesce(booked.units, 0) as by_entries, coalesce(lying.units, 0) as by_lots,
        coalesce(w.available + w.pending, 0) as by_wallet, coalesce(booked.owed, 0) as owed,
        coalesce(w.debt, 0) as debt, coalesce(promised.units, 0) as promised, coalesce(w.held, 0) as held
    from booked full join w using (account_id, wallet) full join lying using (account_id, wallet)
        full join promised using (account_id, wallet)
)
select account_id, wallet || ' of transaction ' || seq || ' does not balance', sum(amount)::text, '0'
from e group by account_id, seq, wallet having sum(amount) <> 0
union all
select account_id, 'transactions have gaps',
    (count(t.seq) + coalesce(m.through_seq, 0))::text || ' to '
    || coalesce(max(t.seq), m.through_seq, 0)::text, (a.next_seq - 1)::text
from a left join t using (account_id) left join m using (account_id)
group by account_id, a.next_seq, m.through_seq
having count(t.seq) + coalesce(m.through_seq, 0) <> a.next_seq - 1
    or coalesce(max(t.seq), m.through_seq, 0) <> a.next_seq - 1
union all
select account_id, wallet || ' by lots', by_lots::text, by_entries::text
from compared where by_lots <> by_entries
union all
select account_id, wallet || ' by its balance', by_wallet::text, by_entries::text
from compared where by_wallet <> by_entries
union all
select account_id, wallet || ' that is owed', debt::text, owed::text from compared where debt <> owed
union all
select account_id, wallet || ' that is held', held::text, promised::text from compared where held <> promised
"""


class Holding(Protocol):
    """An account of a model."""

    def balances(self, now: datetime) -> Mapping[str, Figures]:
        """What it has, by wallet."""
        ...


class Place(NamedTuple):
    """Whose accounts are looked at, and when."""

    tenant_id: int
    now: datetime


class Looker:
    """Compares accounts with their models, by the reading that the API shows."""

    def __init__(self, database: Database) -> None:
        """Make one; it keeps what it compiled.

        Args:
            database: the engine's.
        """
        self.database = database
        self.looked = 0
        """How many accounts were looked at so far."""
        self._compiled: dict[tuple[str, int], Program] = {}

    def look(
        self,
        place: Place,
        held: Mapping[str, Mapping[int, Holding]],
        wallets: Mapping[str, Mapping[str, Wallet]],
    ) -> list[str]:
        """Look at some accounts.

        Args:
            place: tenant and instant.
            held: accounts of models by program and number.
            wallets: of each program.

        Returns:
            What does not hold, in sentences.
        """
        numbers = sorted(number for accounts in held.values() for number in accounts)
        self.looked += len(numbers)
        faults = []
        with self.database.transaction(place.tenant_id) as tx:
            for number, what, got, wanted in tx.execute(_BOOKS, {"accounts": numbers}).fetchall():
                faults.append(f"account {number}: {what}: {got} instead of {wanted}")
            for key, accounts in held.items():
                if accounts:
                    faults += self._figures(tx, (key, place.now), accounts, wallets[key])
        return faults

    def _figures(
        self,
        tx: Tx,
        when: tuple[str, datetime],
        accounts: Mapping[int, Holding],
        wallets: Mapping[str, Wallet],
    ) -> list[str]:
        key, now = when
        stored, faults = load_wallets(tx, sorted(accounts), now, self._live(tx, key)), []
        for number, account in accounts.items():
            for wallet, wanted in account.balances(now).items():
                state: Any = stored.get(number, {}).get(wallet)
                units = (state.free, state.pending, state.held, state.debt) if state is not None else (0,) * 4
                got = tuple(units_text(one, wallets[wallet].scale) for one in units[: len(wanted)])
                got = (*got[:3], got[3] if units[3] else "0") if len(got) > 3 else got
                if got != wanted:
                    faults.append(f"{key}: account {number} has {got} of {wallet} instead of {wanted}")
        return faults

    def _live(self, tx: Tx, key: str) -> Program:
        version = get_live(tx, key)
        known = self._compiled.get((key, version.version))
        if known is None:
            known = compile_program(load_definition(version.canonical), version.version)
            self._compiled[key, version.version] = known
        return known
