"""What must hold of everything that is stored, whatever happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.ledger.audit import verify
from guerdon.ledger.wallets import load_wallets
from guerdon.programs.programs import get_live
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.program import Program
from tests.world.accounts import units_text
from tests.world.guild.model import Guild
from tests.world.model import Model

Names = Mapping[tuple[str, str], int]


def check_database(
    database: Database, where: tuple[int, datetime], models: Mapping[str, Model], accounts: Names
) -> list[str]:
    """Compare what is stored with the models.

    Args:
        database: the engine's.
        where: tenant and instant.
        models: by program.
        accounts: account numbers by program and name.

    Returns:
        What does not hold, in sentences.
    """
    tenant_id, now = where
    with database.transaction(tenant_id) as tx:
        faults = [f"verify: {one.code} of {one.account_id}: {one.detail}" for one in verify(tx)]
        faults += _check_sums(tx)
        programs = dict(tx.execute("select key, program_id from programs").fetchall())
        for key, model in models.items():
            faults += _check_accounts(tx, (key, programs[key]), model, accounts)
            faults += _check_balances(tx, (key, now), model, accounts)
            faults += _check_counters(tx, (key, programs[key]), model)
            faults += _check_events(tx, (key, programs[key]), model)
    return faults


def _check_sums(tx: Tx) -> list[str]:
    rows = tx.execute("select wallet, sum(amount) from entries group by wallet having sum(amount) <> 0")
    faults = [f"entries of {wallet} sum to {rest}" for wallet, rest in rows]
    negative = tx.execute("select count(*) from lots where remaining <= 0").fetchone()
    if negative != (0,):
        faults.append(f"lots without units: {negative}")
    return faults


def _check_accounts(tx: Tx, program: tuple[str, int], model: Model, accounts: Names) -> list[str]:
    stored = {
        row[0]
        for row in tx.execute(
            "select account_id from accounts where program_id = %s and merged_into is null", program[1:]
        )
    }
    known = {accounts.get((program[0], who)) for who in model.accounts}
    return (
        [] if stored == known else [f"{program[0]}: accounts {stored ^ known} are stored or known, not both"]
    )


def _check_balances(tx: Tx, when: tuple[str, datetime], model: Model, accounts: Names) -> list[str]:
    key, now = when
    spec, faults = model.spec, []
    numbers = {who: accounts[key, who] for who in model.accounts}
    wallets = load_wallets(tx, sorted(numbers.values()), now, _live(tx, key))
    for who, account in model.accounts.items():
        wanted = account.balances(now)
        held = wallets.get(numbers[who], {})
        for wallet, one in spec.wallets.items():
            state = held.get(wallet)
            got = (state.available, state.pending) if state is not None else (0, 0)
            texts = tuple(units_text(units, one.scale) for units in got)
            if texts != wanted[wallet]:
                faults.append(f"{key}: {who} has {texts} of {wallet} instead of {wanted[wallet]}")
    return faults


def _live(tx: Tx, key: str) -> Program:
    version = get_live(tx, key)
    return compile_program(load_definition(version.canonical), version.version)


def _check_counters(tx: Tx, program: tuple[str, int], model: Model) -> list[str]:
    """Shared counters by the owner's name, all periods together."""
    stored: dict[str, Fraction] = {}
    rows: Any = tx.execute("select counter, used from shared_counters where program_id = %s", program[1:])
    for counter, used in rows:
        kind, owner, what, *_ = counter.split("/")
        name = {"stock": f"stock {owner}", "total": f"{kind} {owner}"}.get(what, f"budget {owner}")
        name = f"cause {what}" if kind == "cause" else name
        stored[name] = stored.get(name, Fraction(0)) + Fraction(used)
    wanted = _wanted_counters(model)
    return [
        f"{program[0]}: {name} is {stored.get(name, 0)} instead of {wanted.get(name, 0)}"
        for name in sorted(stored.keys() | wanted.keys())
        if stored.get(name, 0) != wanted.get(name, 0)
    ]


def _wanted_counters(model: Model) -> dict[str, Fraction]:
    wanted: dict[str, Fraction] = {}
    for (owner, _), used in model.shared.items():
        kind, _, key = owner.partition(" ")
        reward = model.spec.rewards.get(key)
        if (kind == "stock" and (reward is None or reward.stock is None)) or (
            kind == "reward" and (reward is None or reward.total is None)
        ):
            continue
        name = owner if key else f"campaign {owner}"
        wanted[name] = wanted.get(name, Fraction(0)) + used
    for (owner, _), spent in model.budgets.items():
        wanted[f"budget {owner}"] = wanted.get(f"budget {owner}", Fraction(0)) + spent
    if isinstance(model, Guild):
        wanted |= {f"cause {name}": figure for name, figure in model.causes().items()}
    return wanted


def _check_events(tx: Tx, program: tuple[str, int], model: Model) -> list[str]:
    rows = tx.execute(
        "select source, id from events where program_id = %s and not starts_with(source, 'guerdon')",
        program[1:],
    )
    stored = sorted(rows.fetchall())
    if stored == sorted(model.events):
        return []
    return [f"{program[0]}: {len(stored)} events are stored and {len(model.events)} were taken in"]
