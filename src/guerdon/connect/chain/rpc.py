"""Asking a chain's node (JSON-RPC 2.0 over HTTP)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self

import msgspec

from guerdon.base.errors import Problem

if TYPE_CHECKING:
    import httpx2

_SECONDS: Final = 10.0
_ANSWER_BYTES: Final = 4_000_000
_DETAIL_LETTERS: Final = 200
_USUAL_TIP: Final = 10**9


class Block(NamedTuple):
    """A block of a chain."""

    number: int
    hash: bytes
    base_fee: int
    """Wei for a unit of gas."""


At = bytes | Literal["latest", "pending"]
"""A block by its hash (EIP-1898: where a fork took it away, the question is refused), or by its place."""


class Node:
    """A node that was named by whoever runs this installation, so it may stand in a network of their own."""

    def __init__(self, url: str) -> None:
        """Describe it; nothing is opened before the first question.

        Args:
            url: where it listens; it is never told to anybody, as it may carry a key.
        """
        self._url = url
        self._numbers = itertools.count(1)
        import httpx2

        self._client = httpx2.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def ask(self, method: str, *parameters: object) -> Any:
        """Ask one question.

        Args:
            method: such as `eth_chainId`.
            *parameters: plain data.

        Returns:
            The answer's result.

        Raises:
            Problem: `chain_unreachable` where there is no answer; `chain_refused` where the node says no.
        """
        # Late, as it takes a tenth of a second and most commands ask no chain.
        import httpx2

        status = 0
        asked = {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": parameters}
        try:
            with self._client.stream("POST", self._url, json=asked) as response:
                status = response.status_code
                body = _read(response)
            answer = msgspec.json.decode(body)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Problem("chain_unreachable", f"the chain's node does not answer: {_name(error)}") from None
        except msgspec.DecodeError:
            detail = f"the chain's node answers {status} and no JSON"
            raise Problem("chain_unreachable", detail) from None
        if not isinstance(answer, dict) or not ("result" in answer or answer.get("error")):
            raise Problem("chain_unreachable", f"the chain's node answers {status} and nothing to {method}")
        if answer.get("error"):
            raise _refusal(method, answer["error"])
        return answer["result"]

    def chain_id(self) -> int:
        """Tell which chain it is.

        Returns:
            Its number (EIP-155).
        """
        return number_of(self.ask("eth_chainId"))

    def block(self, number: int | None = None) -> Block | None:
        """Read the head of a block.

        Args:
            number: which; None for the newest.

        Returns:
            The block, None where there is none of that number.
        """
        found = self.ask("eth_getBlockByNumber", "latest" if number is None else hex(number), False)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise _strange(found)
        base_fee = number_of(found.get("baseFeePerGas", "0x0"))
        return Block(number_of(found.get("number")), bytes_of(found.get("hash")), base_fee)

    def nonce(self, address: bytes, at: At = "latest") -> int:
        """Count the transactions of an address that are in blocks.

        Args:
            address: 20 bytes.
            at: up to which block; `pending` to count those as well that wait for one, up to the first number
                that is missing.

        Returns:
            How many, which is the number of the next one.
        """
        return number_of(self.ask("eth_getTransactionCount", to_hex(address), _written(at)))

    def call(self, to: bytes, data: bytes, at: At = "latest") -> bytes:
        """Ask a contract.

        Args:
            to: its address.
            data: selector and arguments.
            at: as of which block.

        Returns:
            What it returns.
        """
        return bytes_of(self.ask("eth_call", {"to": to_hex(to), "data": to_hex(data)}, _written(at)))

    def knows(self, transaction: bytes) -> bool:
        """Tell whether a transaction is in a block or waits for one.

        Args:
            transaction: its hash.

        Returns:
            Whether the node knows it.
        """
        return self.ask("eth_getTransactionByHash", to_hex(transaction)) is not None

    def tip(self) -> int:
        """Ask what makers of blocks want at present.

        Returns:
            Wei for a unit of gas.
        """
        try:
            return number_of(self.ask("eth_maxPriorityFeePerGas"))
        except Problem as problem:
            # Not every node has an opinion on that.
            if problem.code != "chain_refused":
                raise
            return _USUAL_TIP


def to_hex(data: bytes) -> str:
    """Write bytes as nodes read them.

    Args:
        data: any.

    Returns:
        `0x` and digits.
    """
    return "0x" + data.hex()


def number_of(text: object) -> int:
    """Read a number that a node wrote.

    Args:
        text: `0x` and digits.

    Returns:
        The number.

    Raises:
        Problem: `chain_unreachable` for anything else.
    """
    try:
        if isinstance(text, str) and text.startswith("0x"):
            return int(text, 16)
    except ValueError:
        pass
    raise _strange(text)


def bytes_of(text: object) -> bytes:
    """Read bytes that a node wrote.

    Args:
        text: `0x` and digits.

    Returns:
        The bytes.

    Raises:
        Problem: `chain_unreachable` for anything else.
    """
    try:
        if isinstance(text, str) and text.startswith("0x"):
            return bytes.fromhex(text[2:])
    except ValueError:
        pass
    raise _strange(text)


def _written(at: At) -> object:
    return {"blockHash": to_hex(at), "requireCanonical": True} if isinstance(at, bytes) else at


def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _ANSWER_BYTES:
            raise Problem("chain_unreachable", f"the chain's node answers more than {_ANSWER_BYTES:,} bytes")
    return bytes(body)


def _refusal(method: str, error: object) -> Problem:
    message = str(error.get("message", "")) if isinstance(error, dict) else str(error)
    return Problem("chain_refused", f"{method}: {message[:_DETAIL_LETTERS]}")


def _strange(found: object) -> Problem:
    return Problem("chain_unreachable", f"the chain's node answers {str(found)[:40]!r}, which says nothing")


def _name(error: Exception) -> str:
    return type(error).__name__
