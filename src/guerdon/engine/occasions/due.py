"""Occasions that have come are told as events: once a year, whether or not the job ran that day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.engine.commands import IngestEvent
from guerdon.engine.keys import ask_events
from guerdon.engine.loop import EngineLoop
from guerdon.engine.occasions.people import (
    Person,
    list_born,
    list_first_orders,
    list_joined,
    load_mark,
    load_people,
    move_mark,
    years_back,
)
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.programs.history import is_history_held
from guerdon.programs.programs import LiveVersion
from guerdon.rules.occasions import (
    KINDS,
    Due,
    Kind,
    Window,
    due_anniversaries,
    due_birthdays,
    occasion_event,
    window_to,
)
from guerdon.rules.own_events import MEMBER_ANNIVERSARY, MEMBER_BIRTHDAY, OCCASIONS, ORDER_ANNIVERSARY
from guerdon.rules.program import Program

_PAGE: Final = 1_000
_ANSWER_SECONDS: Final = 600
_GONE: Final = frozenset({"member_not_found", "member_erased"})
"""Whoever was erased meanwhile has no occasions any more."""


class Almanac(NamedTuple):
    """Where occasions of one program are told."""

    database: Database
    loop: EngineLoop
    tenant_id: int
    live: LiveVersion

    @property
    def program(self) -> Program:
        """The live version."""
        key = (self.tenant_id, self.live.key)
        return (self.loop.programs.find(key) or self.loop.programs.load(key)).program


def tell_occasions(almanac: Almanac, now: datetime) -> int:
    """Tell of birthdays and anniversaries that have come since they were told last.

    Where the job did not run, the next one catches up. The mark moves when all was told: a kill before that
    leaves what the next run finds again, and an occasion's event has one name in a year.

    Args:
        almanac: database, engine and program.
        now: the instant, UTC.

    Returns:
        How many were told.

    Raises:
        Problem: the first that the engine refused an event with, after all were tried.
    """
    program_id = almanac.live.program_id
    with almanac.database.transaction(almanac.tenant_id) as tx:
        window = window_to(load_mark(tx, program_id), now)
        if window is None or is_history_held(tx, program_id):
            return 0
    program = almanac.program
    heard = [kind for kind in KINDS if kind in program.by_trigger or kind in program.metrics_by_event]
    told = 0
    wrong: list[Problem] = []
    for kind in heard:
        for page in _FINDERS[kind](almanac, program, window):
            count, problems = _tell(almanac, page, now)
            told, wrong = told + count, wrong + problems
    if wrong:
        raise Problem(wrong[0].code, wrong[0].detail)
    with almanac.database.transaction(almanac.tenant_id) as tx:
        move_mark(tx, program_id, window.now)
    return told


def _tell(almanac: Almanac, page: list[Due], now: datetime) -> tuple[int, list[Problem]]:
    if not page:
        return 0, []
    with almanac.database.transaction(almanac.tenant_id) as tx:
        known = ask_events(tx, almanac.live.program_id, {(OCCASIONS, one.name) for one in page})()
    asked = [
        IngestEvent(
            tenant_id=almanac.tenant_id,
            program=almanac.live.key,
            received_at=now,
            bulk=True,
            raw=occasion_event(one),
            own=True,
        )
        for one in page
        if (OCCASIONS, one.name) not in known
    ]
    answers = [future.result(_ANSWER_SECONDS) for future in almanac.loop.submit_many(asked)]
    wrong = [one.problem for one in answers if one.problem is not None and one.problem.code not in _GONE]
    return (
        sum(one.status == "applied" for one in answers),
        [Problem(one.code, one.detail) for one in wrong],
    )


def _birthdays(almanac: Almanac, program: Program, window: Window) -> Iterator[list[Due]]:
    def due(one: Person) -> Iterable[Due]:
        who = (one.member_id, one.birth_mmdd, one.joined_at)
        return due_birthdays(who, zone_of(one, program), window)

    def find(tx: Tx, after: int) -> list[Person]:
        return list_born(tx, almanac.live.program_id, window, (after, _PAGE))

    yield from _paged(almanac, find, due)


def _memberships(almanac: Almanac, program: Program, window: Window) -> Iterator[list[Due]]:
    def due(one: Person) -> Iterable[Due]:
        who = (one.member_id, one.joined_at)
        return due_anniversaries(MEMBER_ANNIVERSARY, who, zone_of(one, program), window)

    for span in _spans(almanac, window, of_orders=False):

        def find(tx: Tx, after: int, span: tuple[datetime, datetime] = span) -> list[Person]:
            return list_joined(tx, almanac.live.program_id, span, (after, _PAGE))

        yield from _paged(almanac, find, due)


def _orders(almanac: Almanac, program: Program, window: Window) -> Iterator[list[Due]]:
    program_id = almanac.live.program_id
    for span in _spans(almanac, window, of_orders=True):
        after = 0
        while True:
            with almanac.database.transaction(almanac.tenant_id) as tx:
                page = list_first_orders(tx, program_id, span, (after, _PAGE))
                people = load_people(tx, program_id, [member_id for member_id, _ in page])
            if not page:
                break
            yield [
                due
                for member_id, first in page
                if member_id in people
                for due in due_anniversaries(
                    ORDER_ANNIVERSARY, (member_id, first), zone_of(people[member_id], program), window
                )
            ]
            after = page[-1][0]


def _paged(
    almanac: Almanac, find: Callable[[Tx, int], list[Person]], due: Callable[[Person], Iterable[Due]]
) -> Iterator[list[Due]]:
    after = 0
    while True:
        with almanac.database.transaction(almanac.tenant_id) as tx:
            page = find(tx, after)
        if not page:
            return
        yield [each for one in page for each in due(one)]
        after = page[-1].member_id


def _spans(almanac: Almanac, window: Window, *, of_orders: bool) -> list[tuple[datetime, datetime]]:
    with almanac.database.transaction(almanac.tenant_id) as tx:
        return list(years_back(tx, almanac.live.program_id, window, of_orders=of_orders))


def zone_of(one: Person, program: Program) -> Zone:
    """Give a member's calendar.

    Args:
        one: the member.
        program: whose calendar holds where the member's is not known.

    Returns:
        The calendar.
    """
    return _zone(one.zone) or program.zone


@lru_cache(maxsize=1024)
def _zone(name: str) -> Zone | None:
    try:
        return Zone(name) if name else None
    except Problem:
        # Shops write what they like; what is no zone is not known.
        return None


_FINDERS: Final[dict[Kind, Callable[[Almanac, Program, Window], Iterator[list[Due]]]]] = {
    MEMBER_BIRTHDAY: _birthdays,
    MEMBER_ANNIVERSARY: _memberships,
    ORDER_ANNIVERSARY: _orders,
}
