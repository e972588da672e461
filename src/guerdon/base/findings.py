"""What an audit found: something stored that is not what follows from the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Progress = Callable[[str, int, int], None]
"""Hears of an audit: which part it is at, how much of that is done, and how much there is."""


def unheard(part: str, done: int, total: int) -> None:
    """Hear nothing.

    Args:
        part: which.
        done: of it.
        total: all of it.
    """


class Finding(NamedTuple):
    """Something that does not hold."""

    code: str
    """Stable snake_case name of what was compared, such as `leaf_hash`."""
    table: str
    key: str
    """Which row, as people write it: the account first, then what tells its rows apart."""
    expected: str
    found: str
    account_id: int = 0
    """0 where it is about no account."""

    @property
    def detail(self) -> str:
        """The whole in one line."""
        return f"{self.table} {self.key}: expected {self.expected}, found {self.found}"
