"""Anchors on a real chain: once for each size, found again after reorganisations, crashes and silence."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from guerdon.base.errors import Problem
from guerdon.connect.chain import stored
from guerdon.connect.chain.anchoring import transact
from guerdon.connect.chain.checking import Checker
from guerdon.connect.chain.contract import Contract, anchor_data, call_data
from guerdon.connect.chain.rpc import Node, bytes_of
from guerdon.connect.chain.signing import Key, Wish
from guerdon.infra.rounds import Rounds
from guerdon.ledger.log import root_at
from tests.rooms.chain.anvil import CHAIN_ID, HEIR, OWNER
from tests.rooms.chain.conftest import LOG, Anchored
from tests.rooms.engine.conftest import TENANT
from tests.rooms.ledger.test_log import program_of

GWEI = 10**9


def say(anchored: Anchored, data: bytes) -> None:
    """Have the owner say something behind our back."""
    with Node(anchored.anvil.url) as node:
        transact(node, Key.read(OWNER), CHAIN_ID, data, anchored.chain.contract)


def test_a_signed_head_is_asked_sent_mined_and_final(anchored: Anchored) -> None:
    size = anchored.grow()
    anchored.keeper.carry()
    sent = anchored.row()
    assert (sent.state, sent.size, sent.sender, len(sent.sent)) == ("sent", size, anchored.key.address, 1)
    (waiting,) = anchored.anvil.pool()
    assert bytes_of(waiting["hash"]) == sent.sent[0]
    anchored.keeper.carry()
    assert len(anchored.anvil.pool()) == 1, "what waits is not said again"
    anchored.anvil.mine()
    anchored.keeper.carry()
    mined = anchored.row()
    assert (mined.state, anchored.on_chain()) == ("mined", [size])
    assert mined.block_number is not None
    block = anchored.anvil.ask("eth_getBlockByNumber", hex(mined.block_number), False)
    assert bytes_of(block["hash"]) == mined.block_hash
    assert [bytes_of(one) for one in block["transactions"]] == mined.sent
    assert mined.stamped_at == datetime.fromtimestamp(int(block["timestamp"], 16), UTC)
    anchored.anvil.mine(2)
    anchored.keeper.carry()
    final = anchored.row()
    assert (final.state, final.final_at) == ("final", anchored.clock())
    assert (final.times_sent, final.times_lost, final.fault) == (1, 0, "")
    anchored.keeper.carry()
    assert anchored.rows() == [final], "nothing grew, nothing is asked"


def test_heads_are_anchored_at_their_interval_and_follow_each_other(anchored: Anchored) -> None:
    first = anchored.grow()
    anchored.until("final")
    second = anchored.grow()
    anchored.until("mined")
    anchored.until("final")
    anchored.grow()
    anchored.clock.on(minutes=-30)
    anchored.keeper.carry()
    assert [row.size for row in anchored.rows()] == [first, second], "half an hour is not an hour"
    anchored.clock.on(minutes=30)
    anchored.until("mined")
    anchored.until("final")
    assert len(anchored.on_chain()) == len(anchored.rows()) == 3


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["in-the-pool-again", "forgotten-by-all"])
def test_what_a_reorganisation_took_away_is_sent_again(anchored: Anchored, is_forgotten: bool) -> None:
    size = anchored.grow()
    anchored.step()
    anchored.keeper.carry()
    mined = anchored.row()
    assert (mined.state, anchored.on_chain()) == ("mined", [size])
    anchored.anvil.reorganise(1)
    if is_forgotten:
        anchored.anvil.forget_pool()
    assert anchored.on_chain() == []
    anchored.keeper.carry()
    lost = anchored.row()
    assert (lost.state, lost.times_lost) == ("sent" if is_forgotten else lost.state, 1)
    assert (lost.block_number, lost.block_hash, lost.stamped_at) == (None, None, None)
    anchored.keeper.carry()
    anchored.anvil.mine()
    assert anchored.until("final").sent == mined.sent, "the very same transaction, not a second one"
    assert anchored.on_chain() == [size]
    assert anchored.row().block_hash != mined.block_hash


def meanwhile(monkeypatch: pytest.MonkeyPatch, of: type, name: str, act: Callable[[], object]) -> None:
    """Have something happen right after the first answer to a question."""
    ask = getattr(of, name)
    done: list[object] = []

    def asked(*arguments: Any) -> Any:
        answer = ask(*arguments)
        if not done:
            done.append(act())
        return answer

    monkeypatch.setattr(of, name, asked)


def assert_said_once(anchored: Anchored, size: int) -> None:
    assert anchored.on_chain() == [size]
    assert anchored.anvil.pool() == []
    with Node(anchored.anvil.url) as node:
        receipts = [node.ask("eth_getTransactionReceipt", "0x" + sent.hex()) for sent in anchored.row().sent]
    assert [one["status"] for one in receipts if one is not None] == ["0x1"]


@pytest.mark.parametrize(("of", "name"), [(Node, "nonce"), (Contract, "find")])
def test_a_fork_while_it_is_asked_says_nothing_twice(
    anchored: Anchored, monkeypatch: pytest.MonkeyPatch, of: type, name: str
) -> None:
    size = anchored.grow()
    sent = anchored.step()

    def fork() -> None:
        anchored.anvil.reorganise(1)
        anchored.anvil.forget_pool()

    meanwhile(monkeypatch, of, name, fork)
    anchored.keeper.carry()
    assert (anchored.row().sent, anchored.row().fault) == (sent.sent, "")
    assert anchored.until("final").nonce == sent.nonce
    assert_said_once(anchored, size)


def test_an_anchor_that_comes_into_a_block_while_it_is_asked_and_goes_with_it_is_sent_again(
    anchored: Anchored, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = anchored.grow()
    anchored.keeper.carry()
    meanwhile(monkeypatch, Contract, "find", anchored.anvil.mine)
    anchored.keeper.carry()
    assert anchored.row().state == "sent", "the contract has this size now, and not a later one"
    anchored.anvil.reorganise(1)
    anchored.anvil.forget_pool()
    assert len(anchored.until("final").sent) == 1
    assert_said_once(anchored, size)


def test_a_number_that_a_fork_gives_back_of_something_else_keeps_nothing_waiting(anchored: Anchored) -> None:
    size = anchored.grow()
    say(anchored, call_data("offer(address)", Key.read(HEIR).address.rjust(32, b"\0")))
    anchored.anvil.mine()
    sent = anchored.step()
    anchored.anvil.reorganise(2)
    anchored.anvil.forget_pool()
    with Node(anchored.anvil.url) as node:
        assert sent.nonce == node.nonce(anchored.key.address) + 1, "a number too far"
    assert anchored.until("final").sent == sent.sent
    assert_said_once(anchored, size)


def test_an_anchor_that_a_reorganisation_moved_has_its_new_block(anchored: Anchored) -> None:
    size = anchored.grow()
    anchored.step()
    anchored.keeper.carry()
    before = anchored.row()
    anchored.anvil.reorganise(1)
    anchored.anvil.mine()
    anchored.keeper.carry()
    anchored.keeper.carry()
    after = anchored.until("final")
    assert after.block_hash != before.block_hash
    assert anchored.on_chain() == [size]


def test_what_the_node_forgot_is_sent_again(anchored: Anchored) -> None:
    size = anchored.grow()
    anchored.keeper.carry()
    anchored.anvil.forget_pool()
    anchored.keeper.carry()
    row = anchored.row()
    assert (row.times_sent, len(row.sent)) == (2, 1)
    assert len(anchored.anvil.pool()) == 1
    anchored.until("final")
    assert anchored.on_chain() == [size]


def test_a_transaction_that_waits_too_long_is_replaced_for_more(anchored: Anchored) -> None:
    size = anchored.grow()
    anchored.keeper.carry()
    first = anchored.row()
    anchored.clock.on(minutes=4)
    anchored.keeper.carry()
    assert anchored.row() == first
    anchored.clock.on(minutes=1)
    anchored.keeper.carry()
    second = anchored.row()
    assert second.fault == ""
    assert (second.nonce, len(second.sent)) == (first.nonce, 2)
    assert first.fee is not None
    assert second.fee is not None
    assert second.fee * 10 >= first.fee * 11
    assert [bytes_of(one["hash"]) for one in anchored.anvil.pool()] == second.sent[1:]
    anchored.until("final")
    assert anchored.on_chain() == [size]


def test_nothing_is_paid_beyond_the_limit(anchored: Anchored) -> None:
    anchored.anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(200 * GWEI))
    anchored.anvil.mine()
    anchored.grow()
    anchored.keeper.carry()
    row = anchored.row()
    assert (row.state, row.sent) == ("asked", [])
    assert row.fault.startswith("chain_fee_too_high: the chain asks ")
    assert row.failed_at == anchored.clock()
    anchored.anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    anchored.anvil.mine()
    assert anchored.until("final").fault == ""


def test_a_number_that_somebody_else_used_up_is_replaced(anchored: Anchored) -> None:
    size = anchored.grow()
    anchored.keeper.carry()
    first = anchored.row()
    anchored.anvil.forget_pool()
    assert first.nonce is not None
    with Node(anchored.anvil.url) as node:
        wish = Wish(CHAIN_ID, first.nonce, GWEI, 50 * GWEI, 30_000, anchored.key.address, b"")
        node.ask("eth_sendRawTransaction", "0x" + anchored.key.sign(wish).raw.hex())
    anchored.anvil.mine()
    anchored.keeper.carry()
    assert anchored.row().nonce == first.nonce + 1
    anchored.until("final")
    assert anchored.on_chain() == [size]


def test_a_size_that_somebody_else_anchored_is_not_anchored_twice(anchored: Anchored) -> None:
    size = anchored.grow()
    anchored.keeper.carry()
    anchored.anvil.forget_pool()
    say(anchored, anchor_data(LOG, size, anchored.row().root))
    anchored.anvil.mine()
    final = anchored.until("final")
    assert final.block_number is not None
    assert anchored.on_chain() == [size]


def test_a_size_below_one_that_is_anchored_is_passed(anchored: Anchored) -> None:
    size = anchored.grow()
    anchored.keeper.carry()
    anchored.anvil.forget_pool()
    later = anchored.grow()
    with anchored.world.database.transaction(TENANT) as tx:
        root = root_at(tx, program_of(anchored.world), later)
    say(anchored, anchor_data(LOG, later, root))
    anchored.anvil.mine()
    anchored.keeper.carry()
    assert (anchored.rows()[0].state, anchored.rows()[0].size) == ("passed", size)
    anchored.until("mined")
    assert anchored.until("final").size == later, "seen to be there already"
    assert anchored.on_chain() == [later]


def test_another_root_on_the_chain_is_an_alarm(anchored: Anchored) -> None:
    size = anchored.grow()
    say(anchored, anchor_data(LOG, size, b"\x07" * 32))
    anchored.anvil.mine()
    anchored.keeper.carry()
    row = anchored.row()
    assert (row.state, row.sent) == ("asked", [])
    assert row.fault == f"anchor_differs: {size} leaves were anchored with another root, {'07' * 32}"


def test_a_key_that_does_not_own_the_contract_pays_nothing(anchored: Anchored) -> None:
    anchored.key = Key.read(HEIR)
    anchored.grow()
    anchored.make_keeper().carry()
    row = anchored.row()
    assert (row.state, row.sent) == ("asked", [])
    assert row.fault.startswith("chain_refused: eth_estimateGas: ")
    assert "only the owner anchors" in row.fault


def test_a_node_of_another_chain_is_not_told_anything(anchored: Anchored) -> None:
    anchored.chain = anchored.chain._replace(chain_id=1)
    anchored.grow()
    with pytest.raises(Problem) as caught:
        anchored.make_keeper().carry()
    assert caught.value.code == "chain_is_another"
    assert anchored.row().fault.startswith("chain_is_another: ")


def test_a_node_that_falls_silent_is_asked_again_until_it_answers(anchored: Anchored) -> None:
    rounds = Rounds(lambda: datetime.now(UTC))
    keeper = anchored.make_keeper(rounds)
    anchored.grow()
    keeper.carry()
    assert anchored.row().state == "sent"
    anchored.anvil.stop()
    size = anchored.row().size
    try:
        keeper.start()
        ends = time.monotonic() + 60
        while not rounds.known()[0].fault:
            assert time.monotonic() < ends
            time.sleep(0.02)
        (known,) = rounds.known()
        assert (known.name, known.fault) == ("anchors_chain", "chain_unreachable")
        assert anchored.row().fault == "chain_unreachable: the chain's node does not answer: ConnectError"
    finally:
        anchored.anvil.start()
    try:
        while anchored.row().state != "mined":
            found = rounds.find("anchors_chain")
            assert found is not None
            found.ask()
            anchored.anvil.mine()
            assert time.monotonic() < ends
            time.sleep(0.1)
    finally:
        keeper.stop()
    assert (anchored.row().fault, anchored.on_chain()) == ("", [size])


def test_the_database_refuses_two_on_their_way_and_changes_to_what_is_final(
    anchored: Anchored,
) -> None:
    size = anchored.grow()
    anchored.keeper.carry()
    program_id, place = program_of(anchored.world), anchored.chain.place
    again = (
        "insert into anchors (program_id, place, size, root, state, asked_at)"
        " values (%s, %s, %s, sha256('x'), 'asked', now())"
    )
    for other in (size, size + 1):
        with (
            anchored.world.database.transaction(TENANT) as tx,
            pytest.raises(psycopg.errors.UniqueViolation),
        ):
            tx.execute(again, (program_id, place, other))
    anchored.until("final")
    with (
        anchored.world.database.transaction(TENANT) as tx,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        tx.execute("update anchors set state = 'asked'")
    with anchored.world.database.transaction(TENANT) as tx:
        assert stored.ask_due(tx, place, timedelta(0), anchored.clock()) == 0


def test_an_earlier_anchor_of_another_past_is_found_though_the_newest_fits(anchored: Anchored) -> None:
    first = anchored.grow()
    say(anchored, anchor_data(LOG, first, b"\x07" * 32))
    anchored.anvil.mine()
    later = anchored.grow()
    with anchored.world.database.transaction(TENANT) as tx:
        ours = root_at(tx, program_of(anchored.world), first)
        say(anchored, anchor_data(LOG, later, root_at(tx, program_of(anchored.world), later)))
        anchored.anvil.mine()
        with Node(anchored.anvil.url) as node:
            checker = Checker(tx, node, anchored.chain)
            (found,) = checker.run()
    assert checker.anchors == 2
    assert (found.code, found.table) == ("log_rewritten", "log_leaves")
    assert found.expected == f"{first} leaves of the root {'07' * 32}"
    assert found.found == f"the root {ours.hex()}"
