"""How far accounts are with challenges."""

from guerdon.members.challenges.figures import Taking, load_holders, load_takings
from guerdon.members.challenges.rows import (
    ProgressChange,
    ask_progress,
    check_progress,
    read_progress,
    write_progress,
)

__all__ = [
    "ProgressChange",
    "Taking",
    "ask_progress",
    "check_progress",
    "load_holders",
    "load_takings",
    "read_progress",
    "write_progress",
]
