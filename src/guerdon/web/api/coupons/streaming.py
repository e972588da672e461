"""Codes of a batch as they go over the wire: written as they are made, few in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

_PIECE: Final = 8_192
"""Codes that are sent at once."""


def code_pieces(codes: Iterator[str], form: str) -> Iterator[bytes]:
    """Write codes for a file.

    Args:
        codes: as people see them.
        form: `csv` or `ndjson`.

    Yields:
        Pieces of the file.
    """
    if form == "csv":
        yield b"code\n"
    while some := list(islice(codes, _PIECE)):
        lines = (
            '{"code":"' + '"}\n{"code":"'.join(some) + '"}\n' if form == "ndjson" else "\n".join(some) + "\n"
        )
        yield lines.encode("ascii")
