"""The one place that puts the floors together into a house that runs."""

from __future__ import annotations

import os
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.engine.boards.keeper import BoardKeeper
from guerdon.engine.counting import Recounter
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.engine.replaying.facts import read_fact
from guerdon.engine.ticks import run_due_of, tell_waiting_of
from guerdon.infra.db import Database, open_database
from guerdon.infra.rounds import Rounds
from guerdon.infra.settings import Settings, load_master_key
from guerdon.infra.tx import Tx
from guerdon.insight.rollups import Keeper
from guerdon.ledger.log import Sequencer, Signer
from guerdon.members.crypto import Vault
from guerdon.programs.changes import InUse
from guerdon.programs.keys import ApiKey, NewKey, ensure_key
from guerdon.programs.programs import ask_live, get_version
from guerdon.programs.tenants import ensure_tenant, list_tenants, tenant_id_of
from guerdon.rewards.redemptions import find_open_rewards
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.program import Program

if TYPE_CHECKING:
    from guerdon.connect.chain.keeper import Keeper as Anchors
    from guerdon.connect.webhooks.round import Relay
    from guerdon.connect.witness.round import Tellers

MAIN_TENANT = "main"
"""The tenant of keys that say nothing else."""
_SANDBOX = "GUERDON_SANDBOX"
_PROGRAMS_KEPT = 256
_HELD = """
select distinct wallet from wallets
where program_id = %s and wallet = any(%s::text[]) and (available <> 0 or pending <> 0 or held <> 0)
"""


@dataclass(frozen=True, slots=True)
class Live:
    """A program as it is live."""

    program_id: int
    version: int
    program: Program


class House:
    """Everything below the roof: database, engine, keys of people's data, identifiers."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Put a house together; the engine rests until `start`.

        Args:
            settings: of this process.
            database: open, at the newest migration.
        """
        self.settings = settings
        self.database = database
        self.master_key = load_master_key(settings)
        self.ids = make_ids()
        self.engine = EngineLoop(database, self.master_key, make_ids(), LoopSettings(settings.queue_limit))
        self.deliveries_told: Counter[str] = Counter()
        """Attempts to tell webhooks since the start, by what became of them."""
        self.rounds = Rounds(lambda: datetime.now(UTC))
        """What runs in the background of this process."""
        self.rollups = Keeper(database, lambda: datetime.now(UTC), self.rounds)
        every = timedelta(seconds=settings.sign_every)
        self.log = Sequencer(database, self.signer, lambda: datetime.now(UTC), self.rounds, every)
        """What keeps the Merkle logs."""
        self.metrics = Recounter(database, self.engine.programs, read_fact, self.vault, self.rounds)
        """What counts metrics anew where a definition changed."""
        self.boards = BoardKeeper(database, self.engine.programs, lambda: datetime.now(UTC), self.rounds)
        """What keeps leaderboards."""
        self._relay: Relay | None = None
        self._tellers: Tellers | None = None
        self._anchors: Anchors | None = None
        self._vaults: dict[int, Vault] = {}
        self._programs: dict[tuple[int, int], Program] = {}
        self._guard = threading.Lock()

    def start(self) -> None:
        """Let the engine begin, notices go out, the overview's sums be kept and the logs grow."""
        # First, as their files may be wrong and nothing has to be stopped yet.
        self._anchors = make_anchors(self)
        self._tellers = start_tellers(self)
        self.engine.start()
        self._relay = start_relay(self)
        self.rollups.start()
        self.metrics.start()
        self.boards.start()
        self.log.start()
        if self._anchors is not None:
            self._anchors.start()

    def close(self) -> None:
        """Let the engine finish what it was given, then stop the database."""
        try:
            if self._anchors is not None:
                self._anchors.stop()
            self.log.stop()
            self.boards.stop()
            self.metrics.stop()
            self.rollups.stop()
            if self._tellers is not None:
                self._tellers.stop()
            if self._relay is not None:
                self._relay.stop()
            self.engine.stop()
        finally:
            self.database.close()

    def vault(self, tenant_id: int) -> Vault:
        """Give a tenant's keys for people's data.

        Args:
            tenant_id: whose.

        Returns:
            The keys, derived once.
        """
        found = self._vaults.get(tenant_id)
        if found is None:
            found = self._vaults[tenant_id] = Vault(self.master_key, tenant_id)
        return found

    def signer(self, tenant_id: int) -> Signer:
        """Give what a tenant's logs are signed with.

        Args:
            tenant_id: whose.

        Returns:
            The signer.
        """
        return Signer(self.master_key, tenant_id, secrets.token_bytes)

    def live(self, tx: Tx, key: str) -> Live:
        """Give a program's live version, compiled.

        Args:
            tx: bound to the tenant.
            key: the program's key.

        Returns:
            The program.

        Raises:
            Problem: `program_not_found`.
        """
        line = ask_live(tx, key)()
        if line is None:
            raise Problem("program_not_found", "there is no such program")
        return Live(line.program_id, line.version, self.version(tx, key, (line.program_id, line.version)))

    def version(self, tx: Tx, key: str, place: tuple[int, int]) -> Program:
        """Give any version of a program, compiled.

        Args:
            tx: bound to the tenant.
            key: the program's key.
            place: the program and the version's number.

        Returns:
            The version as it was.

        Raises:
            Problem: `program_not_found` or `version_not_found`.
        """
        program = self._programs.get(place)
        if program is None:
            program = compile_program(load_definition(get_version(tx, key, place[1]).canonical), place[1])
            with self._guard:
                if len(self._programs) >= _PROGRAMS_KEPT:
                    self._programs.clear()
                self._programs[place] = program
        return program

    def program(self, tx: Tx, key: str) -> Program:
        """Give a program, compiled.

        Args:
            tx: bound to the tenant.
            key: the program's key.

        Returns:
            Its live version.

        Raises:
            Problem: `program_not_found`.
        """
        return self.live(tx, key).program

    def in_use(self, tx: Tx, key: str) -> InUse:
        """Tell what people hold of a program, for those who want to change its definition.

        Args:
            tx: bound to the tenant.
            key: the program's key, which may be new.

        Returns:
            Questions that are asked only about what a change touches.
        """
        line = ask_live(tx, key)()
        if line is None:
            return InUse()

        def wallets(keys: Collection[str]) -> frozenset[str]:
            return frozenset(row[0] for row in tx.execute(_HELD, (line.program_id, list(keys))))

        return InUse(
            wallets,
            lambda keys: find_open_rewards(tx, line.program_id, keys),
        )

    def run_ticks(self, now: datetime) -> None:
        """Book what time has done to accounts that nobody asked about; a sandbox's time is its own clock's.

        Args:
            now: the instant.

        Raises:
            Problem: the first that anything was refused with, after all tenants were tried.
        """
        with self.database.transaction_as("lookup") as lookup:
            tenants = list_tenants(lookup)
        wrong: list[Problem] = []
        for tenant in tenants:
            # What is wrong in one tenant's program keeps no other tenant from its time.
            try:
                if tenant.sandbox:
                    tell_waiting_of(self.database, self.engine, tenant.tenant_id)
                else:
                    run_due_of(self.database, self.engine, tenant.tenant_id, now)
            except Problem as problem:
                wrong.append(problem)
        if wrong:
            raise wrong[0]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start_relay(house: House) -> Relay:
    """Let notices go out to webhooks.

    Args:
        house: whose.

    Returns:
        What does so until it is stopped.
    """
    # Only a house that runs calls anybody: a client for that takes a tenth of a second to import.
    from guerdon.connect.webhooks.postman import Surroundings
    from guerdon.connect.webhooks.round import Relay
    from guerdon.infra.http import Reach

    chance = random.Random(secrets.token_bytes(32))
    around = Surroundings(
        house.database, house.master_key, lambda: datetime.now(UTC), chance, told=house.deliveries_told
    )
    relay = Relay(around, Reach(allow_loopback=house.settings.allow_loopback), rounds=house.rounds)
    relay.start()
    return relay


def start_tellers(house: House) -> Tellers | None:
    """Let witnesses be told of signed heads.

    Args:
        house: whose.

    Returns:
        What does so until it is stopped; None where the settings name no witness.

    Raises:
        Problem: `settings_invalid`.
    """
    path = house.settings.witnesses
    if path is None:
        return None
    from guerdon.connect.witness.named import read_witnesses
    from guerdon.connect.witness.round import Around, Tellers
    from guerdon.infra.http import Reach

    reach = Reach(allow_loopback=house.settings.allow_loopback)
    witnesses = read_witnesses(path, allow_loopback=reach.allow_loopback)
    chance = random.Random(secrets.token_bytes(32))
    around = Around(house.database, lambda: datetime.now(UTC), chance, reach)
    tellers = Tellers(witnesses, around, house.rounds)
    tellers.start()
    return tellers


def make_anchors(house: House) -> Anchors | None:
    """Make what anchors heads of logs on a chain and has them stamped.

    Args:
        house: whose.

    Returns:
        What does so once it is started; None where the settings name no place.

    Raises:
        Problem: `settings_invalid`.
    """
    given = house.settings
    if given.anchor_chain_url is None and not given.anchor_contract and given.anchor_authority_url is None:
        return None
    from guerdon.connect.chain.keeper import Keeper as Anchors
    from guerdon.connect.chain.keeper import find_where

    where = find_where(given)
    return None if where is None else Anchors(house.database, lambda: datetime.now(UTC), where, house.rounds)


def make_ids() -> IdMaker:
    """Make a maker of identifiers for one thread, from the clock and a generator that is seeded anew.

    Returns:
        The maker.
    """
    # Identifiers are names and no secrets; asking the system for each one's bits costs more than posting an
    # event. Keys, cards and codes draw from the system or from keyed hashes.
    return IdMaker(lambda: time.time_ns() // 1_000_000, random.Random(secrets.token_bytes(32)).getrandbits)


def open_house(settings: Settings, progress: Callable[[str], None] | None = None) -> House:
    """Open the database and put a house on it; the engine rests until `start`.

    Args:
        settings: of this process.
        progress: told in short sentences what a slow start is doing.

    Returns:
        The house.

    Raises:
        Problem: what `open_database` and `load_master_key` raise.
    """
    database = open_database(settings, progress)
    try:
        return House(settings, database)
    except BaseException:
        database.close()
        raise


def ensure_start_key(house: House, presented: str, *, sandbox: bool) -> ApiKey:
    """Make the key of `GUERDON_API_KEY` exist with all scopes in the main tenant.

    Args:
        house: where.
        presented: the key.
        sandbox: whether the tenant honours test clocks, where it is new.

    Returns:
        The key's record.

    Raises:
        Problem: what `ensure_tenant` and `ensure_key` raise.
    """
    now = datetime.now(UTC)
    with house.database.transaction(tenant_id_of(MAIN_TENANT)) as tx:
        ensure_tenant(tx, MAIN_TENANT, "Main", sandbox=sandbox, now=now)
        new = NewKey("GUERDON_API_KEY", ("all",), "system", now)
        return ensure_key(tx, presented, new, house.ids)


def is_sandbox(settings: Settings) -> bool:
    """Tell whether a tenant that is made here honours test clocks.

    Args:
        settings: of this process.

    Returns:
        What `GUERDON_SANDBOX` says (1 or 0); else True where the database is embedded.

    Raises:
        Problem: `settings_invalid`.
    """
    said = os.environ.get(_SANDBOX, "")
    if said not in ("", "0", "1"):
        raise Problem.at("/sandbox", "settings_invalid", f"{_SANDBOX} is 0 or 1")
    return said == "1" if said else settings.database_url is None
