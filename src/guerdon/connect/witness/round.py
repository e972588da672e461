"""The thread behind each witness: it is told of every log's newest head, again and again until it took it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from guerdon.connect.webhooks.postman import Tempo
from guerdon.connect.witness import pushes
from guerdon.connect.witness.named import Witness
from guerdon.connect.witness.pushes import Failure, Head
from guerdon.connect.witness.telling import News, Told, tell
from guerdon.infra.db import Database
from guerdon.infra.http import Outgoing, Reach, Reply
from guerdon.infra.rounds import Rounds, Worker
from guerdon.ledger import log
from guerdon.programs.tenants import list_tenants
from guerdon.rules.proofs.notes import read_unsigned

_LOG = structlog.get_logger(__name__)
_PAUSE_SECONDS: Final = 1.0
TEMPO: Final = Tempo(first=timedelta(seconds=2), factor=3, longest=timedelta(minutes=30))


class Around(NamedTuple):
    """What telling works with."""

    database: Database
    clock: Callable[[], datetime]
    chance: random.Random
    reach: Reach
    tempo: Tempo = TEMPO


class Teller:
    """Tells one witness; of several processes each head is told by one."""

    def __init__(self, witness: Witness, around: Around, rounds: Rounds) -> None:
        """Describe it; nothing runs before `start`.

        Args:
            witness: whom.
            around: database, clock, chance, and how far calls go.
            rounds: where it is noted how each round went.
        """
        self.witness = witness
        self._around = around
        round_ = rounds.add(f"witness {witness.name}", _PAUSE_SECONDS)
        self._worker = Worker(round_, _PAUSE_SECONDS, self._round)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End after the present head."""
        self._worker.stop()

    def _round(self) -> bool:
        self.tell_all()
        return False

    def tell_all(self) -> int:
        """Tell of every log's newest head that the witness has not taken yet.

        Returns:
            How many heads it took.

        Raises:
            Problem: `database_unavailable`.
        """
        with self._around.database.transaction_as("lookup") as lookup:
            tenants = [one.tenant_id for one in list_tenants(lookup)]
        taken = 0
        for tenant_id in tenants:
            with self._around.database.transaction(tenant_id) as tx:
                heads = pushes.list_heads(tx, self.witness.name, self._around.clock())
            for head in heads:
                if not self._worker.is_stopping:
                    taken += self._tell(tenant_id, head)
        return taken

    def _tell(self, tenant_id: int, head: Head) -> bool:
        checkpoint = read_unsigned(head.note)
        if not self.witness.wants(checkpoint.origin) or (
            (head.told_size, head.told_root) == (checkpoint.size, checkpoint.root)
        ):
            return False
        around, name = self._around, self.witness.name
        with around.database.transaction(tenant_id) as tx:
            if not pushes.take(tx, head.program_id, name, around.clock()):
                return False
        news = News(
            checkpoint,
            head.note,
            head.told_size or 0,
            lambda old: self._prove(tenant_id, head, old),
            around.clock(),
        )
        told = tell(self.witness, news, self._post)
        with around.database.transaction(tenant_id) as tx:
            now = around.clock()
            if told.problem:
                pushes.fail(tx, name, head, self._failure(told, head, now), now)
            else:
                pushes.settle(tx, name, head, checkpoint.root, now)
                if told.line:
                    pushes.keep_cosignature(tx, name, head, told.line, now)
        if told.is_refusal:
            _LOG.error("witness_refused", witness=name, log=checkpoint.origin, problem=told.problem)
        return not told.problem

    def _failure(self, told: Told, head: Head, now: datetime) -> Failure:
        pause = self._around.tempo.pause(head.attempts, self._around.chance)
        return Failure(told.problem, now + pause, told.is_refusal)

    def _prove(self, tenant_id: int, head: Head, old: int) -> list[bytes]:
        with self._around.database.transaction(tenant_id) as tx:
            return log.consistency_proof(tx, head.program_id, old, head.size)

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        async def run() -> Reply:
            outgoing = Outgoing(self._around.reach)
            try:
                return await outgoing.post(url, headers, body)
            finally:
                await outgoing.close()

        return asyncio.run(run())


class Tellers:
    """All witnesses of this process."""

    def __init__(self, witnesses: Sequence[Witness], around: Around, rounds: Rounds) -> None:
        """Describe them; nothing runs before `start`.

        Args:
            witnesses: who is told.
            around: database, clock, chance, and how far calls go.
            rounds: where it is noted how each round went.
        """
        self._tellers = [Teller(one, around, rounds) for one in witnesses]

    def start(self) -> None:
        """Begin."""
        for one in self._tellers:
            one.start()

    def stop(self) -> None:
        """End after the present heads."""
        for one in self._tellers:
            one.stop()
