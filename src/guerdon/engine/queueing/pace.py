"""How many bulk commands are one batch where somebody may be kept waiting by it."""

from __future__ import annotations

from typing import Final

_GROWTH: Final = 4
"""A batch grows by at most one in so many at a time, and shrinks to its half."""


class Pace:
    """The length of bulk batches, found from what the last ones took.

    A batch has costs of its own (round trips, the commit), so that what it takes divided by its commands says
    little: in a slow moment that would cut batches down until they are nothing but such costs. So its length
    is what is adjusted: in proportion, never under a least, slowly up and fast down.
    """

    def __init__(self, work_ns: int, least: int, most: int) -> None:
        """Begin with the least.

        Args:
            work_ns: nanoseconds that a batch is to take.
            least: commands; fewer are never worth a batch of their own.
            most: commands.
        """
        self._work_ns = max(1, work_ns)
        self._most = max(1, most)
        self._least = min(max(1, least), self._most)
        self._length = self._least

    @property
    def length(self) -> int:
        """Commands of the next bulk batch."""
        return self._length

    def told(self, commands: int, spent_ns: int) -> None:
        """Learn from a batch that was all bulk.

        Args:
            commands: of it, at least one.
            spent_ns: nanoseconds it took, its commit with it.
        """
        if commands < self._length and spent_ns <= self._work_ns:
            # A short one in time says nothing of longer ones.
            return
        fitting = commands * self._work_ns // max(1, spent_ns)
        longest = self._length + max(1, self._length // _GROWTH)
        aimed = min(max(fitting, self._length // 2), longest)
        self._length = min(max(aimed, self._least), self._most)
