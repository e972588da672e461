"""Which accounts are asked about so often that two engines would wait for one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_SECONDS: Final = 1.0


class Heat:
    """Counts calls about each account, second by second."""

    def __init__(self, least: int, clock: Callable[[], float]) -> None:
        """Begin with nothing.

        Args:
            least: calls a second about one account from which on it is hot.
            clock: seconds of a clock that only goes forward.
        """
        self._least = least
        self._clock = clock
        self._ends = clock() + _SECONDS
        self._counts: dict[int, int] = {}
        self._hot: set[int] = set()
        """Those that were hot in the second before."""

    def note(self, account_id: int) -> bool:
        """Count a call.

        Args:
            account_id: about which account.

        Returns:
            Whether the account is hot: in this second, or in the one before.
        """
        now = self._clock()
        if now >= self._ends:
            # After a second without any call there is nothing to go on from.
            is_next = now < self._ends + _SECONDS
            least = self._least
            self._hot = {one for one, count in self._counts.items() if count >= least} if is_next else set()
            self._counts = {}
            self._ends = now + _SECONDS
        count = self._counts[account_id] = self._counts.get(account_id, 0) + 1
        return count >= self._least or account_id in self._hot
