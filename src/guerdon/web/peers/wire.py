"""What engines of one machine say to one another: msgpack in frames, a length and a kind before each."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import msgspec

from guerdon.engine.answers import Answer
from guerdon.engine.commands import (
    CancelCheckout,
    Command,
    ConfirmCheckout,
    IngestEvent,
    OpenCheckout,
    RedeemReward,
)

CARRIED: Final[tuple[type[Command], ...]] = (
    IngestEvent,
    RedeemReward,
    OpenCheckout,
    ConfirmCheckout,
    CancelCheckout,
)
"""What can be handed over; a kind's place is its name on the wire."""
_HEAD: Final = struct.Struct(">IB")
_LONGEST: Final = 256 * 1024 * 1024
"""Bytes of a frame; more is none of ours."""


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 1
    ASK = 2
    TELL = 3
    BEAT = 4
    """The lease is renewed."""
    LEAVE = 5
    """Nothing more is wanted here; what was asked is still answered."""


class Hello(msgspec.Struct, frozen=True):
    """Who speaks, and how."""

    engine: str
    words: str
    """Digest of the language: engines of other versions do not understand one another."""


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A command that is handed over."""

    number: int
    """Names it on this line."""
    kind: int
    """Place in `CARRIED`."""
    command: msgspec.Raw


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What became of it."""

    number: int
    answer: Answer


_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class TornFrameError(ValueError):
    """What came is no frame of ours."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_COMMANDS: Final = {place: msgspec.msgpack.Decoder(kind) for place, kind in enumerate(CARRIED)}
_KINDS: Final = {kind: place for place, kind in enumerate(CARRIED)}
_ASKED: Final = msgspec.msgpack.Decoder(list[Asked])
_TOLD: Final = msgspec.msgpack.Decoder(list[Told])
_HELLO: Final = msgspec.msgpack.Decoder(Hello)


@cache
def words_digest() -> str:
    """Name the language of this code.

    Returns:
        A digest that changes with any field of what is handed over, and with the release.
    """
    schema = msgspec.json.schema_components([*CARRIED, Answer])
    text = msgspec.json.encode([version("guerdon"), schema], order="deterministic")
    return hashlib.sha256(text).hexdigest()[:32]


def frame(kind: Kind, body: bytes = b"") -> bytes:
    """Write a frame.

    Args:
        kind: what it is.
        body: what it says.

    Returns:
        Bytes for the line.
    """
    return _HEAD.pack(len(body), kind) + body


def hello(engine: str) -> bytes:
    """Write the first frame of a line.

    Args:
        engine: the speaker's id.

    Returns:
        Bytes for the line.
    """
    return frame(Kind.HELLO, _ENCODER.encode(Hello(engine, words_digest())))


def read_hello(body: bytes) -> Hello:
    """Read the first frame.

    Args:
        body: of the frame.

    Returns:
        Who speaks.

    Raises:
        TornFrameError: it is no hello.
    """
    try:
        return _HELLO.decode(body)
    except _UNREADABLE as error:
        raise TornFrameError("no hello") from error


def pack(number: int, command: Command) -> Asked:
    """Make a command ready for the line.

    Args:
        number: names it on this line.
        command: one of the kinds in `CARRIED`.

    Returns:
        What `asking` writes.
    """
    return Asked(number, _KINDS[type(command)], msgspec.Raw(_ENCODER.encode(command)))


def asking(asked: Sequence[Asked]) -> bytes:
    """Write a frame with commands.

    Args:
        asked: what is handed over, in order.

    Returns:
        Bytes for the line.
    """
    return frame(Kind.ASK, _ENCODER.encode(asked))


def read_asked(body: bytes) -> list[tuple[int, Command]]:
    """Read a frame with commands.

    Args:
        body: of the frame.

    Returns:
        Numbers and commands, in order.

    Raises:
        TornFrameError: it is not what `asking` writes.
    """
    try:
        return [(one.number, _COMMANDS[one.kind].decode(one.command)) for one in _ASKED.decode(body)]
    except (*_UNREADABLE, KeyError) as error:
        raise TornFrameError("no commands") from error


def telling(told: Sequence[Told]) -> bytes:
    """Write a frame with answers.

    Args:
        told: numbers and answers.

    Returns:
        Bytes for the line.
    """
    return frame(Kind.TELL, _ENCODER.encode(told))


def read_told(body: bytes) -> list[Told]:
    """Read a frame with answers.

    Args:
        body: of the frame.

    Returns:
        Numbers and answers.

    Raises:
        TornFrameError: it is not what `telling` writes.
    """
    try:
        return _TOLD.decode(body)
    except _UNREADABLE as error:
        raise TornFrameError("no answers") from error


class Frames:
    """Cuts what arrives into frames."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take what arrived.

        Args:
            data: any part of the stream.

        Yields:
            Kind and body of each frame that is whole now.

        Raises:
            TornFrameError: it is no frame of ours.
        """
        rest: Any = self._rest
        rest += data
        place = 0
        while len(rest) - place >= _HEAD.size:
            length, kind = _HEAD.unpack_from(rest, place)
            if length > _LONGEST:
                raise TornFrameError("a frame that is too long")
            end = place + _HEAD.size + length
            if len(rest) < end:
                break
            body = bytes(rest[place + _HEAD.size : end])
            place = end
            yield kind, body
        del rest[:place]
