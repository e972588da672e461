"""Feeding: lines of files, in order of time, to whatever takes events in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from guerdon.base.errors import Fault
from guerdon.infra.linefiles import Unread
from guerdon.infra.lineindex import LineIndex

BATCH: Final = 1_000
"""Events sent at once."""
BYTES: Final = 8 * 2**20
"""Bytes sent at once, well under what one call may carry."""
_UNDER_WAY: Final = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event."""

    status: Literal["applied", "duplicate", "rejected"]
    code: str = ""
    detail: str = ""
    errors: tuple[Fault, ...] = ()


class Destination(Protocol):
    """Takes events in."""

    def send(self, lines: Sequence[bytes]) -> Callable[[], Sequence[Outcome]]:
        """Hand over events, to be applied in this order and after all that were sent before.

        Args:
            lines: UTF-8 JSON, one CloudEvent each.

        Returns:
            What waits for the outcomes, in the same order.

        Raises:
            Problem: the destination cannot take anything now.
        """


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not applied."""

    file: str
    line: int
    outcome: Outcome
    event: bytes
    """The line itself."""


@dataclass(slots=True)
class Summary:
    """What an import came to."""

    applied: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    """Refusals by code."""

    @property
    def events(self) -> int:
        """All lines that were answered."""
        return self.applied + self.duplicates + self.rejected

    def count(self, outcome: Outcome) -> None:
        """Count one outcome.

        Args:
            outcome: what became of an event.
        """
        if outcome.status == "applied":
            self.applied += 1
        elif outcome.status == "duplicate":
            self.duplicates += 1
        else:
            self.rejected += 1
            self.reasons[outcome.code] = self.reasons.get(outcome.code, 0) + 1


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears how an import goes."""

    refused: Callable[[Refused], None]
    told: Callable[[int, Summary], None]
    """Hears bytes answered since it was last told, and the sums so far."""


def feed(lines: LineIndex, destination: Destination, listener: Listener) -> Summary:
    """Send all lines and wait for what became of each.

    Args:
        lines: events, in order of time.
        destination: takes them in.
        listener: hears of refusals and progress.

    Returns:
        The sums. Sending everything again is harmless: what was applied is then a duplicate.

    Raises:
        Problem: what the destination raises; what was sent before stays applied.
    """
    summary = Summary()
    for one in lines.unread:
        _refuse_row(one, listener, summary)
    under_way: deque[tuple[list[int], list[bytes], Callable[[], Sequence[Outcome]]]] = deque()
    with ExitStack() as stack:
        read = lines.reader(stack)
        for some in batches(lines):
            texts = [read(index) for index in some]
            under_way.append((some, texts, destination.send(texts)))
            if len(under_way) >= _UNDER_WAY:
                _answer(lines, under_way.popleft(), listener, summary)
        while under_way:
            _answer(lines, under_way.popleft(), listener, summary)
    return summary


def _refuse_row(one: Unread, listener: Listener, summary: Summary) -> None:
    column = f"column {one.column}: " if one.column else ""
    outcome = Outcome("rejected", one.code, column + one.detail)
    summary.count(outcome)
    listener.refused(Refused(one.file, one.line, outcome, b""))


def _answer(
    lines: LineIndex,
    sent: tuple[list[int], list[bytes], Callable[[], Sequence[Outcome]]],
    listener: Listener,
    summary: Summary,
) -> None:
    indexes, texts, wait = sent
    for index, text, outcome in zip(indexes, texts, wait(), strict=True):
        summary.count(outcome)
        if outcome.status == "rejected":
            listener.refused(Refused(*lines.place_of(index), outcome, text))
    listener.told(sum(map(lines.size_of, indexes)), summary)


def batches(lines: LineIndex) -> Iterator[list[int]]:
    """Cut lines into what is sent at once.

    Args:
        lines: in order of time.

    Yields:
        Numbers of at most 1,000 lines that come to at most 8 MiB, or of one line that is longer.
    """
    some: list[int] = []
    size = 0
    for index in lines.order:
        size += lines.size_of(index)
        if some and (len(some) == BATCH or size > BYTES):
            yield some
            some, size = [], lines.size_of(index)
        some.append(index)
    if some:
        yield some
