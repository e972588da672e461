"""The contract itself: who may say what, what it proves, and that its bytes are those of its source."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from guerdon.base.errors import Problem
from guerdon.connect.chain.anchoring import transact
from guerdon.connect.chain.contract import (
    Contract,
    anchor_data,
    call_data,
    creation_code,
    offer_data,
    take_data,
)
from guerdon.connect.chain.keccak import keccak256
from guerdon.connect.chain.rpc import Node
from guerdon.connect.chain.signing import Key, Wish, address_text, read_address
from guerdon.ledger import log
from guerdon.rules.proofs.merkle import EMPTY_ROOT
from tests.architecture.source import ROOT
from tests.rooms.chain.anvil import CHAIN_ID, HEIR, OWNER, Anvil
from tests.rooms.chain.conftest import LOG, Anchored, deploy
from tests.rooms.engine.conftest import TENANT
from tests.rooms.ledger.test_log import program_of

CONTRACTS = ROOT / "src/guerdon/connect/chain/contracts"
ROOT_1, ROOT_2 = b"\x01" * 32, b"\x02" * 32


class Talk:
    """What two people say to one contract."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil, self.address = anvil, deploy(anvil)
        self.owner, self.heir = Key.read(OWNER), Key.read(HEIR)

    def say(self, key: Key, data: bytes) -> None:
        with Node(self.anvil.url) as node:
            transact(node, key, CHAIN_ID, data, self.address)
        self.anvil.mine()

    def refused(self, key: Key, data: bytes) -> str:
        with pytest.raises(Problem) as caught:
            self.say(key, data)
        return caught.value.detail.rpartition("reverted: ")[2]

    def ask(self, node: Node) -> Contract:
        return Contract(node, self.address)


@pytest.fixture
def talk(anvil: Anvil) -> Talk:
    return Talk(anvil)


def test_only_the_owner_anchors_and_sizes_only_grow(talk: Talk) -> None:
    assert talk.refused(talk.heir, anchor_data(LOG, 5, ROOT_1)) == "only the owner anchors"
    talk.say(talk.owner, anchor_data(LOG, 5, ROOT_1))
    for size in (0, 4, 5):
        assert talk.refused(talk.owner, anchor_data(LOG, size, ROOT_2)) == "sizes only grow"
    assert talk.refused(talk.owner, anchor_data(LOG, 6, bytes(32))) == "a root is not empty"
    talk.say(talk.owner, anchor_data(LOG, 2**63, ROOT_2))
    other = keccak256(b"another log")
    talk.say(talk.owner, anchor_data(other, 1, ROOT_1))
    with Node(talk.anvil.url) as node:
        contract = talk.ask(node)
        first, second = contract.find(LOG, 5), contract.find(LOG, 2**63)
        assert (first and (first.root, first.follows)) == (ROOT_1, 0)
        assert (second and (second.root, second.follows)) == (ROOT_2, 5)
        assert (contract.last_size(LOG), contract.last_size(other)) == (2**63, 1)
        assert contract.find(LOG, 6) is None
        block = node.block()
        assert second is not None
        assert block is not None
        assert second.block_number == block.number - 1


def test_each_anchor_is_an_event(talk: Talk) -> None:
    talk.say(talk.owner, anchor_data(LOG, 5, ROOT_1))
    wanted = {"address": "0x" + talk.address.hex(), "fromBlock": "earliest", "toBlock": "latest"}
    made, told = talk.anvil.ask("eth_getLogs", wanted)
    assert made["topics"][0] == "0x" + keccak256(b"OwnerChanged(address,address)").hex()
    signature = "0x" + keccak256(b"Anchored(bytes32,uint64,bytes32,uint64)").hex()
    assert told["topics"] == [signature, "0x" + LOG.hex(), "0x" + (5).to_bytes(32, "big").hex()]
    assert told["data"] == "0x" + ROOT_1.hex() + bytes(32).hex()


def test_the_owner_changes_in_two_steps(talk: Talk) -> None:
    assert talk.refused(talk.heir, take_data()) == "only the heir takes"
    assert talk.refused(talk.heir, offer_data(talk.heir.address)) == "only the owner offers"
    talk.say(talk.owner, offer_data(talk.heir.address))
    with Node(talk.anvil.url) as node:
        assert (talk.ask(node).owner(), talk.ask(node).heir()) == (talk.owner.address, talk.heir.address)
    assert talk.refused(talk.owner, take_data()) == "only the heir takes"
    talk.say(talk.owner, offer_data(bytes(20)))
    assert talk.refused(talk.heir, take_data()) == "only the heir takes", "it was taken back"
    talk.say(talk.owner, offer_data(talk.heir.address))
    talk.say(talk.heir, take_data())
    with Node(talk.anvil.url) as node:
        assert (talk.ask(node).owner(), talk.ask(node).heir()) == (talk.heir.address, bytes(20))
    assert talk.refused(talk.owner, anchor_data(LOG, 1, ROOT_1)) == "only the owner anchors"
    talk.say(talk.heir, anchor_data(LOG, 1, ROOT_1))


def test_the_chain_itself_checks_proofs_of_real_transactions(anchored: Anchored) -> None:
    sizes = []
    for _ in range(2):
        for _ in range(2):
            anchored.grow()
        anchored.until("mined")
        sizes.append(anchored.row().size)
        anchored.until("final")
    with Node(anchored.anvil.url) as node, anchored.world.database.transaction(TENANT) as tx:
        contract = Contract(node, anchored.chain.contract)
        program_id = program_of(anchored.world)
        rows = tx.execute("select position, hash from log_leaves order by position").fetchall()
        for size in sizes:
            paths = log.inclusion_paths(tx, program_id, range(size), size)
            for (position, leaf), path in zip(rows[:size], paths, strict=True):
                assert contract.proves(LOG, (position, size), leaf, path)
                # Everything about it matters.
                assert not contract.proves(LOG, (position, size), EMPTY_ROOT, path)
                assert not contract.proves(LOG, ((position + 1) % size, size), leaf, path)
                assert not contract.proves(LOG, (position, size), leaf, path[:-1])
                assert not contract.proves(LOG, (position, size), leaf, [*path, EMPTY_ROOT])
                assert not contract.proves(LOG, (position, size + 1), leaf, path)
                assert not contract.proves(EMPTY_ROOT, (position, size), leaf, path)
                assert not contract.proves(LOG, (position, size), leaf, [EMPTY_ROOT, *path[1:]])
        assert not contract.proves(LOG, (sizes[0], sizes[0]), rows[0][1], [])


def test_a_place_without_the_contract_is_told(anvil: Anvil) -> None:
    with Node(anvil.url) as node, pytest.raises(Problem) as caught:
        Contract(node, b"\x11" * 20).owner()
    assert caught.value.code == "chain_contract_missing"


def test_compiling_the_source_gives_the_committed_bytes(tmp_path: Path) -> None:
    subprocess.run([ROOT / "scripts/contract", tmp_path], check=True, timeout=110)
    for name in ("Anchors.abi.json", "Anchors.bin"):
        assert (tmp_path / name).read_bytes() == (CONTRACTS / name).read_bytes(), name


def test_the_abi_has_what_is_called() -> None:
    abi = json.loads((CONTRACTS / "Anchors.abi.json").read_text(encoding="utf-8"))
    selectors = {
        keccak256(f"{one['name']}({','.join(given['type'] for given in one['inputs'])})".encode())[:4]
        for one in abi
        if one["type"] == "function"
    }
    called = {
        anchor_data(LOG, 1, LOG)[:4],
        offer_data(bytes(20))[:4],
        take_data(),
        *(call_data(text) for text in ("owner()", "heir()", "last_size(bytes32)", "anchors(bytes32,uint64)")),
        call_data("verify(bytes32,uint64,bytes32,uint64,bytes32[])"),
    }
    assert called == selectors
    assert all(selector in creation_code() for selector in selectors)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_keccak_has_its_published_values(data: bytes, expected: str) -> None:
    assert keccak256(data).hex() == expected


@pytest.mark.parametrize("length", [0, 1, 135, 136, 137, 271, 272, 1000])
def test_keccak_is_what_the_chain_hashes(anvil: Anvil, length: int) -> None:
    data = bytes(place * 7 % 256 for place in range(length))
    assert anvil.ask("web3_sha3", "0x" + data.hex()) == "0x" + keccak256(data).hex()


def test_the_chain_finds_the_signer_of_whatever_is_signed(anvil: Anvil) -> None:
    for number in range(1, 13):
        key = Key(number * 7919**5)
        anvil.ask("anvil_setBalance", "0x" + key.address.hex(), hex(10**18))
        sent = key.sign(Wish(CHAIN_ID, 0, 1, 10**10 + number, 90_000, bytes(19) + b"\x09", bytes(5 * number)))
        assert anvil.ask("eth_sendRawTransaction", "0x" + sent.raw.hex()) == "0x" + sent.hash.hex()
        found = anvil.ask("eth_getTransactionByHash", "0x" + sent.hash.hex())
        assert found["from"] == "0x" + key.address.hex()


@pytest.mark.parametrize(
    "text",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_addresses_of_eip_55(text: str) -> None:
    assert address_text(read_address(text)) == text
    assert read_address(text.lower()) == read_address(text)
    with pytest.raises(ValueError, match="a digit is wrong"):
        read_address("0x" + text[2:].swapcase())


@pytest.mark.parametrize("text", ["", "0x12", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x" + "g" * 40])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_address(text)
