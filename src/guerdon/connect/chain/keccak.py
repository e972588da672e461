"""Keccak-256 as chains use it: the padding is that of before SHA-3, so the standard library has none."""

from __future__ import annotations

from typing import Final

_RATE: Final = 136
_MASK: Final = (1 << 64) - 1
_ROUNDS: Final = 24


def _round_constants() -> tuple[int, ...]:
    """Draw the constants of each round from their shift register (FIPS 202, 3.2.5)."""
    found, register = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return tuple(found)


def _offsets() -> tuple[tuple[int, int], ...]:
    """Tell for each step of rho and pi which lane comes next and how far it turns (FIPS 202, 3.2)."""
    found, x, y = [], 1, 0
    for step in range(_ROUNDS):
        found.append((x + 5 * y, (step + 1) * (step + 2) // 2 % 64))
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(found)


_CONSTANTS: Final = _round_constants()
_TURNS: Final = _offsets()


def keccak256(data: bytes) -> bytes:
    """Hash bytes.

    Args:
        data: any.

    Returns:
        32 bytes.
    """
    padded = bytearray(data + b"\x01")
    padded.extend(bytes(-len(padded) % _RATE))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for lane in range(_RATE // 8):
            at = start + 8 * lane
            lanes[lane] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _permuted(lanes: list[int]) -> list[int]:
    for constant in _CONSTANTS:
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        mixed = [columns[x - 1] ^ _turned(columns[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[place % 5] for place, lane in enumerate(lanes)]
        moved = [lanes[0]] * 25
        for place, by in _TURNS:
            x, y = place % 5, place // 5
            moved[y + 5 * ((2 * x + 3 * y) % 5)] = _turned(lanes[place], by)
        lanes = [
            moved[place] ^ (~moved[row + (place + 1) % 5] & moved[row + (place + 2) % 5])
            for place in range(25)
            for row in (place - place % 5,)
        ]
        lanes[0] ^= constant
    return lanes


def _turned(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & _MASK
