"""What everybody may read of a program: asked of the database now and then, and by each address so often."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from anyio import to_thread
from fastapi import Request

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.api.coupons.misses import refuse_names
from guerdon.web.house import Premises
from guerdon.wiring import House

T = TypeVar("T")
_REMEMBERED_SECONDS: Final = 2.0
_REMEMBERED: Final = 1_000


class Remembering(Generic[T]):
    """What is published of programs, asked of the database at most every two seconds for each of them."""

    def __init__(self, house: House, load: Callable[[Tx, int, tuple[int, str]], T | None]) -> None:
        """Begin with nothing.

        Args:
            house: whose programs.
            load: reads what is published; it is given the tenant's number, and the program's with its key.
        """
        self._house = house
        self._load = load
        self._known: dict[tuple[str, str], tuple[float, T | None]] = {}

    def find(self, tenant: str, program: str) -> T | None:
        """Find what is published of a program.

        Args:
            tenant: the tenant's key.
            program: the program's.

        Returns:
            It, None where there is no such program or nothing of it is published.

        Raises:
            Problem: `database_unavailable`.
        """
        name = (tenant, program)
        known = self._known.get(name)
        if known is None or known[0] < time.monotonic():
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = (time.monotonic() + _REMEMBERED_SECONDS, self._look(tenant, program))
            self._known[name] = known
        return known[1]

    def _look(self, tenant: str, program: str) -> T | None:
        try:
            tenant_id = tenant_id_of(tenant)
        except Problem:
            return None
        with self._house.database.transaction(tenant_id) as tx:
            found = {one.key: one.program_id for one in list_programs(tx)}.get(program)
            return None if found is None else self._load(tx, tenant_id, (found, program))


async def ask(request: Request, remembered: Remembering[T], what: str, place: tuple[str, str]) -> T | None:
    """Answer somebody who has no key, and bound how often an address asks.

    Args:
        request: from where.
        remembered: what is published.
        what: one word for it, under which questions are counted.
        place: the tenant's key and the program's.

    Returns:
        It, None where there is none.

    Raises:
        Problem: `rate_limited`, `database_unavailable`.
    """
    premises: Premises = request.app.state.premises
    limits, name = premises.doorkeeper.limits, f"{what} from {premises.doorkeeper.address_of(request.scope)}"
    refuse_names(limits, [name])
    limits.count_miss(name)
    return await to_thread.run_sync(remembered.find, *place)
