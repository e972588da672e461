"""The contract that keeps anchors, as it is asked and told (its source: contracts/Anchors.vy)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.connect.chain.keccak import keccak256
from guerdon.connect.chain.rpc import At, Node
from guerdon.connect.chain.signing import ADDRESS_BYTES

_WORD: Final = 32
_CONTRACTS: Final = "guerdon.connect.chain.contracts"


class OnChain(NamedTuple):
    """An anchor as the contract has it."""

    root: bytes
    follows: int
    """The size that was anchored before, 0 for the first."""
    block_number: int
    timestamp: int
    """Of its block, seconds since 1970."""


class Contract:
    """One contract on one chain."""

    def __init__(self, node: Node, address: bytes, at: At = "latest") -> None:
        """Describe it.

        Args:
            node: of the chain.
            address: 20 bytes.
            at: the block as of which all its answers are.
        """
        self._node = node
        self._at = at
        self.address = address

    def owner(self) -> bytes:
        """Ask who may anchor.

        Returns:
            An address.

        Raises:
            Problem: `chain_contract_missing` where no such contract stands there; what `Node.ask` raises.
        """
        return self._words("owner()", 1)[0][-ADDRESS_BYTES:]

    def heir(self) -> bytes:
        """Ask who may become the owner.

        Returns:
            An address; 20 zero bytes where nobody may.

        Raises:
            Problem: as `owner` says.
        """
        return self._words("heir()", 1)[0][-ADDRESS_BYTES:]

    def last_size(self, log_id: bytes) -> int:
        """Ask how far a log was anchored.

        Args:
            log_id: as `log_id_of` gives it.

        Returns:
            Leaves; 0 where it never was.

        Raises:
            Problem: as `owner` says.
        """
        return int.from_bytes(self._words("last_size(bytes32)", 1, log_id)[0], "big")

    def find(self, log_id: bytes, size: int) -> OnChain | None:
        """Ask for an anchor.

        Args:
            log_id: as `log_id_of` gives it.
            size: leaves.

        Returns:
            The anchor, None where that size was not anchored.

        Raises:
            Problem: as `owner` says.
        """
        root, *numbers = self._words("anchors(bytes32,uint64)", 4, log_id, _number(size))
        follows, block_number, timestamp = (int.from_bytes(one, "big") for one in numbers)
        return OnChain(root, follows, block_number, timestamp) if any(root) else None

    def proves(self, log_id: bytes, place: tuple[int, int], leaf: bytes, path: Sequence[bytes]) -> bool:
        """Have the chain check a proof that a leaf is in a log.

        Args:
            log_id: as `log_id_of` gives it.
            place: the leaf's position from 0, and the leaves of an anchored head.
            leaf: its hash.
            path: the proof, from the leaf upwards.

        Returns:
            Whether it proves that.

        Raises:
            Problem: as `owner` says.
        """
        position, size = place
        # The fifth argument has no fixed length: where it stands comes first, then its length and itself.
        arguments = (log_id, _number(size), leaf, _number(position), _number(5 * _WORD), _number(len(path)))
        said = self._words("verify(bytes32,uint64,bytes32,uint64,bytes32[])", 1, *arguments, *path)
        return int.from_bytes(said[0], "big") == 1

    def _words(self, signature: str, count: int, *arguments: bytes) -> list[bytes]:
        answer = self._node.call(self.address, call_data(signature, *arguments), self._at)
        if len(answer) != count * _WORD:
            detail = "no contract for anchors stands at that address of this chain"
            raise Problem("chain_contract_missing", detail)
        return [answer[at : at + _WORD] for at in range(0, len(answer), _WORD)]


def log_id_of(origin: str) -> bytes:
    """Name a log as the contract does.

    Args:
        origin: the first line of its checkpoints.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(origin.encode()).digest()


def anchor_data(log_id: bytes, size: int, root: bytes) -> bytes:
    """Write the call that anchors a head.

    Args:
        log_id: as `log_id_of` gives it.
        size: leaves.
        root: 32 bytes.

    Returns:
        Data of a transaction.
    """
    return call_data("anchor(bytes32,uint64,bytes32)", log_id, _number(size), root)


def offer_data(heir: bytes) -> bytes:
    """Write the call that offers the ownership.

    Args:
        heir: to whom, 20 bytes.

    Returns:
        Data of a transaction.
    """
    return call_data("offer(address)", heir.rjust(_WORD, b"\0"))


def take_data() -> bytes:
    """Write the call that takes the ownership.

    Returns:
        Data of a transaction.
    """
    return call_data("take()")


def call_data(signature: str, *arguments: bytes) -> bytes:
    """Write a call.

    Args:
        signature: name and types, such as `last_size(bytes32)`.
        *arguments: words of 32 bytes.

    Returns:
        The selector and the arguments.
    """
    assert all(len(one) == _WORD for one in arguments), "arguments are words"
    return keccak256(signature.encode())[:4] + b"".join(arguments)


def creation_code() -> bytes:
    """Give what makes the contract.

    Returns:
        The committed bytecode.
    """
    text = resources.files(_CONTRACTS).joinpath("Anchors.bin").read_text(encoding="ascii")
    return bytes.fromhex(text.strip().removeprefix("0x"))


def _number(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")
