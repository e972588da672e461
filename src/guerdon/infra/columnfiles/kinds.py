"""What a column holds."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["integer", "text", "instant", "hashes"]


class Column(NamedTuple):
    """One column."""

    name: str
    kind: Kind
    """`hashes` is a list of 32 bytes each; an instant is in microseconds, UTC."""
