"""Named places at which a test may have this process killed, as a power cut would."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Literal

Name = Literal[
    "before_lock",
    "after_write",
    "in_commit",
    "after_commit",
    "anchor_stored",
    "anchor_sent",
    "metrics_counted",
    "boards_followed",
    "board_closed",
    "raffle_drawn",
    "referral_reviewed",
    "told",
]

_VARIABLE = "GUERDON_FAILPOINT"
_IN_FILE = "@"


def _never(name: Name, last_act: Callable[[], object] | None = None) -> None:
    """Pass by: no failpoint is armed."""


def _armed(text: str) -> Callable[..., None]:
    wanted, _, count = text.strip().partition(":")
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


def _armed_later(file: Path) -> Callable[..., None]:
    armed: list[Callable[..., None]] = []

    def reach(name: Name, last_act: Callable[[], object] | None = None) -> None:
        if not armed and file.exists():
            armed.append(_armed(file.read_text(encoding="utf-8")))
        for one in armed:
            one(name, last_act)

    return reach


def _chosen(text: str) -> Callable[..., None]:
    if not text:
        return _never
    return _armed_later(Path(text.removeprefix(_IN_FILE))) if text.startswith(_IN_FILE) else _armed(text)


reach: Callable[..., None] = _chosen(os.environ.get(_VARIABLE, ""))
"""Come by a failpoint: `reach(name, last_act)` kills the process at the n-th time where `name:n` is armed.

`@FILE` arms what the file says as soon as it is there, so that a process need not start again for it.
"""
