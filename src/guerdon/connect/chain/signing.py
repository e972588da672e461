"""Keys of a chain, and transactions that they sign (EIP-1559, EIP-2718)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from guerdon.connect.chain.keccak import keccak256

ADDRESS_BYTES: Final = 20
_KIND: Final = b"\x02"
# secp256k1 (SEC 2, 2.4.1).
_FIELD: Final = 2**256 - 2**32 - 977
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_BASE: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_Point = tuple[int, int]
_Item = bytes | int | Sequence["_Item"]


class Wish(NamedTuple):
    """A transaction before it is signed."""

    chain_id: int
    nonce: int
    tip: int
    """Most that the block's maker gets, wei for a unit of gas."""
    fee: int
    """Most that is paid in all, wei for a unit of gas."""
    gas: int
    """Units at most."""
    to: bytes
    """20 bytes; none where a contract is made."""
    data: bytes


class Sent(NamedTuple):
    """A signed transaction."""

    raw: bytes
    hash: bytes


class Key:
    """A private key of a chain."""

    def __init__(self, private: int) -> None:
        """Take a key.

        Args:
            private: from 1 to the order of the curve less 1.

        Raises:
            ValueError: for any other number.
        """
        if not 0 < private < _ORDER:
            raise ValueError("no key has this number")
        self._key = ec.derive_private_key(private, ec.SECP256K1())
        numbers = self._key.public_key().public_numbers()
        self._public = (numbers.x, numbers.y)
        self.address = keccak256(numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))[12:]
        """20 bytes."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a key.

        Args:
            text: 64 hexadecimal digits, with or without `0x`.

        Returns:
            The key.

        Raises:
            ValueError: for anything else.
        """
        digits = text.strip().removeprefix("0x")
        if len(digits) != 64:
            raise ValueError("a key has 64 hexadecimal digits")
        return cls(int.from_bytes(bytes.fromhex(digits), "big"))

    def sign(self, wish: Wish) -> Sent:
        """Sign a transaction; the same wish gives the same bytes (RFC 6979).

        Args:
            wish: what it shall say.

        Returns:
            It and its hash.
        """
        # No coins are sent along, and no list of storage is told beforehand.
        fields: list[_Item] = [*wish[:-1], 0, wish.data, ()]
        digest = keccak256(_KIND + rlp(fields))
        how = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)
        r, s = decode_dss_signature(self._key.sign(digest, how))
        # Of the two that are good chains take the lower one only (EIP-2).
        s = min(s, _ORDER - s)
        raw = _KIND + rlp([*fields, self._parity(digest, r, s), r, s])
        return Sent(raw, keccak256(raw))

    def _parity(self, digest: bytes, r: int, s: int) -> int:
        """Tell which of two points the signature is about; nothing secret is in this sum."""
        inverse = pow(s, -1, _ORDER)
        number = int.from_bytes(digest, "big")
        first = _times(number * inverse % _ORDER, _BASE)
        point = _plus(first, _times(r * inverse % _ORDER, self._public))
        assert point is not None, "a signature is about a point"
        return point[1] & 1


def address_text(address: bytes) -> str:
    """Write an address as people check it (EIP-55).

    Args:
        address: 20 bytes.

    Returns:
        `0x` and 40 digits, some of them capitals.
    """
    digits = address.hex()
    marks = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) >= 8 else digit for digit, mark in zip(digits, marks, strict=False)
    )


def read_address(text: str) -> bytes:
    """Read an address.

    Args:
        text: `0x` and 40 hexadecimal digits; where letters of both sizes stand in it, they must fit.

    Returns:
        20 bytes.

    Raises:
        ValueError: for anything else.
    """
    digits = text.removeprefix("0x")
    if not text.startswith("0x") or len(digits) != 2 * ADDRESS_BYTES:
        raise ValueError("an address is 0x and 40 hexadecimal digits")
    address = bytes.fromhex(digits)
    if digits not in (digits.lower(), digits.upper()) and text != address_text(address):
        raise ValueError("the capitals in this address say that a digit is wrong")
    return address


def made_at(sender: bytes, nonce: int) -> bytes:
    """Tell where a contract comes to stand.

    Args:
        sender: who makes it, 20 bytes.
        nonce: of the transaction that makes it.

    Returns:
        Its address, 20 bytes.
    """
    return keccak256(rlp([sender, nonce]))[12:]


def rlp(item: _Item) -> bytes:
    """Write what transactions are written in (recursive length prefix).

    Args:
        item: bytes, a number that is not negative, or a list of such.

    Returns:
        The bytes.
    """
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _long(0x80, item)
    return _long(0xC0, b"".join(rlp(one) for one in item))


def _long(kind: int, body: bytes) -> bytes:
    if len(body) < 56:
        return bytes([kind + len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([kind + 55 + len(length)]) + length + body


def _plus(one: _Point | None, other: _Point | None) -> _Point | None:
    if one is None or other is None:
        return one or other
    if one[0] == other[0]:
        if (one[1] + other[1]) % _FIELD == 0:
            return None
        slope = 3 * one[0] * one[0] * pow(2 * one[1], -1, _FIELD) % _FIELD
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, _FIELD) % _FIELD
    x = (slope * slope - one[0] - other[0]) % _FIELD
    return x, (slope * (one[0] - x) - one[1]) % _FIELD


def _times(count: int, point: _Point) -> _Point | None:
    total: _Point | None = None
    step: _Point | None = point
    while count:
        if count & 1:
            total = _plus(total, step)
        step = _plus(step, step)
        count >>= 1
    return total
