"""Letting a sample world happen in a program: people join and events arrive, each at its own time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.connect.samples.people import Person
from guerdon.connect.samples.world import SampleWorld
from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command, EnrolMember, IngestEvent
from guerdon.engine.loop import EngineLoop
from guerdon.members.profiles import read_profile
from guerdon.rules.definition import Datum

_AT_ONCE: Final = 512
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a world is to happen."""

    engine: EngineLoop
    """Running."""
    tenant_id: int
    program: str
    attributes: Mapping[str, Datum]
    """What members of the program may carry."""
    spendable: Collection[str]
    """Wallets whose units can be spent."""


@dataclass(slots=True)
class Filled:
    """What came of it."""

    new_members: int = 0
    applied: int = 0
    duplicates: int = 0
    """Events that had been taken in before, by a start that was cut short."""
    accounts: dict[str, str] = field(default_factory=dict)
    """External id → account, such as `acc_…`, of those who were enrolled by name."""
    members: dict[str, str] = field(default_factory=dict)
    """Account → its member, such as `mem_…`."""
    available: dict[str, Decimal] = field(default_factory=dict)
    """Account → units available after its last event, over all wallets that can be spent."""

    def richest(self, count: int = 1) -> list[str]:
        """Find whom to look at first.

        Args:
            count: how many.

        Returns:
            The accounts with most to spend, ties by their ids.
        """
        return sorted(self.available, key=lambda one: (-self.available[one], one))[:count]

    def note(self, answer: Answer, spendable: Collection[str]) -> None:
        """Keep what an answer says.

        Args:
            answer: to an event that was taken in.
            spendable: wallets whose units can be spent.
        """
        self.applied += answer.status == "applied"
        self.duplicates += answer.status == "duplicate"
        if answer.account:
            self.members[answer.account] = answer.member
            units = (Decimal(answer.balances[key].available) for key in spendable if key in answer.balances)
            self.available[answer.account] = sum(units, Decimal(0))


def fill_program(place: Place, world: SampleWorld, told: Callable[[int], None]) -> Filled:
    """Enrol everybody and take in every event, booked at its own time; what is there already stays as it is.

    Args:
        place: the program, live.
        world: what is to happen.
        told: hears how many more of the people and events are done.

    Returns:
        What came of it.

    Raises:
        Problem: `sample_rejected` where the program does not take a person or an event.
    """
    filled = Filled()
    people = sorted(world.people, key=lambda person: person.joined_at)
    names = iter(people)
    for answers in _answered(place, (_enrolment(place, person) for person in people)):
        for answer, person in zip(answers, names, strict=False):
            filled.new_members += answer.created
            filled.accounts[person.external_id] = answer.account
            filled.members[answer.account] = answer.member
        told(len(answers))
    _take_in(place, _events(place, world), filled, told)
    return filled


def fill_lines(place: Place, lines: Iterable[bytes], told: Callable[[int], None]) -> Filled:
    """Take in events, each booked at its own time; who is not known yet is enrolled.

    Args:
        place: the program, live.
        lines: one CloudEvent in JSON each, in order of time.
        told: hears how many more are done.

    Returns:
        What came of it.

    Raises:
        Problem: `sample_rejected` where the program does not take an event.
    """
    filled = Filled()
    _take_in(place, (_event(place, line, datetime.now(UTC), enrol=True) for line in lines), filled, told)
    return filled


def _take_in(
    place: Place, events: Iterable[IngestEvent], filled: Filled, told: Callable[[int], None]
) -> None:
    for answers in _answered(place, events):
        for answer in answers:
            filled.note(answer, place.spendable)
        told(len(answers))


def count_steps(world: SampleWorld) -> int:
    """Count what `fill_program` will tell of.

    Args:
        world: what is to happen.

    Returns:
        People and events; joining is one thing, not two.
    """
    return len(world.events)


def _enrolment(place: Place, person: Person) -> EnrolMember:
    profile = read_profile(person.profile(), place.attributes, person.joined_at.date())
    return EnrolMember(
        tenant_id=place.tenant_id,
        program=place.program,
        received_at=person.joined_at,
        bulk=True,
        profile=profile,
    )


def _events(place: Place, world: SampleWorld) -> Iterator[IngestEvent]:
    for event in world.events:
        if event["type"] != "member.enrolled":  # enrolling somebody makes that event
            yield _event(place, _ENCODER.encode(event), datetime.fromisoformat(event["time"]).astimezone(UTC))


def _event(place: Place, line: bytes, received_at: datetime, *, enrol: bool = False) -> IngestEvent:
    return IngestEvent(
        tenant_id=place.tenant_id,
        program=place.program,
        received_at=received_at,
        bulk=True,
        raw=line,
        historical=True,
        enrol=enrol,
    )


def _answered(place: Place, commands: Iterable[Command]) -> Iterator[list[Answer]]:
    """Ask for chunk after chunk, one of them always on its way while the next is made."""
    left, on_its_way = iter(commands), deque[list[Future[Answer]]]()
    while some := list(islice(left, _AT_ONCE)):
        on_its_way.append(place.engine.submit_many(some))
        if len(on_its_way) > 1:
            yield taken_in(on_its_way.popleft())
    while on_its_way:
        yield taken_in(on_its_way.popleft())


def taken_in(futures: Sequence[Future[Answer]]) -> list[Answer]:
    """Wait for answers.

    Args:
        futures: of commands that were put in the queue.

    Returns:
        The answers, in the same order.

    Raises:
        Problem: `sample_rejected` where one is a refusal.
    """
    answers = [future.result() for future in futures]
    for answer in answers:
        if answer.problem is not None:
            detail = f"{answer.id or 'an enrolment'}: {answer.problem.detail} [{answer.problem.code}]"
            raise Problem("sample_rejected", f"the program does not take the samples: {detail}")
    return answers
