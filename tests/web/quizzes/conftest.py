"""A club with quizzes of each kind, over the API in process."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response

from tests.web.conftest import PROGRAM, Api

CLUB = "/v1/programs/club"
NOON = "2026-11-21T12:00:00Z"
QUIZZES = """
badges:
  knower: {name: Knower}
quizzes:
  know_your_bag:
    name: {en: Know your bag, bn: ব্যাগ চেনা}
    pass: 4
    attempts: 2
    again_after: 1d
    prize: [{award: {wallet: points, amount: "80"}}, {badge: knower}, {grant: voucher}]
    questions:
      - {ask: {en: Hips, bn: কোমর}, answers: [None, Four fifths, All], right: 1, explain: The hips carry it.}
      - {ask: Which are dry?, answers: [Wool, Rain, Sand], right: [0, 2], points: 2}
      - {ask: The sun dries best., right: false}
      - {ask: How many litres for a day?, right: 20, within: 5}
      - {ask: What holds the load?, right: [hip belt, কোমরবন্ধ]}
      - {kind: ordering, ask: From the inside out, answers: [Shirt, Fleece, Shell]}
  quick:
    time_limit: 10min
    shuffle: true
    asks: 2
    shows_right: never
    prize: [{award: {wallet: points, amount: "5"}}]
    questions:
      - {ask: One?, answers: [a1, b1, c1], right: 0}
      - {ask: Two?, answers: [a2, b2, c2], right: 1, time_limit: 1min}
      - {ask: Three?, answers: [a3, b3, c3], right: 2}
  large_only:
    audience: account.owner.attributes.size == 'l'
    starts: 2026-11-20
    ends: 2026-11-30
    shows_right: after_each
    prize: [{award: {wallet: points, amount: "7"}}]
    questions:
      - {ask: First?, right: true, explain: It is so.}
      - {ask: Second?, right: [one, two]}
"""
DEFINITION = PROGRAM.replace("timezone:", "languages: [en, bn]\ntimezone:") + QUIZZES
RIGHT: dict[str, Any] = {
    "Hips": "Four fifths",
    "Which are dry?": ["Wool", "Sand"],
    "The sun dries best.": False,
    "How many litres for a day?": "21.5",
    "What holds the load?": "  HIP  Belt ",
    "From the inside out": ["Shirt", "Fleece", "Shell"],
    "One?": "a1",
    "Two?": "b2",
    "Three?": "c3",
    "First?": True,
    "Second?": "Two",
}
"""What is right, by the words that are shown."""


def right(question: dict[str, Any]) -> Any:
    """The right answer to a question as it was served, looked up by its words."""
    meant = RIGHT[question["ask"]]
    letters = {one["text"]: one["id"] for one in question["choices"]}
    if question["kind"] in ("multiple", "ordering"):
        return [letters[text] for text in meant]
    return letters[meant] if question["kind"] == "single" else meant


class Player:
    """A member who takes quizzes."""

    def __init__(self, api: Api, member: str) -> None:
        self.api = api
        self.member = member
        self.now = NOON

    async def send(self, path: str, body: Any = None, **more: Any) -> Response:
        headers = {"guerdon-now": self.now, **more.pop("headers", {})}
        sent = {"json": body} if body is not None else {}
        return await self.api.post(f"{CLUB}/quizzes/{path}", headers=headers, **sent, **more)

    async def look(self, path: str, **more: Any) -> Response:
        return await self.api.get(f"{CLUB}/quizzes{path}", headers={"guerdon-now": self.now}, **more)

    async def states(self) -> dict[str, dict[str, Any]]:
        answer = await self.look(f"?member={self.member}")
        assert answer.status_code == 200, answer.text
        return {one["key"]: one for one in answer.json()["data"]}

    async def begin(self, quiz: str) -> dict[str, Any]:
        answer = await self.send(f"{quiz}/attempts", {"member": self.member})
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    async def answer(self, attempt: dict[str, Any], said: Any) -> Response:
        path = f"{attempt['quiz']}/attempts/{attempt['id']}/answers"
        return await self.send(path, {"question": attempt["question"]["number"], "answer": said})

    async def next(self, attempt: dict[str, Any]) -> dict[str, Any]:
        answer = await self.send(f"{attempt['quiz']}/attempts/{attempt['id']}/next")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def play(self, quiz: str, wrong: int = 0) -> dict[str, Any]:
        """Take a quiz to its end; the first `wrong` questions are left out."""
        attempt = await self.begin(quiz)
        while attempt["state"] == "going":
            if attempt["question"] is None:
                attempt = await self.next(attempt)
                continue
            out = attempt["answered"] < wrong
            said = await self.answer(attempt, None if out else right(attempt["question"]))
            assert said.status_code == 200, said.text
            attempt = said.json()
        return attempt


@pytest.fixture
async def player(bare: Api) -> Player:
    applied = await bare.apply(DEFINITION)
    assert applied.status_code == 201, applied.text
    await bare.enrol(external_id="ananya", attributes={"size": "m"})
    return Player(bare, "ananya")
