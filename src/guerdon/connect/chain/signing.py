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
_FIELDS: Final = 12
"""Nine that are signed, and three of the signature."""
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


def read_sent(raw: bytes) -> tuple[Wish, bytes]:
    """Read a signed transaction back.

    Args:
        raw: as `Key.sign` writes it.

    Returns:
        What it says, and the address of whoever signed it, 20 bytes.

    Raises:
        ValueError: for what is none, or was never signed.
    """
    fields = _read_fields(raw)
    numbers = [int.from_bytes(one, "big") for one in (*fields[:5], *fields[9:])]
    parity, r, s = numbers[5:]
    chain_id, nonce, tip, fee, gas = numbers[:5]
    wish = Wish(chain_id, nonce, tip, fee, gas, fields[5], fields[7])
    unsigned: list[_Item] = [*wish[:-1], 0, wish.data, ()]
    signed: list[_Item] = [*unsigned, parity, r, s]
    if parity > 1 or _KIND + rlp(signed) != raw:
        raise ValueError("a transaction is written in one way only")
    point = _signer_of(keccak256(_KIND + rlp(unsigned)), parity, r, s)
    return wish, keccak256(point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big"))[12:]


def _read_fields(raw: bytes) -> list[bytes]:
    """Take a list without lists in it apart, but for an empty one."""
    if raw[:1] != _KIND or len(raw) < 2 or raw[1] < 0xC0:
        raise ValueError("this is no transaction of the kind that we sign")
    at = 2 + max(raw[1] - 0xF7, 0)
    fields = []
    while at < len(raw):
        head = raw[at]
        if head < 0x80:
            fields.append(raw[at : at + 1])
            at += 1
            continue
        # 0xC0 is the empty list of what is told beforehand.
        size = 0 if head == 0xC0 else head - 0x80
        at += 1
        if size > 55:
            width = size - 55
            size = int.from_bytes(raw[at : at + width], "big")
            at += width
        fields.append(raw[at : at + size])
        at += size
    if len(fields) != _FIELDS:
        raise ValueError(f"a transaction has {_FIELDS} fields")
    return fields


def _signer_of(digest: bytes, parity: int, r: int, s: int) -> _Point:
    """Find the key that a signature was made with (SEC 1, 4.1.6)."""
    square = (pow(r, 3, _FIELD) + 7) % _FIELD
    y = pow(square, (_FIELD + 1) // 4, _FIELD)
    if not 0 < r < _ORDER or not 0 < s < _ORDER or y * y % _FIELD != square:
        raise ValueError("the signature is none")
    at = (r, y if y & 1 == parity else _FIELD - y)
    inverse = pow(r, -1, _ORDER)
    number = int.from_bytes(digest, "big")
    found = _plus(_times(s * inverse % _ORDER, at), _times(-number * inverse % _ORDER, _BASE))
    if found is None:
        raise ValueError("the signature is nobody's")
    return found


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
