"""A club with leaderboards and teams, over the API in process."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from anyio import to_thread
from httpx2 import Response

from guerdon.engine.boards.keeper import Follower
from guerdon.engine.ticks import run_due_of
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import PROGRAM, Api

CLUB = "/v1/programs/club"
NOON = "2026-11-21T12:00:00Z"
_NUMBERS = itertools.count(1)
BOARDS = """
badges:
  champion: {name: Champion}
teams:
  crew: {name: {en: Crew}, size: 3}
  asked: {join: asked, size: 5}
  invited: {join: invited, invites: 3, size: 5}
  large: {size: 40, audience: account.owner.attributes.size == 'l'}
leaderboards:
  recyclers:
    name: {en: Top recyclers, bn: সেরা পুনর্ব্যবহারকারী}
    metric: recycled
    window: month
    shows: 3
    opt_in: true
    grace: 2h
    prizes:
      - {rank: 1, prize: [{award: {wallet: points, amount: "1000"}}, {badge: champion}]}
      - {rank: 2-3, prize: [{award: {wallet: points, amount: "500"}}]}
  everybody: {metric: recycled, window: month}
  crews: {metric: recycled, window: month, team: crew, prizes: [{rank: 1, prize: [{award: {wallet: points, amount: "70"}}]}]}
challenges:
  together: {metric: recycled, goal: 100, team: crew, prize: [{award: {wallet: points, amount: "30"}}]}
  stamps: {metric: recycled, every: 1000, team: crew, prize: [{award: {wallet: points, amount: "5"}}]}
"""  # noqa: E501 - a line of a definition
DEFINITION = (
    PROGRAM.replace("timezone:", "languages: [en, bn]\ntimezone:").replace(
        "metrics:\n", "metrics:\n  recycled: {event: item.recycled, value: event.data.grams}\n"
    )
    + BOARDS
).replace(
    '    then: [{award: {wallet: points, amount: "200"}}]',
    '    then: [{award: {wallet: points, amount: "1"}}]',
)


class Club:
    """The club, its people, and what time it is."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.now = NOON
        self.accounts: dict[str, str] = {}

    async def send(self, path: str, body: Any = None, **more: Any) -> Response:
        headers = {"guerdon-now": self.now, **more.pop("headers", {})}
        return await self.api.post(f"{CLUB}/{path}", headers=headers, json=body, **more)

    async def done(self, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self.send(path, body)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    async def refused(self, path: str, body: Any) -> tuple[int, str]:
        answer = await self.send(path, body)
        return answer.status_code, answer.json()["code"]

    async def look(self, path: str) -> dict[str, Any]:
        answer = await self.api.get(f"{CLUB}/{path}", headers={"guerdon-now": self.now})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def enrol(self, *names: str, **more: Any) -> None:
        for name in names:
            self.accounts[name] = (await self.api.enrol(external_id=name, **more))["account"]

    async def recycle(self, who: str, grams: int, at: str = "") -> None:
        event = {"specversion": "1.0", "id": f"e{next(_NUMBERS)}", "source": "shop", "type": "item.recycled",
                 "time": at or self.now, "subject": who, "data": {"grams": grams}}  # fmt: skip
        await self.done("events", event)

    async def settle(self) -> None:
        """Wait until boards have all that is committed."""
        house = self.api.house
        follower = Follower(house.database, house.engine.programs, lambda: datetime.now(UTC))
        assert await to_thread.run_sync(lambda: follower.reach(datetime.now(UTC)))

    async def tick(self, now: str) -> None:
        """Let time do its work."""
        self.now = now
        house, tenant = self.api.house, tenant_id_of(self.api.tenant)
        at = datetime.fromisoformat(now)
        await to_thread.run_sync(lambda: run_due_of(house.database, house.engine, tenant, at))

    async def points(self, who: str) -> str:
        member = await self.look(f"members/{who}")
        return str(member["wallets"]["points"]["available"])

    async def events(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in (await self.look("events?limit=200"))["data"] if one["type"] == kind]


@pytest.fixture
async def club(bare: Api) -> Club:
    applied = await bare.apply(DEFINITION)
    assert applied.status_code == 201, applied.text
    return Club(bare)
