"""A job that comes round: when it last ran, how long, with which fault, and asked to run at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple


class Known(NamedTuple):
    """What is known of a job at one moment."""

    name: str
    every: timedelta
    """Between the end of a round and the beginning of the next, where nothing waits."""
    runs: int
    failures: int
    began_at: datetime | None
    """Of the last round, or of the one that is under way."""
    is_running: bool
    seconds: float
    """How long the last round took."""
    fault: str
    """The class or code of what the last failed round ended with; empty where the last one went well."""
    failed_at: datetime | None
    next_at: datetime | None
    can_be_asked: bool


class Round:
    """One job of this process."""

    def __init__(self, name: str, every_seconds: float, clock: Callable[[], datetime]) -> None:
        """Describe it.

        Args:
            name: a word such as `ticks`.
            every_seconds: between two rounds.
            clock: tells the time, UTC.
        """
        self.name = name
        self._every = timedelta(seconds=every_seconds)
        self._clock = clock
        self._guard = threading.Lock()
        self._wake: Callable[[], None] | None = None
        self._runs = self._failures = 0
        self._began_at: datetime | None = None
        self._ended_at: datetime | None = None
        self._failed_at: datetime | None = None
        self._is_running = False
        self._seconds = 0.0
        self._fault = ""

    def wakes(self, wake: Callable[[], None]) -> None:
        """Say how the job is made to run at once.

        Args:
            wake: called from any thread.
        """
        self._wake = wake

    def ask(self) -> bool:
        """Ask the job to run at once.

        Returns:
            Whether it can be asked.
        """
        if self._wake is None:
            return False
        self._wake()
        return True

    @contextmanager
    def running(self) -> Iterator[None]:
        """Note one round; what it raises is noted too, and goes on.

        Yields:
            Nothing.
        """
        with self._guard:
            self._began_at, self._is_running = self._clock(), True
        started = time.perf_counter()
        fault = ""
        try:
            yield
        except BaseException as error:
            fault = str(getattr(error, "code", "")) or type(error).__name__
            raise
        finally:
            with self._guard:
                self._runs += 1
                self._is_running, self._fault = False, fault
                self._seconds = time.perf_counter() - started
                self._ended_at = self._clock()
                if fault:
                    self._failures += 1
                    self._failed_at = self._ended_at

    def known(self) -> Known:
        """Tell how it goes.

        Returns:
            All of one moment.
        """
        with self._guard:
            next_at = self._ended_at + self._every if self._ended_at and not self._is_running else None
            return Known(
                self.name,
                self._every,
                self._runs,
                self._failures,
                self._began_at,
                self._is_running,
                self._seconds,
                self._fault,
                self._failed_at,
                next_at,
                self._wake is not None,
            )


class Rounds:
    """All jobs of this process."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Begin with none.

        Args:
            clock: tells the time, UTC.
        """
        self._clock = clock
        self._rounds: dict[str, Round] = {}
        self.since = clock()
        """When this process began to count."""

    def add(self, name: str, every_seconds: float) -> Round:
        """Make a job known; one of the same name is replaced.

        Args:
            name: a word such as `ticks`.
            every_seconds: between two rounds.

        Returns:
            The job, to be told of its rounds.
        """
        made = self._rounds[name] = Round(name, every_seconds, self._clock)
        return made

    def find(self, name: str) -> Round | None:
        """Find a job.

        Args:
            name: its word.

        Returns:
            The job, None where there is none.
        """
        return self._rounds.get(name)

    def known(self) -> list[Known]:
        """Tell how all of them go.

        Returns:
            In the order in which they were made known.
        """
        return [one.known() for one in list(self._rounds.values())]
