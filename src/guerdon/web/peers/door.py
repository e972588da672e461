"""The door for other engines of this machine: they hand commands in and are told the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import cast

import structlog

from guerdon.base.errors import Problem
from guerdon.engine import answers
from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command
from guerdon.web.peers.wire import (
    Frames,
    Kind,
    Told,
    TornFrameError,
    frame,
    hello,
    read_asked,
    read_hello,
    telling,
    words_digest,
)
from guerdon.web.waiting import Waiting

_LOG = structlog.get_logger(__name__)


class Door(asyncio.Protocol):
    """One connection from another engine."""

    def __init__(self, engine: str, waiting: Waiting, doors: set[Door], met: Callable[[], None]) -> None:
        """Describe it; the event loop accepts it.

        Args:
            engine: id of this engine.
            waiting: hands commands to this process's own loop.
            doors: those that are open, where it enters itself.
            met: called when the other side has spoken.
        """
        self._engine = engine
        self._waiting = waiting
        self._doors = doors
        self._met = met
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._is_understood = False
        self.pending = 0
        """Commands that are not answered yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who is here."""
        self._transport = cast("asyncio.Transport", transport)
        self._doors.add(self)
        self._transport.write(hello(self._engine))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the other side; what it asked is done all the same."""
        del exc
        self._doors.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        try:
            for kind, body in self._frames.feed(data):
                self._read(kind, body)
        except TornFrameError as error:
            _LOG.warning("neighbour_not_understood", fault=str(error))
            if self._transport is not None:
                self._transport.abort()

    def beat(self) -> None:
        """Renew the lease on the accounts of this engine, as the other side sees it."""
        self._write(frame(Kind.BEAT))

    def leave(self) -> None:
        """Say that nothing more is wanted here."""
        self._write(frame(Kind.LEAVE))

    def tell(self, told: Sequence[Told]) -> None:
        """Answer.

        Args:
            told: numbers and answers.
        """
        self.pending -= len(told)
        self._write(telling(told))

    def _read(self, kind: int, body: bytes) -> None:
        if kind == Kind.HELLO:
            self._is_understood = read_hello(body).words == words_digest()
            self._met()
        elif kind == Kind.ASK and self._is_understood:
            self._take_in(read_asked(body))
        else:
            raise TornFrameError(f"a frame of kind {kind}")

    def _take_in(self, asked: Sequence[tuple[int, Command]]) -> None:
        self.pending += len(asked)
        # The queue takes all or none, so that those of one program are asked together and refused together.
        for _, group in groupby(asked, key=lambda one: (one[1].tenant_id, one[1].program)):
            some = list(group)
            errand = _Errand(self, self._waiting, [number for number, _ in some])
            try:
                self._waiting.put([command for _, command in some], errand)
            except Problem as problem:
                refusal = answers.refused("", problem)
                self.tell([Told(number, refusal) for number, _ in some])

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


class _Errand:
    """Some commands of one frame."""

    __slots__ = ("_door", "_numbers", "_waiting", "loop")

    def __init__(self, door: Door, waiting: Waiting, numbers: Sequence[int]) -> None:
        self.loop = asyncio.get_running_loop()
        self._door = door
        self._waiting = waiting
        self._numbers = numbers

    def deliver(self, answered: Sequence[tuple[int, Answer]]) -> None:
        self._waiting.post(self, answered)

    def take(self, answers: Sequence[tuple[int, Answer]]) -> None:
        self._door.tell([Told(self._numbers[place], answer) for place, answer in answers])
