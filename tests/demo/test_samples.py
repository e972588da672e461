"""The sample world is the same for the same seed, and plausible: what it says could have happened."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.connect.samples import SamplePlan, SampleWorld, make_world, year_until
from guerdon.members.profiles import read_profile
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.program import Program
from guerdon.rules.reading import read_event
from tests.architecture.source import ROOT

TODAY = date(2026, 11, 21)
FIRST_ON, LAST_ON = year_until(TODAY)
NEW_YORK = Zone("America/New_York")


@cache
def _world(members: int = 300, seed: int = 1) -> SampleWorld:
    return make_world(SamplePlan(FIRST_ON, LAST_ON, members, seed))


@cache
def _program() -> Program:
    return compile_program(load_definition((ROOT / "examples" / "backpack-club.yaml").read_bytes()), 1)


def _when(event: dict[str, object]) -> datetime:
    return datetime.fromisoformat(str(event["time"]))


def test_a_year_ends_yesterday() -> None:
    assert (TODAY - LAST_ON, (LAST_ON - FIRST_ON).days) == (timedelta(days=1), 364)


def test_the_same_plan_gives_the_same_bytes() -> None:
    plan = SamplePlan(FIRST_ON, LAST_ON, 40, 7)
    first, second = (b"".join(make_world(plan).lines()) for _ in range(2))
    assert first == second
    assert first != b"".join(_world(40, 8).lines())


def test_fewer_people_are_the_first_of_more() -> None:
    assert _world(25).people == _world(300).people[:25]


def test_identities_belong_to_one_person() -> None:
    people = _world(2_500).people
    for values in ([one.external_id for one in people], [one.email for one in people]):
        assert len(set(values)) == 2_500
    phones = [one.phone for one in people if one.phone]
    assert len(phones) == len(set(phones)) > 1_000


def test_events_come_in_order_of_time_with_ids_of_their_own() -> None:
    events = _world().events
    times = [_when(event) for event in events]
    assert times == sorted(times)
    assert len({(event["source"], event["id"]) for event in events}) == len(events)
    orders = [event["data"]["id"] for event in events if event["type"] == "order.paid"]
    assert len(orders) == len(set(orders))


def test_everything_happens_within_the_year_and_after_joining() -> None:
    world = _world()
    joined = {one.subject: one.joined_at for one in world.people}
    for event in world.events:
        assert FIRST_ON <= NEW_YORK.day_of(_when(event)) <= LAST_ON
        assert _when(event) >= joined[event["subject"]]
    enrolled = Counter(event["subject"] for event in world.events if event["type"] == "member.enrolled")
    assert enrolled == dict.fromkeys(joined, 1)


def test_stores_are_open_when_they_sell() -> None:
    tills = [event for event in _world().events if event["channel"] == "pos"]
    assert len(tills) > 300
    for event in tills:
        assert event["source"] == f"till-{event['store']}"
        assert 10 <= NEW_YORK.local(_when(event)).hour < 21


def test_each_event_is_taken_in_by_the_example_program() -> None:
    for line in _world().lines():
        sent, _ = read_event(line, _program(), None)
        assert sent.subject is not None


def test_money_is_exact() -> None:
    for line in _world().lines():
        event = json.loads(line)
        if event["type"] != "order.paid":
            continue
        net = sum(
            Decimal(one["price"]) * one["quantity"] - Decimal(one.get("discount", "0"))
            for one in event["data"]["lines"]
        )
        order = read_event(line, _program(), None)[1].order
        assert order is not None
        assert order.net == net > 0
        assert order.shipping == Decimal(event["data"].get("shipping", {}).get("amount", "0"))


def test_each_person_can_be_enrolled() -> None:
    declared = _program().definition.attributes
    for person in _world().people:
        profile = read_profile(person.profile(), declared, TODAY)
        assert profile.attributes == {"persona": person.persona}
        assert {ref.kind for ref in profile.identities} >= {"external", "email"}


def test_habits_show() -> None:
    world = _world(2_000)
    orders = [event for event in world.events if event["type"] == "order.paid"]
    counts = Counter(event["subject"] for event in orders)
    assert 4 * 2_000 < len(orders) < 9 * 2_000
    assert len(counts) < 2_000, "some never buy"
    assert max(counts.values()) >= 25, "a few buy very often"
    by_day = Counter(NEW_YORK.day_of(_when(event)).weekday() for event in orders)
    assert by_day[5] > 1.5 * by_day[1], "Saturday is busier than Tuesday"
    students = {one.subject for one in world.people if one.persona == "student"}
    months = Counter(NEW_YORK.day_of(_when(event)).month for event in orders if event["subject"] in students)
    assert months[8] > 2 * months[4], "students buy before term"
    assert {one.language for one in world.people} == {"en", "bn", "hi"}
    assert {event["channel"] for event in orders} == {"web", "app", "pos"}


def test_some_of_those_to_whom_an_order_is_sent_are_in_no_rush() -> None:
    orders = [event for event in _world(2_000).events if event["type"] == "order.paid"]
    patient = [one for one in orders if one["data"].get("attributes") == {"delivery": "no_rush"}]
    sent = [one for one in orders if one["channel"] != "pos"]
    assert len(sent) // 7 < len(patient) < len(sent) // 4
    assert all(one in sent for one in patient), "nothing is sent from the till"
    assert sum("attributes" in one["data"] for one in orders) == len(patient)


def test_a_few_play_tricks_that_show() -> None:
    world = _world(2_000)
    tricks = Counter(person.trick for person in world.people if person.trick)
    assert set(tricks) == {"splitter", "recycler", "returner"}
    assert sum(tricks.values()) < 100, "nearly everybody is honest"
    by_trick = {trick: {one.subject for one in world.people if one.trick == trick} for trick in (*tricks, "")}
    heaps = Counter(
        (event["subject"], NEW_YORK.day_of(_when(event)))
        for event in world.events
        if event["type"] == "item.recycled"
    )
    assert {subject for (subject, _), count in heaps.items() if count > 4} <= by_trick["recycler"]
    assert any(count >= 5 for (subject, _), count in heaps.items() if subject in by_trick["recycler"])
    tills = Counter(
        (event["subject"], NEW_YORK.day_of(_when(event)))
        for event in world.events
        if event["type"] == "order.paid" and event["channel"] == "pos"
    )
    assert {subject for (subject, _), count in tills.items() if count > 4} <= by_trick["splitter"]
    assert any(count >= 5 for (subject, _), count in tills.items() if subject in by_trick["splitter"])


def test_returns_are_added_and_change_nothing_else() -> None:
    plan = SamplePlan(FIRST_ON, LAST_ON, 2_000)
    without, world = _world(2_000).events, make_world(replace(plan, returns=True))
    returned = [event for event in world.events if event["type"] == "order.returned"]
    rest = [event for event in world.events if event["type"] != "order.returned"]
    assert [_said(event) for event in rest] == [_said(event) for event in without]
    orders = {event["data"]["id"]: event for event in rest if event["type"] == "order.paid"}
    assert len(orders) // 25 < len(returned) < len(orders) // 8
    assert {event["data"]["order"] for event in returned if "lines" in event["data"]}, "some in part"
    for event in returned:
        bought = orders[event["data"]["order"]]
        assert event["subject"] == bought["subject"]
        assert _when(bought) < _when(event) <= _when(bought) + timedelta(days=31)
        there = {line["id"]: line["quantity"] for line in bought["data"]["lines"]}
        assert all(1 <= line["quantity"] <= there[line["id"]] for line in event["data"].get("lines", []))
    known = {person.subject: person.trick for person in world.people}
    by_trick = Counter(known[event["subject"]] == "returner" for event in returned)
    assert by_trick[True] > len(returned) // 20, "a few send back most of what they buy"


def _said(event: dict[str, Any]) -> dict[str, Any]:
    return event | {"id": ""}


def test_the_shortest_world_is_one_day_and_one_person() -> None:
    world = make_world(SamplePlan(TODAY, TODAY, 1))
    assert [event["type"] for event in world.events] == ["member.enrolled"]
    assert world.people[0].joined_at < datetime(2026, 11, 22, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "plan",
    [SamplePlan(LAST_ON, FIRST_ON), SamplePlan(FIRST_ON, LAST_ON, 0), SamplePlan(FIRST_ON, LAST_ON, 20_001)],
)
def test_an_impossible_plan_is_refused(plan: SamplePlan) -> None:
    with pytest.raises(Problem) as refused:
        make_world(plan)
    assert refused.value.code == "sample_plan_invalid"
