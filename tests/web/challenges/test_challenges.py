"""Challenges and badges over the API: what counts, joining, what came of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import PROGRAM, Api
from tests.web.console.desk import signed_in
from tests.web.console.test_orders import plain

CLUB = "/v1/programs/club"
ME = f"{CLUB}/members/external:ananya"
NOON = "2026-11-21T12:00:00Z"
CHALLENGES = """
badges:
  mover: {name: {en: Mover, bn: চলমান}, metric: orders, levels: [1, {from: 3, name: Runner}], series: feet}
  secret: {name: Secret, hidden: true}
challenges:
  card:
    name: {en: The card, bn: কার্ড}
    metric: orders
    every: 2
    prize: [{award: {wallet: points, amount: "30"}}]
  sprint:
    metric: orders
    goal: 2
    opt_in: true
    within: 3d
    prize: [{grant: voucher}, {badge: secret}]
  two_things:
    steps: [{metric: orders, goal: 1}, {event: item.recycled, name: Bring something back}]
    prize: [{award: {wallet: points, amount: "5"}}]
  large: {metric: orders, goal: 1, audience: account.owner.attributes.size == 'l', prize: [{badge: secret}]}
  later: {metric: orders, goal: 1, opt_in: true, starts: 2027-01-01, prize: [{badge: secret}]}
"""
DEFINITION = (
    PROGRAM.replace("timezone:", "languages: [en, bn]\ntimezone:").replace(
        "metrics:\n", "metrics:\n  orders: {event: order.paid}\n"
    )
    + CHALLENGES
)


@pytest.fixture
async def club(bare: Api) -> Api:
    answer = await bare.apply(DEFINITION)
    assert answer.status_code in (200, 201), answer.text
    await bare.enrol(external_id="ananya")
    return bare


async def send(api: Api, name: str, event_type: str = "order.paid", at: str = NOON) -> dict[str, Any]:
    data: dict[str, Any] = {"grams": 5}
    if event_type == "order.paid":
        data = {"id": name, "lines": [{"id": "1", "sku": "A", "quantity": 1, "price": "10.00"}]}
    event = {"specversion": "1.0", "id": name, "source": "shop", "type": event_type, "time": at}
    body = {**event, "subject": "external:ananya", "data": data}
    answer = await api.post(f"{CLUB}/events", json=body, headers={"guerdon-now": at})
    assert answer.status_code in (200, 202), answer.text
    return dict(answer.json())


async def seen(api: Api, at: str = NOON, language: str = "") -> dict[str, dict[str, Any]]:
    answer = await api.get(f"{ME}/challenges", params={"language": language}, headers={"guerdon-now": at})
    assert answer.status_code == 200, answer.text
    return {one["key"]: one for one in answer.json()["data"]}


async def do(api: Api, what: str, at: str = NOON, status: int = 200) -> dict[str, Any]:
    answer = await api.post(f"{ME}/challenges/{what}", headers={"guerdon-now": at})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def test_a_member_sees_what_counts(club: Api) -> None:
    first = await seen(club)
    assert {key: one["state"] for key, one in first.items()} == {
        "card": "open",
        "sprint": "to_join",
        "two_things": "open",
        "later": "not_yet",
    }
    assert first["card"] == {
        "key": "card",
        "name": "The card",
        "description": None,
        "icon": None,
        "state": "open",
        "value": "0",
        "goal": "2",
        "progress": 0,
        "times": 0,
        "repeats": True,
        "opt_in": False,
        "joined_at": None,
        "starts_at": None,
        "ends_at": None,
        "reached_at": None,
        "steps": [],
        "prize": ["30 points"],
    }
    await send(club, "o1")
    card = (await seen(club, language="bn"))["card"]
    assert (card["value"], card["progress"], card["times"], card["name"]) == ("1", 500, 0, "কার্ড")
    told = await send(club, "o2")
    assert {"campaign": "challenge:card", "award": {"wallet": "points", "amount": "30"}} in told["effects"]
    card = (await seen(club))["card"]
    assert (card["value"], card["progress"], card["times"], card["reached_at"]) == ("0", 0, 1, NOON)


async def test_a_member_joins_and_has_three_days(club: Api) -> None:
    await send(club, "o1")
    joined = await do(club, "sprint/join")
    assert (joined["state"], joined["value"], joined["goal"]) == ("open", "0", "2")
    # Three days of New York, the first of which is the day of joining.
    assert joined["ends_at"] == "2026-11-24T05:00:00Z"
    assert (await do(club, "sprint/join", status=409))["code"] == "challenge_joined"
    await send(club, "o2", at="2026-11-22T12:00:00Z")
    again = await seen(club, at="2026-11-22T12:00:00Z")
    assert (again["sprint"]["value"], again["sprint"]["progress"]) == ("1", 500)
    over = await seen(club, at="2026-11-24T12:00:00Z")
    assert (over["sprint"]["state"], over["sprint"]["value"]) == ("over", "1")
    left = await do(club, "sprint/leave", at="2026-11-24T12:00:00Z")
    assert (left["state"], left["joined_at"]) == ("to_join", None)
    assert (await do(club, "sprint/leave", status=409))["code"] == "challenge_not_joined"
    history = (await club.get(f"{ME}/challenges/sprint/history")).json()["data"]
    assert [one["what"] for one in history] == ["joined", "left"]


@pytest.mark.parametrize(
    ("challenge", "status", "code"),
    [
        ("none", 404, "challenge_not_found"),
        ("card", 422, "challenge_without_joining"),
        ("later", 409, "challenge_not_begun"),
    ],
)
async def test_joining_is_refused_with_a_reason(club: Api, challenge: str, status: int, code: str) -> None:
    assert (await do(club, f"{challenge}/join", status=status))["code"] == code


async def test_a_join_repeated_with_its_key_is_one(club: Api) -> None:
    headers = {"guerdon-now": NOON, "idempotency-key": "once"}
    answers = [await club.post(f"{ME}/challenges/sprint/join", headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]


async def test_steps_say_what_is_done(club: Api) -> None:
    await send(club, "o1")
    steps = (await seen(club))["two_things"]["steps"]
    assert [(one["name"], one["value"], one["done_at"]) for one in steps] == [
        ("orders", "1", NOON),
        ("Bring something back", "0", None),
    ]
    await send(club, "r1", "item.recycled")
    one = (await seen(club))["two_things"]
    assert (one["state"], one["progress"], one["times"]) == ("done", 1000, 1)


async def test_badges_have_levels_and_hidden_ones_are_seen_when_earned(club: Api) -> None:
    badges = (await club.get(f"{ME}/badges")).json()["data"]
    assert [(one["key"], one["level"], one["earned_at"]) for one in badges] == [("mover", 0, None)]
    await do(club, "sprint/join")
    for name in ("o1", "o2", "o3"):
        await send(club, name)
    badges = (await club.get(f"{ME}/badges", params={"language": "bn"})).json()["data"]
    assert [(one["key"], one["name"], one["level"]) for one in badges] == [
        ("mover", "চলমান", 2),
        ("secret", "Secret", 0),
    ]
    assert [(one["name"], one["at"]) for one in badges[0]["levels"]] == [("চলমান 1", "1"), ("Runner", "3")]
    assert badges[0]["series"] == "feet"


async def test_figures_say_what_came_of_challenges(club: Api) -> None:
    await do(club, "sprint/join")
    for name in ("o1", "o2", "o3", "o4"):
        await send(club, name)
    figures = {one["key"]: one for one in (await club.get(f"{CLUB}/challenges")).json()["data"]}
    assert {key: (one["joined"], one["accounts"], one["times"]) for key, one in figures.items()} == {
        "card": (0, 1, 2),
        "sprint": (1, 1, 1),
        "two_things": (0, 0, 0),
        "large": (0, 0, 0),
        "later": (0, 0, 0),
    }


async def test_nobody_and_other_keys_see_nothing(club: Api) -> None:
    assert (await club.get(f"{CLUB}/members/external:none/challenges")).json()["code"] == "member_not_found"
    reader = club.with_key("quizzes:read")
    assert (await reader.get(f"{ME}/challenges")).status_code == 403
    assert (await club.get(f"{ME}/challenges/large")).json()["code"] == "challenge_not_found"


async def test_a_manager_sees_what_came_of_challenges(club: Api) -> None:
    await do(club, "sprint/join")
    for name in ("o1", "o2", "o3", "o4"):
        await send(club, name)
    person = await signed_in(club, "auditor")
    page = plain((await person.get("/console/p/club/challenges")).text)
    assert "The card 30 points all 1 2 not known" in page
    assert "Sprint voucher, Secret 1 1 1 not known" in page
    assert "Mover 1 feet 1 Runner feet 1 Secret hidden – 1" in page


async def test_a_cart_is_told_what_its_order_does(club: Api) -> None:
    await send(club, "o1")
    cart = {"member": "external:ananya", "id": "o2", "lines": [{"id": "1", "sku": "A", "price": "10.00"}]}
    clock = {"guerdon-now": NOON}
    said = await club.post(f"{CLUB}/checkouts/preview", json=cart, headers=clock)
    assert said.status_code == 200, said.text
    prize = [{"campaign": "challenge:card", "award": {"wallet": "points", "amount": "30"}}]
    card = {"challenge": "card", "before": "1", "value": "0", "goal": "2", "times": 1, "prize": prize}
    # The sprint was not joined, and the badge's next level is no challenge.
    assert said.json()["challenges"] == [card]
    opened = await club.call("PUT", f"{CLUB}/checkouts/o2", json=cart, headers=clock)
    assert opened.json()["challenges"] == [card]
    paid = await club.post(f"{CLUB}/checkouts/o2/confirm", json={}, headers=clock)
    assert [one for one in paid.json()["effects"] if one["campaign"] == "challenge:card"] == prize
    seen = (await club.get(f"{ME}/challenges/card", headers=clock)).json()
    assert (seen["value"], seen["goal"], seen["times"]) == ("0", "2", 1)
    guest = {key: value for key, value in cart.items() if key != "member"}
    said = await club.post(f"{CLUB}/checkouts/preview", json={**guest, "id": "g"}, headers=clock)
    assert said.json()["challenges"] == []


async def test_who_left_and_becomes_one_with_somebody_who_takes_part_begins_with_nothing(club: Api) -> None:
    """What either did before counts for no beginning of the other, also where one of them had left."""
    await do(club, "sprint/join")
    await do(club, "sprint/leave")
    await send(club, "o1", at="2026-11-21T13:00:00Z")
    bela = await club.enrol(external_id="bela")
    at = {"guerdon-now": "2026-11-21T14:00:00Z"}
    answer = await club.post(f"{CLUB}/members/external:bela/challenges/sprint/join", headers=at)
    assert answer.status_code == 200, answer.text
    ananya = (await club.get(ME)).json()["account"]
    into = {"into": ananya}
    merged = await club.post(f"{CLUB}/accounts/{bela['account']}/merge", json=into, headers=at)
    assert merged.status_code == 200, merged.text
    sprint = (await seen(club, at="2026-11-21T15:00:00Z"))["sprint"]
    assert (sprint["state"], sprint["value"], sprint["goal"]) == ("open", "0", "2")
