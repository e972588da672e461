"""The figures of the front page: of sandboxes only, since whoever opens the page sees them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import list_tenants
from guerdon.rules.program import Program
from guerdon.wiring import House

_REMEMBERED_SECONDS: Final = 5.0
_MEMBERS = "select count(*) from members where program_id = %s and erased_at is null"
_ORDERS = """
select count(*) from events
where program_id = %s and event_id >= %s::uuid and type = 'order.paid' and booked_at >= %s
"""
_UNITS = """
select wallet, sum(available + pending)::bigint from wallets
where program_id = %s group by wallet order by wallet
"""


class WalletFigure(msgspec.Struct, frozen=True):
    """What is outstanding in one wallet."""

    key: str
    amount: str


class ProgramFigure(msgspec.Struct, frozen=True):
    """One program in figures."""

    name: str
    members: str
    orders: str
    """Orders taken since midnight UTC."""
    wallets: tuple[WalletFigure, ...]


class Figures(msgspec.Struct, frozen=True):
    """What runs here."""

    programs: tuple[ProgramFigure, ...]
    hidden: bool
    """Whether there are tenants whose figures are not shown."""


class FigureBoard:
    """Works the figures out at most once in five seconds, however often the page is asked for."""

    def __init__(self, house: House) -> None:
        """Make a board without figures.

        Args:
            house: whose figures.
        """
        self._house = house
        self._guard = threading.Lock()
        self._known: tuple[float, Figures] | None = None

    def figures(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Figures:
        """Give the figures.

        Args:
            now: the clock that says which day it is.

        Returns:
            Figures that are at most five seconds old.
        """
        with self._guard:
            if self._known is None or self._known[0] < time.monotonic():
                self._known = (time.monotonic() + _REMEMBERED_SECONDS, load_figures(self._house, now()))
            return self._known[1]


def load_figures(house: House, now: datetime) -> Figures:
    """Work the figures out.

    Args:
        house: whose figures.
        now: says which day it is.

    Returns:
        One row for each program of a sandbox.
    """
    database: Database = house.database
    with database.transaction_as("lookup") as lookup:
        tenants = list_tenants(lookup)
    rows: list[ProgramFigure] = []
    for tenant in tenants:
        if tenant.sandbox:
            with database.transaction(tenant.tenant_id) as tx:
                rows.extend(_programs(tx, house, now))
    return Figures(tuple(rows), any(not tenant.sandbox for tenant in tenants))


def _programs(tx: Tx, house: House, now: datetime) -> list[ProgramFigure]:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # Ids begin with their milliseconds: the index finds today's without reading older rows.
    first_id = f"{int(midnight.timestamp()) * 1000:012x}".ljust(32, "0")
    found = []
    for live in list_programs(tx):
        program = house.program(tx, live.key)
        scales = {key: wallet.scale for key, wallet in program.wallets.items()}
        members = tx.execute(_MEMBERS, (live.program_id,)).fetchone()
        orders = tx.execute(_ORDERS, (live.program_id, first_id, midnight)).fetchone()
        units = tx.execute(_UNITS, (live.program_id,)).fetchall()
        wallets = tuple(WalletFigure(key, _grouped(amount, scales.get(key, 0))) for key, amount in units)
        found.append(ProgramFigure(_name(program), _count(members), _count(orders), wallets))
    return found


def _name(program: Program) -> str:
    languages = program.definition.languages
    return program.definition.name.in_language(languages[0], languages)


def _count(row: tuple[object, ...] | None) -> str:
    return f"{int(str(row[0])) if row is not None else 0:,}"


def _grouped(amount: int, scale: int) -> str:
    whole, rest = divmod(abs(amount), 10**scale)
    sign = "−" if amount < 0 else ""
    return f"{sign}{whole:,}" + (f".{rest:0{scale}d}" if scale else "")
