"""Bringing anchors onto a chain. What the contract says is the truth; what is stored only leads there."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from guerdon.base.errors import Problem
from guerdon.connect.chain import stored
from guerdon.connect.chain.contract import Contract, OnChain, anchor_data, log_id_of
from guerdon.connect.chain.places import Chain
from guerdon.connect.chain.rpc import Block, Node, bytes_of, number_of, to_hex
from guerdon.connect.chain.signing import Key, Wish
from guerdon.connect.chain.stored import Waiting
from guerdon.infra import failpoints
from guerdon.infra.db import Database

_LOG = structlog.get_logger(__name__)

_SET_UP_FEE_LIMIT: Final = 10**15
"""Wei for a unit of gas: whoever sets up sits in front of it and sees what it costs."""
_LOOK_SECONDS: Final = 0.5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Carrier:
    """Brings anchors onto one chain, signed by one key; one of a kind is at it at a time."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], chain: Chain, key: Key, node: Node
    ) -> None:
        """Describe one round.

        Args:
            database: where anchors are stored.
            clock: tells the time.
            chain: where they go.
            key: the contract's owner.
            node: of that chain.
        """
        self._database = database
        self._clock = clock
        self._chain = chain
        self._key = key
        self._node = node
        self._count = 0
        self._taken: set[int] = set()

    def carry(self, waiting: list[Waiting], beat: Callable[[], object]) -> None:
        """Bring each anchor one step further.

        Args:
            waiting: all of this place that are not final.
            beat: called before each of them; what it raises ends the round.

        Raises:
            Problem: `chain_unreachable`, `chain_is_another` or `chain_contract_missing`, where no step could
                be taken at all; what is wrong with one anchor is noted with it.
        """
        found = self._node.chain_id()
        if found != self._chain.chain_id:
            detail = f"the node is of chain {found}, and GUERDON_ANCHOR_CONTRACT of {self._chain.chain_id}"
            raise Problem("chain_is_another", detail)
        # Numbers are counted and the contract answers as of one block: between two of them an anchor
        # comes, or goes with a fork, and would be said twice or never.
        newest = self._newest()
        contract = Contract(self._node, self._chain.contract, newest.hash)
        self._count = self._node.nonce(self._key.address, newest.hash)
        mine = [one for one in waiting if one.anchor.sender == self._key.address]
        self._taken = {one.anchor.nonce for one in mine if one.anchor.nonce is not None}
        for one in sorted(waiting, key=lambda one: (one.anchor.nonce is None, one.anchor.nonce or 0)):
            beat()
            try:
                self._step(one, contract, newest)
            except Problem as problem:
                if problem.code == "chain_unreachable":
                    raise
                if not self._is_there(newest):
                    return
                self._note(one, problem)

    def _is_there(self, block: Block) -> bool:
        """Tell whether a fork has left a block where it was; after one the next round looks anew."""
        found = self._node.block(block.number)
        return found is not None and found.hash == block.hash

    def _step(self, one: Waiting, contract: Contract, newest: Block) -> None:
        log_id, anchor = log_id_of(one.origin), one.anchor
        found = contract.find(log_id, anchor.size)
        if found is not None:
            self._settle(one, found, newest)
            return
        if anchor.state == "mined":
            with self._database.transaction(one.tenant_id) as tx:
                stored.note_lost(tx, anchor)
        if contract.last_size(log_id) >= anchor.size:
            with self._database.transaction(one.tenant_id) as tx:
                stored.note_passed(tx, anchor)
            return
        self._say(one, anchor_data(log_id, anchor.size, anchor.root))

    def _settle(self, one: Waiting, found: OnChain, newest: Block) -> None:
        anchor = one.anchor
        if found.root != anchor.root:
            detail = f"{anchor.size} leaves were anchored with another root, {found.root.hex()}"
            raise Problem("anchor_differs", detail)
        block = self._node.block(found.block_number)
        if block is None:
            return
        now = self._clock()
        is_final = newest.number - block.number + 1 >= self._chain.confirmations
        is_known = (anchor.state, anchor.block_hash) == ("mined", block.hash)
        if is_final or not is_known:
            mined = stored.Mined(block.number, block.hash, _EPOCH + timedelta(seconds=found.timestamp))
            with self._database.transaction(one.tenant_id) as tx:
                stored.note_mined(tx, anchor, mined, now if is_final else None)

    def _say(self, one: Waiting, data: bytes) -> None:
        anchor = one.anchor
        is_possible = (
            anchor.raw is not None
            and anchor.sender == self._key.address
            and anchor.nonce is not None
            and anchor.nonce >= self._count
        )
        if not is_possible:
            self._sign(one, data, self._free_nonce())
            return
        assert anchor.nonce is not None, "looked at above"
        self._fill_before(anchor.nonce)
        if not self._node.knows(anchor.sent[-1]):
            with self._database.transaction(one.tenant_id) as tx:
                stored.note_sent_again(tx, anchor)
            assert anchor.raw is not None, "looked at above"
            self._send(anchor.raw)
        elif anchor.sent_at is not None and self._clock() - anchor.sent_at >= self._chain.patience:
            self._sign(one, data, anchor.nonce)

    def _sign(self, one: Waiting, data: bytes, nonce: int) -> None:
        anchor = one.anchor
        gas = estimate(self._node, self._key.address, self._chain.contract, data)
        tip, fee = suggested_fees(self._node, self._newest(), self._chain.fee_limit)
        if anchor.nonce == nonce and anchor.fee is not None and anchor.tip is not None:
            # Nodes take another transaction of the same number only where it pays a tenth more.
            tip, fee = max(tip, _raised(anchor.tip)), max(fee, _raised(anchor.fee))
            if fee > self._chain.fee_limit:
                raise _too_dear(fee, self._chain.fee_limit)
        wish = Wish(self._chain.chain_id, nonce, min(tip, fee), fee, gas, self._chain.contract, data)
        sent = self._key.sign(wish)
        # Stored first: whatever happens from here on, the same bytes are sent.
        with self._database.transaction(one.tenant_id) as tx:
            if not stored.note_sent(tx, anchor, wish, sent, (self._key.address, self._clock())):
                return
        self._taken.add(nonce)
        failpoints.reach("anchor_stored")
        self._send(sent.raw)
        failpoints.reach("anchor_sent")

    def _send(self, raw: bytes) -> None:
        self._node.ask("eth_sendRawTransaction", to_hex(raw))

    def _fill_before(self, nonce: int) -> None:
        """Use up a number that nothing has, with a transaction that does nothing.

        A fork can give back a number that something else had used up, and what was signed with the next one
        would wait for ever. Signing that anew would leave two on their way, and the contract refuses one.
        """
        hole = next((one for one in range(self._count, nonce) if one not in self._taken), None)
        address = self._key.address
        if hole is None or self._node.nonce(address, "pending") > hole:
            return
        gas = estimate(self._node, address, address, b"")
        tip, fee = suggested_fees(self._node, self._newest(), self._chain.fee_limit)
        sent = self._key.sign(Wish(self._chain.chain_id, hole, min(tip, fee), fee, gas, address, b""))
        _LOG.warning("anchor_number_filled", place=self._chain.place, number=hole)
        self._send(sent.raw)

    def _free_nonce(self) -> int:
        nonce = self._count
        while nonce in self._taken:
            nonce += 1
        return nonce

    def _newest(self) -> Block:
        return newest_block(self._node)

    def _note(self, one: Waiting, problem: Problem) -> None:
        with self._database.transaction(one.tenant_id) as tx:
            stored.note_fault(tx, one.anchor, problem, self._clock())


def newest_block(node: Node) -> Block:
    """Read the head of a chain.

    Args:
        node: of the chain.

    Returns:
        The newest block.

    Raises:
        Problem: `chain_unreachable`.
    """
    found = node.block()
    if found is None:
        raise Problem("chain_unreachable", "the chain's node knows of no block")
    return found


def estimate(node: Node, sender: bytes, to: bytes, data: bytes) -> int:
    """Ask how much gas a transaction takes; what would fail is refused here, and costs nothing.

    Args:
        node: of the chain.
        sender: who would sign it.
        to: whom it calls; none where it makes a contract.
        data: what it says.

    Returns:
        Units of gas, with a quarter to spare.

    Raises:
        Problem: `chain_refused` with the reason; `chain_unreachable`.
    """
    call = {"from": to_hex(sender), "data": to_hex(data)}
    if to:
        call["to"] = to_hex(to)
    # As of the newest block: what waits may be the very transaction that this one replaces.
    found = number_of(node.ask("eth_estimateGas", call, "latest"))
    return found + found // 4


def suggested_fees(node: Node, newest: Block, limit: int) -> tuple[int, int]:
    """Work out what to pay: enough though the price doubles, and never more than was allowed.

    Args:
        node: of the chain.
        newest: its newest block.
        limit: most, wei for a unit of gas.

    Returns:
        What the block's maker gets, and the most in all.

    Raises:
        Problem: `chain_fee_too_high`; `chain_unreachable`.
    """
    tip = node.tip()
    if newest.base_fee + tip > limit:
        raise _too_dear(newest.base_fee + tip, limit)
    return tip, max(min(2 * newest.base_fee + tip, limit), 1)


def transact(node: Node, key: Key, chain_id: int, data: bytes, to: bytes = b"") -> bytes:
    """Sign and send one transaction outside of any round, as whoever sets a contract up does.

    Args:
        node: of the chain.
        key: who signs.
        chain_id: of the chain.
        data: what it says.
        to: whom it calls; none where it makes a contract.

    Returns:
        Its hash.

    Raises:
        Problem: `chain_refused`, `chain_fee_too_high`, `chain_unreachable`.
    """
    gas = estimate(node, key.address, to, data)
    tip, fee = suggested_fees(node, newest_block(node), _SET_UP_FEE_LIMIT)
    sent = key.sign(Wish(chain_id, node.nonce(key.address), min(tip, fee), fee, gas, to, data))
    return bytes_of(node.ask("eth_sendRawTransaction", to_hex(sent.raw)))


def await_mined(node: Node, transaction: bytes, patience_seconds: float = 180.0) -> None:
    """Wait until a transaction is in a block.

    Args:
        node: of the chain.
        transaction: its hash.
        patience_seconds: how long at most.

    Raises:
        Problem: `chain_refused` where it failed; `chain_unreachable` where it is in no block by then.
    """
    ends = time.monotonic() + patience_seconds
    while (receipt := node.ask("eth_getTransactionReceipt", to_hex(transaction))) is None:
        if time.monotonic() > ends:
            detail = f"{to_hex(transaction)} is in no block yet; ask the chain for it later"
            raise Problem("chain_unreachable", detail)
        time.sleep(_LOOK_SECONDS)
    if not isinstance(receipt, dict) or receipt.get("status") != "0x1":
        raise Problem("chain_refused", f"{to_hex(transaction)} failed in its block")


def _raised(price: int) -> int:
    return price + price // 8 + 1


def _too_dear(fee: int, limit: int) -> Problem:
    detail = f"the chain asks {fee} wei for a unit of gas, and GUERDON_ANCHOR_FEE_LIMIT_GWEI allows {limit}"
    return Problem("chain_fee_too_high", detail)
