"""Feeding: lines of files, in order of time, to whatever takes events in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
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


class Keeper(Protocol):
    """Remembers how far a feed has come."""

    @property
    def answered(self) -> int:
        """How many lines, in order, were answered before."""

    def summary(self) -> Summary:
        """Give the sums of what was answered before.

        Returns:
            Counts by what became of the lines.
        """

    def move(self, answered: int, last_applied: int, summary: Summary) -> None:
        """Keep that more was answered.

        Args:
            answered: lines in order, from the first.
            last_applied: place of the last of them that was applied; -1 for none.
            summary: the sums so far.
        """


def feed(
    lines: LineIndex, destination: Destination, listener: Listener, keeper: Keeper | None = None
) -> Summary:
    """Send all lines and wait for what became of each.

    Args:
        lines: events, in order of time.
        destination: takes them in.
        listener: hears of refusals and progress.
        keeper: knows what was answered before and is not sent again; None sends everything.

    Returns:
        The sums, of what was answered before too. Sending everything again is harmless: what was applied is
        then a duplicate.

    Raises:
        Problem: what the destination raises; what was sent before stays applied.
    """
    summary, start = Summary(), 0
    if keeper is not None:
        summary, start = keeper.summary(), keeper.answered
    if not start:
        for one in lines.unread:
            _refuse_row(one, listener, summary)
    progress = _Progress(lines, listener, keeper, summary, start)
    under_way: deque[_Sent] = deque()
    with ExitStack() as stack:
        read = lines.reader(stack)
        for some in batches(lines, start):
            texts = [read(index) for index in some]
            under_way.append((some, texts, destination.send(texts)))
            if len(under_way) >= _UNDER_WAY:
                progress.answer(under_way.popleft())
        while under_way:
            progress.answer(under_way.popleft())
    return summary


_Sent = tuple[list[int], list[bytes], Callable[[], Sequence[Outcome]]]


@dataclass(slots=True)
class _Progress:
    """Takes answers, in the order in which lines were sent."""

    lines: LineIndex
    listener: Listener
    keeper: Keeper | None
    summary: Summary
    answered: int

    def answer(self, sent: _Sent) -> None:
        indexes, texts, wait = sent
        last_applied = -1
        for place, (index, text, outcome) in enumerate(zip(indexes, texts, wait(), strict=True)):
            self.summary.count(outcome)
            if outcome.status == "rejected":
                self.listener.refused(Refused(*self.lines.place_of(index), outcome, text))
            else:
                last_applied = self.answered + place
        self.answered += len(indexes)
        self.listener.told(sum(map(self.lines.size_of, indexes)), self.summary)
        if self.keeper is not None:
            self.keeper.move(self.answered, last_applied, self.summary)


def _refuse_row(one: Unread, listener: Listener, summary: Summary) -> None:
    column = f"column {one.column}: " if one.column else ""
    outcome = Outcome("rejected", one.code, column + one.detail)
    summary.count(outcome)
    listener.refused(Refused(one.file, one.line, outcome, b""))


def batches(lines: LineIndex, start: int = 0) -> Iterator[list[int]]:
    """Cut lines into what is sent at once.

    Args:
        lines: in order of time.
        start: how many of them are left out, from the first.

    Yields:
        Numbers of at most 1,000 lines that come to at most 8 MiB, or of one line that is longer.
    """
    some: list[int] = []
    size = 0
    for index in islice(lines.order, start, None):
        size += lines.size_of(index)
        if some and (len(some) == BATCH or size > BYTES):
            yield some
            some, size = [], lines.size_of(index)
        some.append(index)
    if some:
        yield some
