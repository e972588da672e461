"""Which engine has which accounts: pure arithmetic over the engines that are there."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Final

RANGES: Final = 256
"""Into so many ranges the accounts are divided; a power of two."""
_WORD: Final = (1 << 64) - 1
_SPREAD: Final = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: neighbouring numbers come far apart (Knuth, TAOCP 6.4)."""
_SHIFT: Final = 64 - (RANGES.bit_length() - 1)


def range_of(account_id: int) -> int:
    """Tell in which range an account lies.

    Args:
        account_id: its number.

    Returns:
        0 to `RANGES` - 1, the same in each process.
    """
    return (account_id * _SPREAD & _WORD) >> _SHIFT


def holders(engines: Collection[str]) -> list[str]:
    """Divide the ranges among engines, so that few move when one comes or goes.

    Each range goes to the engine with the greatest hash of both (rendezvous hashing, Thaler and Ravishankar
    1998): those of an engine that ends are divided among the others, and nothing else moves.

    Args:
        engines: ids of those that are there, at least one.

    Returns:
        The holder's id by range.
    """
    return [max(engines, key=lambda engine: _weight(engine, number)) for number in range(RANGES)]


def _weight(engine: str, number: int) -> tuple[bytes, str]:
    return hashlib.blake2b(f"{engine}/{number}".encode(), digest_size=8).digest(), engine
