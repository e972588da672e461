"""What came to the order hooks lately: when, what was answered, and nothing of what was in it."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime
from typing import Final, NamedTuple

KEPT: Final = 30
"""Posts that are remembered for each hook, by this process."""
_HOOKS: Final = 1_000


class Post(NamedTuple):
    """One post to a hook."""

    at: datetime
    size: int
    """Bytes of the body."""
    events: int
    """Events that it became."""
    applied: int
    duplicates: int
    code: str = ""
    """Why it, or the first of its events, was refused; empty where nothing was."""
    detail: str = ""


class Lately:
    """Remembers the last posts of each hook for as long as this process lives."""

    def __init__(self) -> None:
        """Begin with none."""
        self._guard = threading.Lock()
        self._posts: dict[int, deque[Post]] = {}

    def note(self, hook_id: int, post: Post) -> None:
        """Remember a post.

        Args:
            hook_id: of a hook that there is.
            post: what came of it.
        """
        with self._guard:
            if hook_id not in self._posts and len(self._posts) >= _HOOKS:
                del self._posts[next(iter(self._posts))]
            self._posts.setdefault(hook_id, deque(maxlen=KEPT)).append(post)

    def posts(self, hook_id: int) -> list[Post]:
        """Tell what came lately.

        Args:
            hook_id: to which hook.

        Returns:
            Posts, newest first.
        """
        with self._guard:
            return list(reversed(self._posts.get(hook_id, ())))
