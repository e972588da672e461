"""The thread that counts what waits after a definition changed: page by page, beside whoever is served."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from guerdon.engine.compiled import CompiledPrograms, Live
from guerdon.engine.counting.facts import Read
from guerdon.engine.counting.recount import Counting, behind, recount
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from guerdon.infra.rounds import Rounds, Worker
from guerdon.infra.tx import Tx
from guerdon.members.accounts import count_behind, list_behind, lock_accounts
from guerdon.members.crypto import Vault
from guerdon.programs.programs import LiveVersion, Version, ask_live, hold_version, list_programs
from guerdon.programs.tenants import list_tenants

_LOG = structlog.get_logger(__name__)
_PAGE: Final = 50
_PAUSE_SECONDS: Final = 2.0


class Waiting(NamedTuple):
    """How far the metrics of a program are counted."""

    behind: int
    """Accounts that are not counted yet."""
    accounts: int
    """All accounts that could wait."""


def waiting(tx: Tx, live: Version) -> Waiting:
    """Tell how many accounts wait for their metrics to be counted by the live version.

    Args:
        tx: bound to the tenant.
        live: the version.

    Returns:
        How many wait, of how many.
    """
    accounts = count_behind(tx, live.program_id, live.version + 1)
    return Waiting(count_behind(tx, live.program_id, live.metrics_since), accounts)


class Recounter:
    """Counts accounts to which nothing happens; others are counted before their next decision."""

    def __init__(
        self,
        database: Database,
        programs: CompiledPrograms,
        read: Read,
        vault: Callable[[int], Vault],
        rounds: Rounds,
    ) -> None:
        """Describe it; nothing runs before `start`.

        Args:
            database: where accounts and events are.
            programs: the compiled programs of the engine beside.
            read: reads stored events.
            vault: gives a tenant's keys.
            rounds: where it is noted how each round went.
        """
        self._database = database
        self._programs = programs
        self._vault = vault
        self._done: set[tuple[int, int]] = set()
        self._read = read
        self._worker = Worker(rounds.add("metrics", _PAUSE_SECONDS), _PAUSE_SECONDS, self.work)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End after the present page."""
        self._worker.stop()

    def work(self) -> bool:
        """Count a page of accounts of each program that has any waiting.

        Returns:
            Whether there may be more at once.
        """
        more = False
        with self._database.transaction_as("lookup") as lookup:
            tenants = [one.tenant_id for one in list_tenants(lookup)]
        for tenant_id in tenants:
            with self._database.transaction(tenant_id) as tx:
                programs = list_programs(tx)
            for program in programs:
                if self._worker.is_stopping:
                    return False
                more |= self._page(tenant_id, program)
        return more

    def _page(self, tenant_id: int, program: LiveVersion) -> bool:
        """Count one page of a program's accounts, and tell whether there may be more."""
        place = (program.program_id, program.version)
        if place in self._done:
            return False
        key = (tenant_id, program.key)
        live = self._programs.find(key)
        if live is None or live.program.version != program.version:
            live = self._programs.load(key)
        began = time.perf_counter()
        with self._database.transaction(tenant_id) as tx:
            counted = self._count(tx, self._vault(tenant_id), live)
        if counted:
            # As long as it worked it rests, so that it takes no more than half of what is there.
            time.sleep(min(time.perf_counter() - began, 1.0))
            return True
        if live.program.version == program.version and counted is not None:
            self._done.add(place)
        return False

    def _count(self, tx: Tx, vault: Vault, live: Live) -> int | None:
        """Count a page; None where another version became live."""
        hold_version(tx, live.program_id)
        line = ask_live(tx, live.program.key)()
        if line is None or line.version != live.program.version:
            return None
        ids = list_behind(tx, live.program_id, live.metrics_since, _PAGE)
        counting = Counting(vault, live.program, live.recorded, live.metrics_since, self._read)
        # Others may have counted some while their locks were waited for.
        rows = behind(counting, lock_accounts(tx, live.program_id, ids).values())
        if rows:
            recount(tx, counting, rows)
            failpoints.reach("metrics_counted")
            _LOG.info("metrics_counted", program=live.program.key, accounts=len(rows))
        return len(ids)
