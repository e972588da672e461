"""Whether anchoring can work and does, for `guerdon doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from guerdon.base.errors import Problem
from guerdon.cli.showing import counted
from guerdon.connect.chain import stored
from guerdon.connect.chain.contract import Contract
from guerdon.connect.chain.places import Chain
from guerdon.connect.chain.rpc import Node, number_of, to_hex
from guerdon.connect.chain.signing import Key
from guerdon.infra.db import Database
from guerdon.infra.settings import Settings
from guerdon.programs.tenants import list_tenants

if TYPE_CHECKING:
    from guerdon.connect.chain.keeper import Where

State = Literal["ok", "look", "bad"]
_CHECK: Final = "anchors"
_WAITS_LONG: Final = timedelta(hours=1)


class Looked(NamedTuple):
    """One thing that was looked at."""

    check: str
    state: State
    detail: str


def look_at_places(settings: Settings) -> Iterator[Looked]:
    """Look whether the places of anchors are configured well, and the chain would take one.

    Args:
        settings: of this process.

    Yields:
        What was found; nothing where no place is named.
    """
    from guerdon.connect.chain.keeper import find_where

    try:
        where = find_where(settings)
        if where is None:
            return
        if where.chain is not None:
            yield _chain(*where.chain)
        if where.authority is not None:
            count = counted(len(where.authority.certificates), "certificate")
            yield Looked("time stamps", "ok", f"{where.authority.place}, {count} trusted")
    except Problem as problem:
        yield Looked(_CHECK, "bad", problem.detail)


def look_at_waiting(settings: Settings, database: Database, now: datetime) -> Iterator[Looked]:
    """Look whether an anchor waits too long.

    Args:
        settings: of this process.
        database: at the newest migration.
        now: the instant.

    Yields:
        What was found; nothing where no place is named, or the settings are wrong.
    """
    from guerdon.connect.chain.keeper import find_where

    try:
        where = find_where(settings)
    except Problem:
        # Told by `look_at_places`.
        return
    for place in _places(where):
        with database.transaction_as("lookup") as lookup:
            tenants = list_tenants(lookup)
        waiting = []
        for tenant in tenants:
            with database.transaction(tenant.tenant_id) as tx:
                waiting += stored.list_open(tx, place)
        late = [one for one in waiting if now - one.asked_at > _WAITS_LONG]
        faults = sorted({one.fault for one in waiting if one.fault})
        words = f"{counted(len(waiting), 'anchor')} on the way to {place}"
        if late:
            words += f", the oldest asked for at {min(one.asked_at for one in late):%Y-%m-%d %H:%M} UTC"
        if faults:
            words += f"; {faults[0]}"
        yield Looked(f"{_CHECK} waiting", "look" if late or faults else "ok", words)


def _places(where: Where | None) -> list[str]:
    if where is None:
        return []
    chain = [] if where.chain is None else [where.chain[0].place]
    return chain + ([] if where.authority is None else [where.authority.place])


def _chain(chain: Chain, key: Key) -> Looked:
    with Node(chain.url) as node:
        found = node.chain_id()
        if found != chain.chain_id:
            detail = f"the node is of chain {found}, and GUERDON_ANCHOR_CONTRACT of {chain.chain_id}"
            return Looked(_CHECK, "bad", detail)
        if Contract(node, chain.contract).owner() != key.address:
            return Looked(_CHECK, "bad", "our key does not own the contract, so it cannot anchor")
        if not number_of(node.ask("eth_getBalance", to_hex(key.address), "latest")):
            return Looked(_CHECK, "bad", "our key's address has no coins to pay with")
    return Looked(_CHECK, "ok", f"{chain.place} takes them from our key")
