"""The line to another engine: commands go out, answers come back; what was not answered comes home."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol, cast

from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command
from guerdon.web.peers.wire import (
    Asked,
    Frames,
    Kind,
    TornFrameError,
    asking,
    hello,
    pack,
    read_hello,
    read_told,
    words_digest,
)

_HIGH_WATER: Final = 4 * 1024 * 1024
"""Bytes that wait to be read over there; with more a command stays here."""


class Waiter(Protocol):
    """Who waits for answers in the event loop."""

    def take(self, answers: Sequence[tuple[int, Answer]]) -> None:
        """Take answers.

        Args:
            answers: the place of each command, and its answer.
        """


class Owed(NamedTuple):
    """A command that was handed over and is not answered."""

    command: Command
    names: Sequence[int]
    """Whom it is about, as `accounts.names_of` gives them."""
    waiter: Waiter


class LineEvents(Protocol):
    """Who is told what happens on a line."""

    def joined(self, line: Line) -> None:
        """Hear that the other side understands."""

    def answered(self, owed: Owed, answer: Answer) -> None:
        """Hear an answer."""

    def left(self, line: Line) -> None:
        """Hear that the other side wants nothing more."""

    def lost(self, line: Line, owed: Sequence[Owed]) -> None:
        """Hear that the line ended, with what was not answered, in order."""


class Line(asyncio.Protocol):
    """One connection to another engine of this machine."""

    def __init__(self, engine: str, events: LineEvents, clock: Callable[[], float]) -> None:
        """Describe it; the event loop connects it.

        Args:
            engine: id of this engine.
            events: told what happens.
            clock: seconds of a clock that only goes forward.
        """
        self._engine = engine
        self._events = events
        self._clock = clock
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._owed: dict[int, Owed] = {}
        self._outgoing: list[Asked] = []
        self._numbers = 0
        self.peer = ""
        """Id of the engine over there; empty until it has spoken."""
        self.heard_at = clock()
        """When anything last came from there."""
        self.is_open = False
        """Whether it may be asked."""

    @property
    def owed(self) -> int:
        """How many commands are not answered."""
        return len(self._owed)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Speak first."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(hello(self._engine))

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self.heard_at = self._clock()
        try:
            for kind, body in self._frames.feed(data):
                self._read(kind, body)
        except TornFrameError:
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what was not answered."""
        del exc
        self.is_open = False
        owed, self._owed = list(self._owed.values()), {}
        self._events.lost(self, owed)

    def ask(self, command: Command, names: Sequence[int], waiter: Waiter) -> bool:
        """Hand a command over.

        Args:
            command: one of those that can be carried.
            names: whom it is about.
            waiter: told the answer.

        Returns:
            Whether it went; not where the other side reads too slowly.
        """
        transport = self._transport
        if transport is None or not self.is_open or transport.get_write_buffer_size() > _HIGH_WATER:
            return False
        self._numbers += 1
        self._owed[self._numbers] = Owed(command, names, waiter)
        self._outgoing.append(pack(self._numbers, command))
        if len(self._outgoing) == 1:
            # All that comes in this round of the event loop goes in one frame.
            asyncio.get_running_loop().call_soon(self._flush)
        return True

    def drop(self) -> None:
        """End the line at once."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(asking(outgoing))

    def _read(self, kind: int, body: bytes) -> None:
        if kind == Kind.TELL:
            for told in read_told(body):
                owed = self._owed.pop(told.number, None)
                if owed is not None:
                    self._events.answered(owed, told.answer)
        elif kind == Kind.HELLO:
            said = read_hello(body)
            if said.words != words_digest():
                # A newer or an older release: both decide under the locks until the old one is gone.
                self.peer = ""
                return
            self.peer, self.is_open = said.engine, True
            self._events.joined(self)
        elif kind == Kind.LEAVE:
            self.is_open = False
            self._events.left(self)
        elif kind != Kind.BEAT:
            raise TornFrameError(f"a frame of kind {kind}")
