"""A thread that works until nothing is left, pauses, and begins again after whatever went wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import psycopg
import structlog

from guerdon.base.errors import Problem
from guerdon.infra.rounds.round import Round

_LOG = structlog.get_logger(__name__)
_AFTER_FAILURE_SECONDS: Final = 5.0


class Worker:
    """One job's thread."""

    def __init__(self, round_: Round, pause_seconds: float, work: Callable[[], bool]) -> None:
        """Describe it; nothing runs before `start`.

        Args:
            round_: where it is noted how each round went; it is woken by it too.
            pause_seconds: between two rounds where nothing was left.
            work: does one round's work, and says whether there may be more at once.
        """
        self._round = round_
        self._pause_seconds = pause_seconds
        self._work = work
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        round_.wakes(self.wake)

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to end, so that a long round can end early."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name=self._round.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the present round."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Begin the next round at once."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            pause = self._one_round()
            if pause:
                self._wake.wait(pause)

    def _one_round(self) -> float:
        """Run a round, and give the seconds to wait after it."""
        try:
            with self._round.running():
                more = self._work()
        except (Problem, psycopg.Error) as error:
            # The next round finds what this one left.
            _LOG.warning("round_postponed", job=self._round.name, fault=type(error).__name__)
            return _AFTER_FAILURE_SECONDS
        except Exception as error:  # noqa: BLE001 - one bad round must not end all that follow
            _LOG.error("round_failed", job=self._round.name, fault=type(error).__name__)
            return _AFTER_FAILURE_SECONDS
        return 0.0 if more else self._pause_seconds
