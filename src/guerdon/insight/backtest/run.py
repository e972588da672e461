"""A whole backtest: read, fold, settle, add up; in one process or in several, with the same report."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from typing import Any, Final, NamedTuple

from guerdon.base.errors import Fault, Problem
from guerdon.infra.linefiles import Unread
from guerdon.insight.backtest.fold import Fact, Fold
from guerdon.insight.backtest.history import History, split_by_account
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition_with_positions
from guerdon.rules.limits import NO_LIMITS, Limits
from guerdon.rules.program import Program
from guerdon.rules.report import Tally, report_of
from guerdon.rules.state import MemberState
from guerdon.rules.step import exactly

_AT_ONCE: Final = 512

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be tried."""

    definition: bytes
    """The document."""
    filename: str
    """How it is called in messages."""
    until: datetime | None = None
    """When the history ends; None: at the end of the local day of its last event."""
    jobs: int = 1
    """Processes, at most."""
    people: Mapping[str, MemberState] | None = None
    """Owners by account name, where the history is our own; it is run in one process then."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that was not applied, and why."""

    file: str
    line: int
    code: str
    detail: str
    errors: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Timings:
    """CPU seconds of each part."""

    index: float = 0
    parse: float = 0
    fold: float = 0
    report: float = 0

    def add(self, other: Timings) -> None:
        """Add the seconds of another process.

        Args:
            other: what it took there.
        """
        self.index += other.index
        self.parse += other.parse
        self.fold += other.fold
        self.report += other.report


@dataclass(slots=True)
class Backtest:
    """What came of it."""

    program: Program
    tally: Tally
    report: dict[str, Any]
    rejects: list[Reject]
    timings: Timings
    processes: int


@dataclass(slots=True)
class _Part:
    """What one process found."""

    tally: Tally
    duplicates: int = 0
    left_out: int = 0
    rejects: list[tuple[int, Reject]] = field(default_factory=list)
    """With the line's place in order of input."""
    failure: tuple[str, str] | None = None
    """Code and detail of what ended it early, in a process of its own."""
    timings: Timings = field(default_factory=Timings)


def run_backtest(request: Request, history: History, told: Told | None = None) -> Backtest:
    """Run a definition over a history.

    Args:
        request: the definition and how to run it.
        history: the events.
        told: hears the bytes of events decided since it was last told.

    Returns:
        The report and all that it was made from.

    Raises:
        DefinitionError: `invalid_definition`.
        Problem: `file_changed`.
    """
    program = _compiled(request)
    until = request.until or end_of_day(program, history.last_at)
    shares = shares_between_accounts(program)
    split: list[Sequence[int]] = [history.lines.order]
    if request.jobs > 1 and not shares and request.people is None:
        split = split_by_account(history, request.jobs)
    if len(split) == 1:
        part = _run_part(program, history, split[0], _Way(until, told, request.people))
    else:
        part = _run_parts(program, request, history, split, until)
    began = time.process_time()
    rejects = [_unread(one) for one in history.lines.unread]
    rejects += [reject for _, reject in sorted(part.rejects, key=lambda one: one[0])]
    report = {
        **report_of(program, part.tally),
        "until": program.zone.local(until).isoformat(),
        "duplicates": part.duplicates,
        "rejected": len(rejects),
        "after_until": part.left_out,
        "order": {"by": "time" if shares else "account", "input_was_sorted": history.lines.is_sorted},
    }
    part.timings.report += time.process_time() - began
    return Backtest(program, part.tally, report, rejects, part.timings, len(split))


def shares_between_accounts(program: Program) -> bool:
    """Tell whether what one account does can change what another gets.

    Args:
        program: the program.

    Returns:
        True where there are totals, budgets or stock; then only one order of all events is right.
    """
    limits = [one.limits for one in program.campaigns]
    limits += [one.limits for one in program.rewards.values()]
    rewards = program.rewards.values()
    return any(map(_is_shared, limits)) or any(
        one.stock is not None or one.stock_by_choice or one.gift is not None for one in rewards
    )


def end_of_day(program: Program, instant: datetime) -> datetime:
    """Give the end of a local day.

    Args:
        program: for its calendar.
        instant: some instant of the day.

    Returns:
        The first instant of the next local day, in UTC.
    """
    return program.zone.start_of(program.zone.day_of(instant) + timedelta(days=1))


def _is_shared(limits: Limits) -> bool:
    return limits is not NO_LIMITS and (limits.total is not None or limits.budget is not None)


def _compiled(request: Request) -> Program:
    definition, positions = load_definition_with_positions(request.definition, request.filename)
    return compile_program(definition, 1, positions)


def _run_parts(
    program: Program, request: Request, history: History, split: Sequence[Sequence[int]], until: datetime
) -> _Part:
    whole = _Part(Tally(program))
    with ProcessPoolExecutor(len(split), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_run_alone, request, history, indexes, until) for indexes in split]
        for future in futures:
            try:
                part = future.result()
            except BrokenProcessPool:
                detail = "a process of the backtest was ended from outside, perhaps for want of memory"
                raise Problem("process_lost", f"{detail}; try fewer --jobs") from None
            if part.failure is not None:
                raise Problem(*part.failure)
            whole.tally.add(part.tally)
            whole.duplicates += part.duplicates
            whole.left_out += part.left_out
            whole.rejects += part.rejects
            whole.timings.add(part.timings)
    return whole


def _run_alone(request: Request, history: History, indexes: Sequence[int], until: datetime) -> _Part:
    # A process of our own: nearly all that is made here lives long or dies at once.
    gc.set_threshold(100_000, 50, 100)
    program = _compiled(request)
    try:
        return _run_part(program, history, indexes, _Way(until))
    except Problem as problem:
        # As a value: an exception would have to be built anew on the other side.
        return _Part(Tally(program), failure=(problem.code, problem.detail))


class _Way(NamedTuple):
    """How a part of a history is run."""

    until: datetime
    told: Told | None = None
    people: Mapping[str, MemberState] | None = None


def _run_part(program: Program, history: History, indexes: Sequence[int], way: _Way) -> _Part:
    until, told = way.until, way.told
    with ExitStack() as stack:
        read = history.lines.reader(stack)
        stack.enter_context(exactly())
        fold = Fold(program, read, way.people, history.returned)
        part = _Part(fold.tally)
        for some in _batched(indexes, _AT_ONCE):
            began = time.process_time()
            facts = list(_facts(fold, history, some, part))
            parsed = time.process_time()
            for fact in facts:
                _take(fold, history, fact, until, part)
            part.timings.parse += parsed - began
            part.timings.fold += time.process_time() - parsed
            if told is not None:
                told(sum(map(history.lines.size_of, some)))
        began = time.process_time()
        fold.settle(until)
        part.timings.fold += time.process_time() - began
        part.duplicates = fold.duplicates
        return part


def _facts(fold: Fold, history: History, indexes: Sequence[int], part: _Part) -> Iterator[Fact]:
    for index in indexes:
        try:
            yield fold.read(index)
        except Problem as problem:
            part.rejects.append(_reject(history, index, problem))


def _take(fold: Fold, history: History, fact: Fact, until: datetime, part: _Part) -> None:
    if fact.event.occurred_at >= until:
        part.left_out += 1
        return
    try:
        fold.take(fact)
    except Problem as problem:
        part.rejects.append(_reject(history, fact.line, problem))


def _reject(history: History, index: int, problem: Problem) -> tuple[int, Reject]:
    return index, Reject(*history.lines.place_of(index), problem.code, problem.detail, problem.faults)


def _unread(one: Unread) -> Reject:
    column = f"column {one.column}: " if one.column else ""
    return Reject(one.file, one.line, one.code, column + one.detail)


def _batched(indexes: Iterable[int], size: int) -> Iterator[list[int]]:
    numbers = iter(indexes)
    while some := list(islice(numbers, size)):
        yield some
