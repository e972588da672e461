"""Figures that the database knows: what waits, how old it is, what was given up."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

import structlog
from anyio import to_thread
from prometheus_client import CollectorRegistry, Gauge, Info

from guerdon.base.errors import Problem
from guerdon.connect.webhooks.deliveries import count_states
from guerdon.connect.witness.watching import Watch, look
from guerdon.infra.db import Database
from guerdon.infra.outbox import relay
from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import Due, list_due
from guerdon.members.standing import list_due_tiers
from guerdon.programs.programs import list_programs, list_retired
from guerdon.programs.tenants import list_tenants

_LOG = structlog.get_logger(__name__)
_BELIEVED_SECONDS: Final = 10.0
_LOOKED_AT: Final = 1_000
_STATES: Final = ("waiting", "dead")
NAN: Final = math.nan


class StandingFigures:
    """Asks the database when somebody looks, at most every ten seconds."""

    def __init__(self, database: Database, registry: CollectorRegistry) -> None:
        """Make figures that know nothing yet.

        Args:
            database: whom to ask.
            registry: where they are shown.
        """
        self._database = database
        self._asked_at = -math.inf
        Info("guerdon", "What runs here.", registry=registry).info({"version": version("guerdon")})

        def gauge(name: str, words: str, labels: Sequence[str] = ()) -> Gauge:
            return Gauge(f"guerdon_{name}", words, labels, registry=registry)

        self._up = gauge("database_up", "Whether the database answered, 1 or 0.")
        self._outbox = gauge("outbox_events", "Events whose notices wait to be told, 10,000 at most.")
        self._lag = gauge("outbox_lag_seconds", "Age of the oldest of them, 0 where none waits.")
        self._deliveries = gauge("deliveries", "Deliveries to webhooks, by state.", ("state",))
        self._oldest = gauge("delivery_oldest_seconds", "Age of the oldest delivery that waits.")
        self._quarantined = gauge("quarantined_commands", "Commands in quarantine.")
        words = "Accounts that time has changed and no tick has booked, 1,000 at most for each program."
        self._due = gauge("ticks_due_accounts", words)
        self._alarms = gauge("witness_alarms", "Heads of watched logs that do not fit what was seen.")
        self._refusals = gauge("witness_refusals", "Witnesses that say a log here is another than they saw.")
        self._behind = gauge(
            "witness_behind_seconds", "Since when a witness could not be told, 0 where none."
        )

    async def look(self) -> None:
        """Bring the figures up to date; without a database they are NaN, and `guerdon_database_up` is 0."""
        if time.monotonic() - self._asked_at < _BELIEVED_SECONDS:
            return
        self._asked_at = time.monotonic()
        await to_thread.run_sync(self._ask, datetime.now(UTC))

    def _ask(self, now: datetime) -> None:
        try:
            with self._database.transaction_as("relay") as tx:
                oldest, events = relay.oldest(tx)
                states = {state: (number, since) for state, number, since in count_states(tx)}
            quarantined, due, watches = self._by_tenant(now)
        except Problem as problem:
            _LOG.warning("figures_missing", code=problem.code)
            self._up.set(0)
            for one in (self._outbox, self._lag, self._oldest, self._quarantined, self._due):
                one.set(NAN)
            for one in (self._alarms, self._refusals, self._behind):
                one.set(NAN)
            for state in _STATES:
                self._deliveries.labels(state).set(NAN)
            return
        self._up.set(1)
        self._outbox.set(events)
        self._lag.set(_age(oldest, now))
        for state in _STATES:
            self._deliveries.labels(state).set(states.get(state, (0, None))[0])
        self._oldest.set(_age(states.get("waiting", (0, None))[1], now))
        self._quarantined.set(quarantined)
        self._due.set(due)
        self._alarms.set(sum(one.alarms for one in watches))
        self._refusals.set(sum(one.refusals for one in watches))
        behind = [one.behind_since for one in watches if one.behind_since is not None]
        self._behind.set(_age(min(behind, default=None), now))

    def _by_tenant(self, now: datetime) -> tuple[int, int, list[Watch]]:
        with self._database.transaction_as("lookup") as lookup:
            tenants = list_tenants(lookup)
        quarantined = due = 0
        watches = []
        for tenant in tenants:
            with self._database.transaction(tenant.tenant_id) as tx:
                row = tx.execute("select count(*) from quarantine").fetchone()
                quarantined += row[0] if row is not None else 0
                watches.append(look(tx))
                # A sandbox has a clock of its own, which nobody winds here.
                due += 0 if tenant.sandbox else _due(tx, now)
        return quarantined, due, watches


def _due(tx: Tx, now: datetime) -> int:
    count = 0
    for one in list_programs(tx):
        wallets = list_due(tx, Due(one.program_id, now, list_retired(tx, one)), 0, _LOOKED_AT)
        count += len({*wallets, *list_due_tiers(tx, one.program_id, now, _LOOKED_AT)})
    return count


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0
