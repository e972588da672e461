"""Named places at which a test may have this process killed, as a power cut would."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Literal

Name = Literal["before_lock", "after_write", "in_commit", "after_commit", "anchor_stored", "anchor_sent"]

_VARIABLE = "GUERDON_FAILPOINT"


def _never(name: Name, last_act: Callable[[], object] | None = None) -> None:
    """Pass by: no failpoint is armed."""


def _armed(text: str) -> Callable[..., None]:
    wanted, _, count = text.partition(":")
    left = [int(count or "1")]

    def reach(name: Name, last_act: Callable[[], object] | None = None) -> None:
        if name != wanted:
            return
        left[0] -= 1
        if left[0] == 0:
            if last_act is not None:
                last_act()
            # No cleaning up, no goodbye to the server: that is the point.
            os.kill(os.getpid(), signal.SIGKILL)

    return reach


reach: Callable[..., None] = _armed(os.environ[_VARIABLE]) if os.environ.get(_VARIABLE) else _never
"""Come by a failpoint: `reach(name, last_act)` kills the process at the n-th time where `name:n` is armed."""
