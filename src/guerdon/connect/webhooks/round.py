"""The thread behind webhooks: carries notices over, sends what is due, and starts again after any failure."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog

from guerdon.base.errors import Problem
from guerdon.connect.webhooks import deliveries
from guerdon.connect.webhooks.fanout import FanOut
from guerdon.connect.webhooks.postman import Postman, Surroundings
from guerdon.infra.http import Outgoing, Reach
from guerdon.infra.rounds import Rounds

_LOG = structlog.get_logger(__name__)
_PAUSE_SECONDS: Final = 0.5
_AFTER_FAILURE_SECONDS: Final = 5.0
_TIDY_EVERY: Final = timedelta(hours=1)


class Relay:
    """Notices to webhooks, in a thread of its own."""

    def __init__(
        self,
        around: Surroundings,
        reach: Reach,
        pause_seconds: float = _PAUSE_SECONDS,
        rounds: Rounds | None = None,
    ) -> None:
        """Describe it; nothing runs before `start`.

        Args:
            around: database, keys, clock and chance.
            reach: how far and how long calls go.
            pause_seconds: between two looks at a quiet outbox.
            rounds: where it is noted how each round went.
        """
        rounds = rounds or Rounds(around.clock)
        self._telling = rounds.add("webhooks", pause_seconds)
        self._tidying = rounds.add("webhook_retention", _TIDY_EVERY.total_seconds())
        self._is_tidy_asked = threading.Event()
        self._telling.wakes(self._wake_from_outside)
        self._tidying.wakes(self._ask_tidy)
        self._around = around
        self._reach = reach
        self._pause = pause_seconds
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._awake: asyncio.Event | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End: what is under way is put back."""
        self._stopping.set()
        self._wake_from_outside()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _wake_from_outside(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                _LOG.debug("relay_ended_first")

    def _ask_tidy(self) -> None:
        self._is_tidy_asked.set()
        self._wake_from_outside()

    def _run(self) -> None:
        asyncio.run(self._work())

    def _wake(self) -> None:
        if self._awake is not None:
            self._awake.set()

    async def _work(self) -> None:
        self._loop, self._awake = asyncio.get_running_loop(), asyncio.Event()
        fan_out = FanOut(self._around.database, self._around.clock)
        postman = Postman(self._around, Outgoing(self._reach), self._wake)
        registered, tidied = False, self._around.clock()
        try:
            while not self._stopping.is_set():
                pause = self._pause
                self._awake.clear()
                try:
                    with self._telling.running():
                        if not registered:
                            await asyncio.to_thread(fan_out.register)
                            registered = True
                        more = await asyncio.to_thread(fan_out.carry)
                        begun = await postman.set_out()
                    tidied = await self._tidy(tidied)
                    pause = 0.0 if more or begun else pause
                except (Problem, psycopg.Error) as error:
                    # The next round finds what this one left.
                    _LOG.warning("webhooks_postponed", fault=type(error).__name__)
                    pause = _AFTER_FAILURE_SECONDS
                except Exception as error:  # noqa: BLE001 - one bad round must not end all that follow
                    _LOG.error("webhooks_failed", fault=type(error).__name__)
                    pause = _AFTER_FAILURE_SECONDS
                await self._rest(pause)
        finally:
            await postman.come_home()

    async def _rest(self, seconds: float) -> None:
        assert self._awake is not None
        if self._stopping.is_set():
            return
        try:
            await asyncio.wait_for(self._awake.wait(), seconds)
        except TimeoutError:
            return

    async def _tidy(self, tidied: datetime) -> datetime:
        now = self._around.clock()
        if now - tidied < _TIDY_EVERY and not self._is_tidy_asked.is_set():
            return tidied
        self._is_tidy_asked.clear()

        def run() -> None:
            with self._around.database.transaction_as("relay") as tx:
                deliveries.tidy(tx, now)

        with self._tidying.running():
            await asyncio.to_thread(run)
        return now
