"""The two queues of one program: whoever waits for an answer goes before whoever brings thousands."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from guerdon.engine.commands import Job


class Lanes:
    """The two queues of one program."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.interactive: deque[Job] = deque()
        self.bulk: deque[Job] = deque()
        self.loading = False
        """Whether its definition is being compiled beside."""

    def __len__(self) -> int:
        return len(self.interactive) + len(self.bulk)

    def put(self, jobs: Sequence[Job]) -> None:
        """Queue jobs in their lanes.

        Args:
            jobs: of this program.
        """
        for job in jobs:
            (self.bulk if job.command.bulk else self.interactive).append(job)

    def put_back(self, jobs: Sequence[Job]) -> None:
        """Return a batch that was not begun, in front of what came since.

        Args:
            jobs: as they were taken.
        """
        for job in reversed(jobs):
            (self.bulk if job.command.bulk else self.interactive).appendleft(job)

    def take(self, most: int, bulk_most: int, bulk_share: int) -> list[Job]:
        """Take the next batch.

        Args:
            most: commands of a batch.
            bulk_most: commands of a batch that is all bulk.
            bulk_share: beside interactive commands bulk gets one place for so many others, at least one.

        Returns:
            Interactive commands first. Who waits alone has one bulk command for company and not a batch of
            them; whose batch is full shares it, so that bulk goes on however many wait.
        """
        if not self.interactive:
            return [self.bulk.popleft() for _ in range(min(len(self.bulk), bulk_most))]
        waiting = min(len(self.interactive), most)
        spared = min(len(self.bulk), bulk_most, max(1, waiting // bulk_share))
        jobs = [self.interactive.popleft() for _ in range(max(1, min(waiting, most - spared)))]
        jobs += [self.bulk.popleft() for _ in range(min(spared, most - len(jobs)))]
        return jobs
