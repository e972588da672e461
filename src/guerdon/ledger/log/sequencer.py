"""The sequencer: it gives each committed transaction its place in the log, and signs how far the log is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.infra.outbox import relay
from guerdon.infra.outbox.relay import Consumer
from guerdon.infra.rounds import Rounds, Worker
from guerdon.infra.tx import Tx
from guerdon.ledger.log.growing import LEAVES_AT_ONCE, log_accounts, log_from_the_beginning
from guerdon.ledger.log.signing import Signer, find_last_signed, sign_head
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import find_tenant, list_tenants

CONSUMER: Final = Consumer("log")
_PARCELS: Final = 5_000
_PAUSE: Final = timedelta(milliseconds=500)
SIGNED_EVERY: Final = timedelta(seconds=10)
"""A head that grew is signed so often, and on demand."""


def origin_of(tx: Tx, program_key: str) -> str:
    """Name a program's log, as checkpoints do.

    Args:
        tx: bound to the tenant.
        program_key: the program's key.

    Returns:
        Such as `guerdon/main/club`.
    """
    tenant = find_tenant(tx)
    return f"guerdon/{tenant.key if tenant is not None else ''}/{program_key}"


class Sequencer:
    """Keeps the logs of all programs of all tenants; of several processes one is at it."""

    def __init__(
        self,
        database: Database,
        signer_of: Callable[[int], Signer],
        clock: Callable[[], datetime],
        rounds: Rounds | None = None,
        signed_every: timedelta = SIGNED_EVERY,
    ) -> None:
        """Describe it; nothing runs before `start`.

        Args:
            database: where journal, outbox and log are.
            signer_of: gives what a tenant signs with, by its number.
            clock: tells the time.
            rounds: where it is noted how each round went.
            signed_every: how soon a head that grew is signed again.
        """
        self._database = database
        self._signed_every = signed_every
        self._signer_of = signer_of
        self._clock = clock
        self._is_registered = False
        self._begun: set[tuple[int, int]] = set()
        pause_seconds = _PAUSE.total_seconds()
        round_ = (rounds or Rounds(clock)).add("log", pause_seconds)
        self._worker = Worker(round_, pause_seconds, self._round)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End after the present round."""
        self._worker.stop()

    def _round(self) -> bool:
        more = self.catch_up()
        if not more:
            self.sign_due()
        return more

    def catch_up(self) -> bool:
        """Log what one page of the outbox tells of.

        Returns:
            Whether there may be more at once.

        Raises:
            Problem: `database_unavailable`.
        """
        if not self._is_registered:
            # First of all, so that the outbox keeps whatever the beginning does not see.
            with self._database.transaction_as("relay") as tx:
                relay.register(tx, CONSUMER)
            self._is_registered = True
        self._begin_all()
        with self._database.transaction_as("relay") as tx:
            cursor = relay.lock(tx, CONSUMER)
            if cursor is None:
                return False
            parcels = relay.read(tx, cursor, _PARCELS)
            accounts: dict[tuple[int, int], list[int]] = {}
            for one in parcels:
                if one.account_id:
                    accounts.setdefault((one.tenant_id, one.program_id), []).append(one.account_id)
            for (tenant_id, program_id), some in accounts.items():
                self._log(tenant_id, program_id, some)
            if parcels:
                relay.move(tx, cursor, parcels[-1].place)
            elif not cursor.place.is_between:
                relay.move(tx, cursor, cursor.horizon)
            relay.prune(tx)
        return len(parcels) == _PARCELS

    def sign_due(self) -> int:
        """Sign the heads that grew since they were signed, unless that was a moment ago.

        Returns:
            How many were signed.

        Raises:
            Problem: `log_key_lost` for the first log that cannot be signed, once all others are.
        """
        signed, now = 0, self._clock()
        fault: Problem | None = None
        for tenant_id, program_id in sorted(self._begun):
            with self._database.transaction(tenant_id) as tx:
                last = find_last_signed(tx, program_id)
                if last is not None and now - last.signed_at < self._signed_every:
                    continue
                key = next(one.key for one in list_programs(tx) if one.program_id == program_id)
                try:
                    head = sign_head(tx, self._signer_of(tenant_id), program_id, origin_of(tx, key), now)
                except Problem as problem:
                    fault = fault or problem
                    continue
                signed += last is None or head.size > last.size
        if fault is not None:
            raise fault
        return signed

    def _begin_all(self) -> None:
        with self._database.transaction_as("lookup") as lookup:
            tenants = [tenant.tenant_id for tenant in list_tenants(lookup)]
        for tenant_id in tenants:
            with self._database.transaction(tenant_id) as tx:
                programs = [one.program_id for one in list_programs(tx)]
            for program_id in programs:
                if (tenant_id, program_id) not in self._begun and not self._worker.is_stopping:
                    self._begin(tenant_id, program_id)

    def _begin(self, tenant_id: int, program_id: int) -> None:
        # Under the cursor, so that nobody else adds to this log meanwhile.
        with self._database.transaction_as("relay") as relay_tx:
            if relay.lock(relay_tx, CONSUMER) is None:
                return
            with self._database.transaction(tenant_id) as tx:
                for _ in log_from_the_beginning(tx, program_id, self._clock()):
                    pass
        self._begun.add((tenant_id, program_id))

    def _log(self, tenant_id: int, program_id: int, accounts: Sequence[int]) -> None:
        while True:
            with self._database.transaction(tenant_id) as tx:
                if log_accounts(tx, program_id, accounts, self._clock()) < LEAVES_AT_ONCE:
                    return
