"""The postman: signs, sends, and decides from the answer when to come again."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, TypeVar

import psycopg
import structlog

from guerdon.base.errors import Problem
from guerdon.connect.sealing import SecretBox
from guerdon.connect.webhooks import deliveries
from guerdon.connect.webhooks.deliveries import Due, Outcome, Taken
from guerdon.connect.webhooks.endpoints import owner_of
from guerdon.connect.webhooks.signing import message_text, sign
from guerdon.infra.db import Database
from guerdon.infra.http import Outgoing, Reply
from guerdon.infra.tx import Tx

_LOG = structlog.get_logger(__name__)
T = TypeVar("T")
_GONE: Final = 410
_LEAVE_ALONE: Final = frozenset({429, 503})
_LONGEST_WISH: Final = timedelta(hours=24)
_STORING: Final = 4
USER_AGENT: Final = "Guerdon-Webhooks/1"


class Tempo(NamedTuple):
    """How soon a failed delivery is tried again: first · factor^n, at most longest, ± a quarter."""

    first: timedelta = timedelta(seconds=5)
    factor: int = 4
    longest: timedelta = timedelta(hours=12)
    at_once: int = 4
    """Deliveries in flight by endpoint."""

    def pause(self, attempts: int, chance: random.Random) -> timedelta:
        """Give the pause after a failure.

        Args:
            attempts: failed attempts before this one.
            chance: a seeded source.

        Returns:
            The pause.
        """
        grown = min(self.first * int(self.factor ** min(attempts, 20)), self.longest)
        return grown * chance.uniform(0.75, 1.25)


def wished_pause(header: str | None, now: datetime) -> timedelta:
    """Read a `Retry-After` header.

    Args:
        header: seconds or an HTTP date, None where it was not sent.
        now: when it came.

    Returns:
        How long the endpoint wants to be left alone, at most 24 hours; nothing where it cannot be read.
    """
    if header is None:
        return timedelta()
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WISH)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return timedelta()
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta()), _LONGEST_WISH)


class Surroundings(NamedTuple):
    """What a postman works with."""

    database: Database
    master_key: bytes
    clock: Callable[[], datetime]
    chance: random.Random
    tempo: Tempo = Tempo()
    told: Counter[str] | None = None
    """Attempts so far, by what became of them."""


class Postman:
    """Carries out deliveries; one slow endpoint keeps nobody else waiting. Belongs to one event loop."""

    def __init__(self, around: Surroundings, outgoing: Outgoing, wake: Callable[[], None]) -> None:
        """Make a postman with empty hands.

        Args:
            around: what he works with.
            outgoing: how calls are made.
            wake: called after each delivery, as there may be room for another.
        """
        self._around = around
        self._outgoing = outgoing
        self._wake = wake
        self._boxes: dict[int, SecretBox] = {}
        self._under_way: dict[int, set[asyncio.Task[None]]] = {}
        self._threads = ThreadPoolExecutor(_STORING, thread_name_prefix="deliveries")

    @property
    def in_flight(self) -> int:
        """Deliveries that are being carried out."""
        return sum(map(len, self._under_way.values()))

    async def set_out(self) -> int:
        """Take what is due and set out with it.

        Returns:
            How many deliveries were begun.

        Raises:
            Problem: `database_unavailable`.
        """
        begun = 0
        now = self._around.clock()
        for due in await self._stored(lambda tx: deliveries.list_due(tx, now)):
            free = self._around.tempo.at_once - len(self._under_way.get(due.webhook_id, ()))
            if free > 0:
                for one in await self._stored(lambda tx: deliveries.take(tx, due.webhook_id, now, free)):  # noqa: B023 - run before the next
                    self._begin(due, one)
                    begun += 1
        return begun

    async def come_home(self) -> None:
        """Stop: what is under way is put back, to be sent again by whoever comes next."""
        tasks = [task for tasks in self._under_way.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._outgoing.close()
        self._threads.shutdown()

    def _begin(self, due: Due, one: Taken) -> None:
        under_way = self._under_way.setdefault(due.webhook_id, set())
        task = asyncio.create_task(self._deliver(due, one))
        under_way.add(task)

        def done(finished: asyncio.Task[None]) -> None:
            under_way.discard(finished)
            if not under_way:
                self._under_way.pop(due.webhook_id, None)
            self._wake()

        task.add_done_callback(done)

    async def _deliver(self, due: Due, one: Taken) -> None:
        try:
            outcome = await self._attempt(due, one)
        except asyncio.CancelledError:
            now = self._around.clock()
            await self._stored(lambda tx: deliveries.release(tx, due.webhook_id, one, now))
            raise
        try:
            await self._stored(lambda tx: self._settle(tx, due, one, outcome))
            if self._around.told is not None:
                self._around.told[outcome.state] += 1
        except (Problem, psycopg.Error) as error:
            # The lease ends by itself, and the same message goes out again under the same id.
            _LOG.warning("delivery_not_settled", webhook=due.webhook_id, fault=type(error).__name__)

    async def _attempt(self, due: Due, one: Taken) -> Outcome:
        try:
            headers = self._headers(due, one)
            reply = await self._outgoing.post(due.url, headers, one.body)
        except Problem as problem:
            return self._failed(one, None, problem.code)
        except Exception as error:  # noqa: BLE001 - whatever it is, this delivery failed and the others go on
            _LOG.error("delivery_failed", webhook=due.webhook_id, fault=type(error).__name__)
            return self._failed(one, None, "internal_error")
        if 200 <= reply.status < 300:
            return Outcome("delivered", None, reply.status)
        if reply.status == _GONE:
            return Outcome("dead", None, reply.status, "gone")
        word = "redirected" if 300 <= reply.status < 400 else "refused"
        return self._failed(one, reply, word)

    def _headers(self, due: Due, one: Taken) -> dict[str, str]:
        now = self._around.clock()
        box = self._boxes.get(due.tenant_id)
        if box is None:
            box = self._boxes[due.tenant_id] = SecretBox(self._around.master_key, due.tenant_id)
        secrets = [box.open(owner_of(due.webhook_id), due.secret)]
        if due.old_secret is not None and due.old_secret_until is not None and now < due.old_secret_until:
            secrets.append(box.open(owner_of(due.webhook_id), due.old_secret))
        signed = sign(secrets, message_text(one.message_id), now, one.body)
        return {"content-type": "application/cloudevents+json", "user-agent": USER_AGENT, **signed}

    def _failed(self, one: Taken, reply: Reply | None, problem: str) -> Outcome:
        now = self._around.clock()
        status, wished = None, timedelta()
        if reply is not None:
            status, wished = reply.status, wished_pause(reply.retry_after, now)
        pause = max(self._around.tempo.pause(one.attempts, self._around.chance), wished)
        if now + pause >= one.give_up_at:
            return Outcome("dead", None, status, problem)
        return Outcome("waiting", now + pause, status, problem)

    def _settle(self, tx: Tx, due: Due, one: Taken, outcome: Outcome) -> None:
        now = self._around.clock()
        deliveries.settle(tx, due.webhook_id, one, outcome, now)
        if outcome.status == _GONE:
            deliveries.disable_gone(tx, due.webhook_id, now)
        elif outcome.status in _LEAVE_ALONE and outcome.next_at is not None:
            deliveries.leave_alone(tx, due.webhook_id, outcome.next_at)

    async def _stored(self, act: Callable[[Tx], T]) -> T:
        def run() -> T:
            with self._around.database.transaction_as("relay") as tx:
                return act(tx)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)
