"""The Merkle log of a world: gap-free, with one head that only grows, and proofs that hold."""

from __future__ import annotations

import random
import secrets
import time
from datetime import UTC, datetime

from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.ledger import log
from guerdon.ledger.log.audit import check_logs
from guerdon.ledger.log.growing import load_head
from guerdon.ledger.log.proving import consistency_proof, find_placed, inclusion_paths
from guerdon.programs.programs import list_programs
from guerdon.rules.proofs.merkle import is_consistent, is_included

PROOFS = 20
"""Transactions whose proofs are tried at each look."""
PATIENCE_SECONDS = 60
_COUNTS = """
select (select count(*) from transactions where program_id = %s)
    + (select coalesce(sum(through_seq), 0) from moved_accounts where program_id = %s),
    (select count(*) from log_leaves where program_id = %s)
"""
_ALL_LOGGED = """
select (select count(*) from transactions) + (select coalesce(sum(through_seq), 0) from moved_accounts)
    = (select count(*) from log_leaves)
"""
"""What moved into files counts as well."""


class Watch:
    """Remembers every head that it saw: later ones must begin with them."""

    def __init__(self, chance: random.Random) -> None:
        """Begin with nothing seen.

        Args:
            chance: chooses the transactions that are proved.
        """
        self.chance = chance
        self.heads: dict[int, tuple[int, bytes]] = {}
        self.proofs = 0
        """How many were tried so far."""

    def look(self, database: Database, tenant_id: int) -> list[str]:
        """Look at all logs of a tenant; everything that is committed must be in them.

        Args:
            database: the engine's.
            tenant_id: whose.

        Returns:
            What does not hold, in sentences.
        """
        with database.transaction(tenant_id) as tx:
            tx.execute("set transaction isolation level repeatable read")
            faults = [f"log: {one}" for one in check_logs(tx)]
            for program in list_programs(tx):
                faults += self._program(tx, program.program_id)
        return faults

    def _program(self, tx: Tx, program_id: int) -> list[str]:
        posted, logged = tx.execute(_COUNTS, (program_id,) * 3).fetchall()[0]
        faults = [] if posted == logged else [f"log: {logged} of {posted} transactions are in it"]
        head = load_head(tx, program_id)
        new, old = (head.size, head.root), self.heads.get(program_id)
        if old is not None and old[0] > head.size:
            return [*faults, f"log: it had {old[0]} leaves and has {head.size}"]
        if old is not None:
            proof = consistency_proof(tx, program_id, old[0], head.size)
            if not is_consistent(old, new, proof):
                faults.append(f"log: {new} does not begin with {old}")
        self.heads[program_id] = new
        return faults + self._proofs(tx, program_id, new)

    def _proofs(self, tx: Tx, program_id: int, head: tuple[int, bytes]) -> list[str]:
        some = sorted(self.chance.sample(range(head[0]), min(head[0], PROOFS)))
        query = "select position, transaction_id, hash from log_leaves where program_id = %s"
        query += " and position = any(%s::bigint[]) order by position"
        rows = tx.execute(query, (program_id, some)).fetchall()
        faults = [] if [row[0] for row in rows] == some else [f"log: of {some} there are {len(rows)}"]
        if faults:
            return faults
        for row, path in zip(rows, inclusion_paths(tx, program_id, some, head[0]), strict=True):
            position, transaction_id, leaf = row
            placed = find_placed(tx, program_id, transaction_id)
            if placed is None or not is_included(leaf, (placed.position, head[0]), path, head[1]):
                faults.append(f"log: the proof of {transaction_id} at {position} does not hold")
        self.proofs += len(some)
        return faults


def wait_logged(database: Database, tenant_id: int) -> None:
    """Wait until a served engine's sequencer has logged what is committed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with database.transaction(tenant_id) as tx:
            if tx.execute(_ALL_LOGGED).fetchone() == (True,):
                return
        time.sleep(0.1)


class Logger:
    """A sequencer by hand, for worlds that are played in this process."""

    def __init__(self, database: Database, master_key: bytes) -> None:
        """Make one; it works when it is told to.

        Args:
            database: the engine's.
            master_key: from which its keys follow.
        """
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._master_key = master_key
        self._sequencer = log.Sequencer(database, self.signer, lambda: self.now)

    def log_all(self, database: Database, tenant_id: int, now: datetime) -> None:
        """Log and sign all that is committed.

        Args:
            database: the engine's.
            tenant_id: whose.
            now: when.
        """
        self.now = now
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self._sequencer.catch_up()
            with database.transaction(tenant_id) as tx:
                if tx.execute(_ALL_LOGGED).fetchone() == (True,):
                    break
        self._sequencer.sign_due()

    def signer(self, tenant_id: int) -> log.Signer:
        """Give who signs for a tenant.

        Args:
            tenant_id: whose logs.

        Returns:
            The signer.
        """
        return log.Signer(self._master_key, tenant_id, secrets.token_bytes)
