"""Whose turn it is: of the programs that have work, those for whom somebody waits go first."""

from __future__ import annotations

from collections import deque

from guerdon.engine.compiled import ProgramKey
from guerdon.engine.queueing.lanes import Lanes


class Turns:
    """The programs that have work, in order."""

    def __init__(self, lanes: dict[ProgramKey, Lanes], passes: int) -> None:
        """Begin with none.

        Args:
            lanes: of all programs.
            passes: so often may the first in line be passed over for others for whom somebody waits.
        """
        self._lanes = lanes
        self._passes = passes
        self._passed = 0
        self._line: deque[ProgramKey] = deque()

    def __len__(self) -> int:
        return len(self._line)

    def __contains__(self, key: ProgramKey) -> bool:
        return key in self._line

    def add(self, key: ProgramKey) -> None:
        """Queue a program that is not in line.

        Args:
            key: whose.
        """
        self._line.append(key)

    def remove(self, key: ProgramKey) -> None:
        """Take a program out of the line.

        Args:
            key: one that is in it.
        """
        self._line.remove(key)

    def clear(self) -> None:
        """Take all of them out."""
        self._line.clear()

    def next(self) -> ProgramKey:
        """Take whose turn it is out of the line, which must not be empty.

        Returns:
            The first for whom somebody waits; the first in line where there is none, or where it was passed
            over too often.
        """
        if self._passed < self._passes:
            for place, key in enumerate(self._line):
                if self._lanes[key].interactive:
                    self._passed = self._passed + 1 if place else 0
                    del self._line[place]
                    return key
        self._passed = 0
        return self._line.popleft()
