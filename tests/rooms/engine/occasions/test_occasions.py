"""Birthdays and anniversaries come once a year, whenever the job runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.engine.ticks import run_due
from guerdon.infra.db import Database
from guerdon.members.identities import member_ref
from guerdon.members.privacy import Erasure, erase_member
from guerdon.programs.programs import list_programs
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids, prepare

CLUB = """
program: club
name: Club
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: floor, pending: 0d, expires: never}
attributes:
  timezone: {type: string}
campaigns:
  cake: {trigger: member.birthday, then: [{award: {wallet: points, amount: "100"}}]}
  years: {trigger: member.anniversary, then: [{award: {wallet: points, amount: event.data.years * 10}}]}
  again: {trigger: order.anniversary, then: [{award: {wallet: points, amount: event.data.years}}]}
"""
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def club(database: Database) -> Iterator[World]:
    prepare(database, CLUB)
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
    loop.start()
    world = World(database, loop)
    world.now = BEGAN
    yield world
    loop.stop()


def at(club: World, *when: int) -> None:
    club.now = datetime(*when, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year, month, day, hour, minute
    run_due(club.database, club.loop, club.now)


def told(club: World) -> list[tuple[str, str]]:
    rows = club.rows("select id, occurred_at from events where source = 'guerdon:occasions' order by id")
    return [(f"{name.split('/')[0]}/{name.split('/')[2]}", f"{when:%m-%d %H:%M}") for name, when in rows]


def test_a_birthday_begins_where_the_member_is(club: World) -> None:
    club.enrol("anna", birthday=date(1990, 3, 5))
    club.enrol("ben", birthday=date(1990, 3, 5), attributes={"timezone": "Asia/Dhaka"})
    club.enrol("eve", birthday=date(1990, 3, 5), attributes={"timezone": "Nowhere/Else"})
    at(club, 2026, 3, 4, 17, 59)
    assert told(club) == []
    at(club, 2026, 3, 4, 18, 0)
    assert told(club) == [("birthday/2026", "03-04 18:00")]
    at(club, 2026, 3, 5, 4, 50)
    assert len(told(club)) == 1
    at(club, 2026, 3, 5, 5, 1)
    assert [when for _, when in told(club)].count("03-05 05:00") == 2
    assert club.rows("select sum(available) from wallets") == [(300,)]


def test_29_february_is_the_28th_where_there_is_none(club: World) -> None:
    club.enrol("anna", birthday=date(1992, 2, 29))
    at(club, 2026, 3, 1, 13, 0)
    at(club, 2027, 3, 2, 13, 0)
    at(club, 2028, 2, 28, 13, 0)
    assert [name for name in told(club) if name[0].startswith("birthday")] == [
        ("birthday/2027", "02-28 05:00")
    ]
    at(club, 2028, 2, 29, 13, 0)
    assert told(club)[1] == ("birthday/2028", "02-29 05:00")


def test_a_job_that_did_not_run_catches_up_once(club: World) -> None:
    anna = club.enrol("anna", birthday=date(1990, 6, 15))
    club.ask(club.event("order.paid", "anna", data={"id": "o1", "lines": [{"id": "1", "price": "5.00"}]}))
    at(club, 2026, 3, 1, 13, 0)
    at(club, 2027, 9, 1, 13, 0)
    assert [name for name, _ in told(club)] == ["birthday/2027", "member/2027", "order/2027"]
    assert points(club, anna) == 100 + 10 + 1
    at(club, 2027, 9, 1, 13, 0)
    at(club, 2027, 9, 2, 13, 0)
    assert len(told(club)) == 3
    at(club, 2028, 3, 1, 5, 0)
    assert [name for name, _ in told(club)][2:3] == ["member/2028"]


def test_who_was_erased_has_no_occasions(club: World) -> None:
    anna = club.enrol("anna", birthday=date(1990, 6, 15))
    club.ask(club.event("order.paid", "anna", data={"id": "o1", "lines": [{"id": "1", "price": "5.00"}]}))
    at(club, 2026, 3, 1, 13, 0)
    member = parse_number("mem", anna.member)
    assert member is not None
    with club.database.transaction(TENANT) as tx:
        place = list_programs(tx)[0].program_id
        gone = Erasure(club.loop.vault(TENANT), place, member_ref(member), "test", club.now)
        erase_member(tx, gone, make_ids())
    at(club, 2027, 9, 1, 13, 0)
    assert told(club) == []


def test_who_joins_on_the_day_has_it_and_who_joins_after_waits_a_year(club: World) -> None:
    at(club, 2026, 3, 1, 13, 0)
    club.enrol("anna", birthday=date(1990, 3, 1))
    club.enrol("ben", birthday=date(1990, 2, 28))
    at(club, 2026, 3, 1, 13, 20)
    at(club, 2026, 3, 2, 13, 20)
    assert told(club) == [("birthday/2026", "03-01 05:00")]


@pytest.mark.parametrize("seed", [1, 2])
def test_once_a_year_under_any_pattern_of_runs(club: World, seed: int) -> None:
    chance = random.Random(seed)
    expected: list[tuple[str, date]] = []
    zones = ["", "Asia/Dhaka", "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kathmandu"]
    for number in range(12):
        day = date(1991, 1, 1) + timedelta(days=chance.randrange(365))
        zone = chance.choice(zones)
        attributes = {"timezone": zone} if zone else {}
        expected.append((zone or "America/New_York", day))
        club.enrol(f"m{number}", birthday=day, attributes=attributes)
    while club.now < BEGAN + timedelta(days=3 * 365):
        club.now += timedelta(hours=chance.choice([1, 7, 30, 24 * 20, 24 * 100]))
        run_due(club.database, club.loop, club.now)
    rows = club.rows(
        "select member_id, type, extract(year from occurred_at at time zone 'UTC')::int, count(*)"
        " from events where type = 'member.anniversary' group by 1, 2, 3"
    )
    assert len({row[0] for row in rows}) == 12
    assert {row[3] for row in rows} == {1}
    assert {row[2] for row in rows} == {2027, 2028, 2029}
    birthdays = club.rows("select count(*) from events where type = 'member.birthday' group by member_id")
    ends = club.now.replace(minute=0, second=0)
    wanted = [
        sum(
            _noon(zone, day, year) >= BEGAN and _noon(zone, day, year, 0) <= ends
            for year in range(2026, 2031)
        )
        for zone, day in expected
    ]
    assert sorted(row[0] for row in birthdays) == sorted(wanted)


def _noon(zone: str, day: date, year: int, hour: int = 23) -> datetime:
    return datetime(year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def points(club: World, who: Answer) -> int:
    account = parse_number("acc", who.account)
    with club.database.transaction(TENANT) as tx:
        row = tx.execute("select available from wallets where account_id = %s", (account,)).fetchone()
    return int(row[0]) if row is not None else 0
