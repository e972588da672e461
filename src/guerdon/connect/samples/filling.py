"""Letting a sample world happen in a program: people join and events arrive, each at its own time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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


@dataclass(slots=True)
class Filled:
    """What came of it."""

    new_members: int = 0
    applied: int = 0
    duplicates: int = 0
    """Events that had been taken in before, by a start that was cut short."""
    accounts: dict[str, str] = field(default_factory=dict)
    """External id → account, such as `acc_…`."""
    available: dict[str, Decimal] = field(default_factory=dict)
    """Account → units available after its last event, over all wallets."""

    def richest(self) -> str:
        """Find whom to look at first.

        Returns:
            The external id of the member with most to spend, ties by external id.
        """
        return max(sorted(self.accounts), key=lambda one: self.available.get(self.accounts[one], Decimal(0)))


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
    for some in _chunks([_enrolment(place, person) for person in people]):
        answers = _asked(place, some)
        for command, answer in zip(some, answers, strict=True):
            assert isinstance(command, EnrolMember)
            filled.accounts[command.profile.external_id] = answer.account
            filled.new_members += answer.created
        told(len(some))
    for some in _chunks(_events(place, world)):
        for answer in _asked(place, some):
            filled.applied += answer.status == "applied"
            filled.duplicates += answer.status == "duplicate"
            filled.available[answer.account] = sum(
                (Decimal(balance.available) for balance in answer.balances.values()), Decimal(0)
            )
        told(len(some))
    return filled


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


def _events(place: Place, world: SampleWorld) -> Sequence[IngestEvent]:
    return [
        IngestEvent(
            tenant_id=place.tenant_id,
            program=place.program,
            received_at=datetime.fromisoformat(event["time"]).astimezone(UTC),
            bulk=True,
            raw=_ENCODER.encode(event),
            historical=True,
        )
        for event in world.events
        if event["type"] != "member.enrolled"  # enrolling somebody makes that event
    ]


def _chunks(commands: Sequence[Command]) -> Iterator[list[Command]]:
    left = iter(commands)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def _asked(place: Place, commands: Sequence[Command]) -> list[Answer]:
    answers = [future.result() for future in place.engine.submit_many(commands)]
    for answer in answers:
        if answer.problem is not None:
            detail = f"{answer.id or 'an enrolment'}: {answer.problem.detail} [{answer.problem.code}]"
            raise Problem("sample_rejected", f"the program does not take the samples: {detail}")
    return answers
