"""A world whose logs are anchored on a chain of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from guerdon.connect.chain import stored
from guerdon.connect.chain.anchoring import transact
from guerdon.connect.chain.contract import Contract, creation_code, log_id_of
from guerdon.connect.chain.keeper import Keeper, Where
from guerdon.connect.chain.places import Chain
from guerdon.connect.chain.rpc import Node
from guerdon.connect.chain.signing import Key, made_at
from guerdon.connect.chain.stored import Anchor
from guerdon.infra.rounds import Rounds
from guerdon.ledger import log
from tests.rooms.chain.anvil import CHAIN_ID, OWNER, Anvil
from tests.rooms.engine.conftest import TENANT, World, world
from tests.rooms.ledger.test_log import program_of, sequencer, settle, signer

__all__ = ["world"]

ORIGIN = "guerdon/test/club"
LOG = log_id_of(ORIGIN)
CONFIRMATIONS = 3


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, **of: int) -> None:
        self.now += timedelta(**of)


class Anchored:
    """A world, its chain and what anchors it, a round at a time."""

    def __init__(self, world: World, anvil: Anvil, contract: bytes) -> None:
        self.world, self.anvil, self.clock = world, anvil, Clock()
        self.chain = Chain(anvil.url, CHAIN_ID, contract, CONFIRMATIONS)
        self.key = Key.read(OWNER)
        self.keeper = self.make_keeper()
        self.people = 0

    def make_keeper(self, rounds: Rounds | None = None) -> Keeper:
        where = Where((self.chain, self.key), None, timedelta(hours=1), pause_seconds=0.05)
        return Keeper(self.world.database, self.clock, where, rounds)

    def grow(self) -> int:
        """Have something happen, and the log signed after it."""
        self.people += 1
        self.world.enrol(f"p{self.people}")
        self.world.ask(self.world.order("12.50", f"p{self.people}"), self.world.order("3", f"p{self.people}"))
        settle(sequencer(self.world.database), self.world)
        with self.world.database.transaction(TENANT) as tx:
            head = log.sign_head(tx, signer(TENANT), program_of(self.world), ORIGIN, self.clock())
        self.clock.on(hours=1)
        return head.size

    def rows(self) -> list[Anchor]:
        with self.world.database.transaction(TENANT) as tx:
            return stored.list_all(tx, program_of(self.world), self.chain.place)

    def row(self) -> Anchor:
        return self.rows()[-1]

    def on_chain(self) -> list[int]:
        """Sizes as the contract has them, each of which must have the log's own root."""
        with Node(self.anvil.url) as node, self.world.database.transaction(TENANT) as tx:
            contract = Contract(node, self.chain.contract)
            size, found = contract.last_size(LOG), []
            while size:
                one = contract.find(LOG, size)
                assert one is not None
                assert one.root == log.root_at(tx, program_of(self.world), size)
                found.append(size)
                size = one.follows
        return found[::-1]

    def step(self) -> Anchor:
        """A round, and a block after it."""
        self.keeper.carry()
        self.anvil.mine()
        return self.row()

    def until(self, state: str) -> Anchor:
        for _ in range(20):
            if self.step().state == state:
                return self.row()
        raise AssertionError(f"never {state}: {self.row()}")


@pytest.fixture(scope="module")
def one_anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anvil]:
    running = Anvil(tmp_path_factory.mktemp("chain"))
    running.start()
    yield running
    running.stop()


def deploy(anvil: Anvil) -> bytes:
    key = Key.read(OWNER)
    with Node(anvil.url) as node:
        address = made_at(key.address, node.nonce(key.address))
        transact(node, key, CHAIN_ID, creation_code())
        anvil.mine()
        assert Contract(node, address).owner() == key.address
    return address


@pytest.fixture
def anvil(one_anvil: Anvil) -> Anvil:
    """The chain, with nothing waiting; blocks come when a test says so."""
    one_anvil.forget_pool()
    return one_anvil


@pytest.fixture
def anchored(world: World, anvil: Anvil) -> Anchored:
    return Anchored(world, anvil, deploy(anvil))
