"""Reading and writing DER (X.690), as far as time stamps need it."""

from __future__ import annotations

from typing import Final, NamedTuple

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
OCTETS: Final = 0x04
OBJECT_ID: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31
GENERALIZED_TIME: Final = 0x18
_LONG: Final = 0x80
_LENGTH_BYTES: Final = 4


class Value(NamedTuple):
    """One value as it stands in its bytes."""

    tag: int
    body: bytes
    whole: bytes
    """Tag and length included."""

    def parts(self) -> list[Value]:
        """Read what stands within.

        Returns:
            The values, in order.

        Raises:
            ValueError: where the body is not made of values.
        """
        found, rest = [], self.body
        while rest:
            value, rest = _first(rest)
            found.append(value)
        return found

    def number(self) -> int:
        """Read an integer.

        Returns:
            It.

        Raises:
            ValueError: where this is none.
        """
        if self.tag != INTEGER or not self.body:
            raise ValueError("an integer was expected")
        return int.from_bytes(self.body, "big", signed=True)

    def octets(self) -> bytes:
        """Read an octet string.

        Returns:
            Its bytes.

        Raises:
            ValueError: where this is none.
        """
        if self.tag != OCTETS:
            raise ValueError("octets were expected")
        return self.body

    def object_id(self) -> str:
        """Read an object identifier.

        Returns:
            Such as `1.2.840`.

        Raises:
            ValueError: where this is none.
        """
        if self.tag != OBJECT_ID or not self.body or self.body[-1] & _LONG:
            raise ValueError("an object identifier was expected")
        numbers, current = [], 0
        for byte in self.body:
            current = current << 7 | byte & 0x7F
            if not byte & _LONG:
                numbers.append(current)
                current = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def read(data: bytes, tag: int) -> Value:
    """Read one value that all of some bytes are.

    Args:
        data: the bytes.
        tag: what it must be.

    Returns:
        The value.

    Raises:
        ValueError: where they are anything else.
    """
    value, rest = _first(data)
    if rest or value.tag != tag:
        raise ValueError("another value was expected, or nothing behind it")
    return value


def write(tag: int, *parts: bytes) -> bytes:
    """Write a value.

    Args:
        tag: what it is.
        *parts: its body.

    Returns:
        Its bytes.
    """
    body = b"".join(parts)
    if len(body) < _LONG:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG | len(length)]) + length + body


def write_number(value: int) -> bytes:
    """Write an integer.

    Args:
        value: which.

    Returns:
        Its bytes.
    """
    return write(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def write_object_id(text: str) -> bytes:
    """Write an object identifier.

    Args:
        text: such as `1.2.840`.

    Returns:
        Its bytes.
    """
    first, second, *rest = map(int, text.split("."))
    body = bytearray()
    for number in (40 * first + second, *rest):
        packed = [number & 0x7F]
        while number := number >> 7:
            packed.append(number & 0x7F | _LONG)
        body += bytes(reversed(packed))
    return write(OBJECT_ID, bytes(body))


def _first(data: bytes) -> tuple[Value, bytes]:
    if len(data) < 2 or data[0] & 0x1F == 0x1F:
        raise ValueError("a value was expected")
    length, start = data[1], 2
    if length & _LONG:
        count = length & 0x7F
        if not 0 < count <= _LENGTH_BYTES:
            raise ValueError("a length is written in one to four bytes")
        start += count
        length = int.from_bytes(data[2:start], "big")
    end = start + length
    if end > len(data):
        raise ValueError("a value ends behind its bytes")
    return Value(data[0], data[start:end], data[:end]), data[end:]
