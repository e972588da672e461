"""Anchoring in the background: what is due is asked for, and what was asked for is brought to its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.connect.chain import stamping, stored
from guerdon.connect.chain.anchoring import Carrier
from guerdon.connect.chain.places import Authority, Chain, find_authority, find_chain, load_key
from guerdon.connect.chain.rpc import Node
from guerdon.connect.chain.signing import Key
from guerdon.connect.chain.stored import Anchor, Waiting
from guerdon.infra.db import Database
from guerdon.infra.rounds import Rounds, Worker
from guerdon.infra.settings import Settings
from guerdon.infra.tx import Tx
from guerdon.ledger.log import origin_of
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import list_tenants
from guerdon.rules.proofs.notes import Checkpoint

_PAUSE_SECONDS: Final = 15.0
_ROUNDS: Final = ("anchors_chain", "anchors_authority")
_ALONE: Final = "select pg_try_advisory_xact_lock(hashtextextended(%s, 6962))"


class Where(NamedTuple):
    """Where anchors go, and how often."""

    chain: tuple[Chain, Key] | None
    authority: Authority | None
    every: timedelta
    pause_seconds: float = _PAUSE_SECONDS
    """Between two looks."""


def find_where(settings: Settings) -> Where | None:
    """Read where anchors go.

    Args:
        settings: of this process.

    Returns:
        The places, None where none is configured.

    Raises:
        Problem: `settings_invalid`.
    """
    chain, authority = find_chain(settings), find_authority(settings)
    if chain is None and authority is None:
        return None
    signed = None if chain is None else (chain, load_key(settings))
    return Where(signed, authority, timedelta(minutes=settings.anchor_every_minutes))


def list_places(settings: Settings) -> list[str]:
    """Name the places where anchors go; no key is read.

    Args:
        settings: of this process.

    Returns:
        The chain's contract before the authority; nothing where none is configured.

    Raises:
        Problem: `settings_invalid`.
    """
    found = (find_chain(settings), find_authority(settings))
    return [one.place for one in found if one is not None]


def anchor_now(tx: Tx, settings: Settings, program_id: int, now: datetime) -> list[Anchor]:
    """Ask each place of the settings to be told of a log's newest signed head.

    Args:
        tx: bound to the tenant.
        settings: of this process.
        program_id: whose log.
        now: the instant.

    Returns:
        What stands for that head now at each place; `hurry` brings it on its way once this is committed.

    Raises:
        Problem: `anchor_not_configured` or `settings_invalid`.
    """
    places = list_places(settings)
    if not places:
        detail = "no place for anchors is named in the settings: set GUERDON_ANCHOR_CHAIN_URL or"
        raise Problem("anchor_not_configured", f"{detail} GUERDON_ANCHOR_AUTHORITY_URL")
    found = (stored.ask_now(tx, program_id, place, now) for place in places)
    return [one for one in found if one is not None]


def hurry(rounds: Rounds) -> None:
    """Let what anchors look at once, where it runs in this process.

    Args:
        rounds: of this process.
    """
    for name in _ROUNDS:
        found = rounds.find(name)
        if found is not None:
            found.ask()


class Keeper:
    """Anchors the logs of all programs of all tenants; of several processes one is at each place."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], where: Where, rounds: Rounds | None = None
    ) -> None:
        """Describe it; nothing runs before `start`.

        Args:
            database: where logs and anchors are.
            clock: tells the time.
            where: where anchors go.
            rounds: where it is noted how each round went.
        """
        self._database = database
        self._clock = clock
        self._where = where
        self._workers = []
        self.works: list[Callable[[], bool]] = []
        """What is done at each place that is configured, a round at a time."""
        known = rounds or Rounds(clock)
        for name, is_wanted, work in (
            (_ROUNDS[0], where.chain, self.carry),
            (_ROUNDS[1], where.authority, self.stamp),
        ):
            if is_wanted is not None:
                round_ = known.add(name, where.pause_seconds)
                self._workers.append(Worker(round_, where.pause_seconds, work))
                self.works.append(work)

    def start(self) -> None:
        """Begin."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End after the present round."""
        for worker in self._workers:
            worker.stop()

    def carry(self) -> bool:
        """Bring the anchors of the chain one step further.

        Returns:
            False: blocks take their time.

        Raises:
            Problem: `chain_unreachable`, `chain_is_another`, `chain_contract_missing`; it is noted with each
                anchor that waits, too.
        """
        assert self._where.chain is not None, "only a place that is configured has a worker"
        chain, key = self._where.chain
        with self._alone(chain.place) as lock:
            waiting = [] if lock is None else self._waiting(lock, chain.place)
            if lock is None or not waiting:
                return False
            with Node(chain.url) as node:
                carrier = Carrier(self._database, self._clock, chain, key, node)
                try:
                    carrier.carry(waiting, lambda: lock.execute("select 1"))
                except Problem as problem:
                    self._note_all(waiting, problem)
                    raise
        return False

    def stamp(self) -> bool:
        """Have heads stamped that were asked for.

        Returns:
            False: what could be had was had.

        Raises:
            Problem: `authority_unreachable`, `stamp_refused`, `stamp_invalid`, `stamp_wrong`; it is noted
                with each anchor that waits, too.
        """
        authority = self._where.authority
        assert authority is not None, "only a place that is configured has a worker"
        with self._alone(authority.place) as lock:
            waiting = [] if lock is None else self._waiting(lock, authority.place)
            for at, one in enumerate(waiting):
                assert lock is not None, "nothing waits without it"
                lock.execute("select 1")
                head = Checkpoint(one.origin, one.anchor.size, one.anchor.root)
                try:
                    token, stamp = stamping.ask(authority, head)
                except Problem as problem:
                    self._note_all(waiting[at:], problem)
                    raise
                with self._database.transaction(one.tenant_id) as tx:
                    stored.note_stamped(tx, one.anchor, token, stamp.at, self._clock())
        return False

    @contextmanager
    def _alone(self, place: str) -> Iterator[Tx | None]:
        # It reads and writes nothing, so that it does not hold the outbox back however long a node thinks.
        with self._database.transaction_as("lookup") as lock:
            row = lock.execute(_ALONE, (place,)).fetchone()
            yield lock if row is not None and row[0] else None

    def _waiting(self, lookup: Tx, place: str) -> list[Waiting]:
        found = []
        for tenant in list_tenants(lookup):
            with self._database.transaction(tenant.tenant_id) as tx:
                stored.ask_due(tx, place, self._where.every, self._clock())
                waiting = stored.list_open(tx, place)
                keys = {one.program_id: one.key for one in list_programs(tx)} if waiting else {}
                found += [
                    Waiting(tenant.tenant_id, origin_of(tx, keys[one.program_id]), one) for one in waiting
                ]
        return found

    def _note_all(self, waiting: list[Waiting], problem: Problem) -> None:
        for one in waiting:
            with self._database.transaction(one.tenant_id) as tx:
                stored.note_fault(tx, one.anchor, problem, self._clock())
