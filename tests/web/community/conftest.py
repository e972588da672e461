"""A club whose members post, over the API in process."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from httpx2 import Response
from PIL import Image

from tests.web.conftest import PROGRAM, Api, order

CLUB = "/v1/programs/club"
NOON = "2026-11-21T12:00:00Z"
COMMUNITY = (
    "community: {approve: all, words: [spam, 'buy now'], max_per_day: 3, likes_per_day: 4, reports: 2}\n"
)
CAMPAIGNS = """campaigns:
  posted:
    trigger: post.approved
    when: event.data.words >= 3 || event.data.has_photo
    limits: {per_account: 2, per: month}
    then: [{award: {wallet: points, amount: "20"}}]
  seen:
    trigger: post.approved
    when: event.data.has_photo && event.data.bought
    then: [{award: {wallet: points, amount: "5"}}]
  helped: {trigger: answer.approved, then: [{award: {wallet: points, amount: "7"}}]}
  liked: {trigger: post.liked, limits: {per_account: 3}, then: [{award: {wallet: points, amount: "1"}}]}
"""
PAID = {"id": "A-1", "lines": [{"id": "1", "sku": "BP-40", "price": "79.90", "quantity": 1}]}
DEFINITION = PROGRAM.replace("campaigns:\n", COMMUNITY + CAMPAIGNS)


def photo(size: tuple[int, int] = (40, 30), kind: str = "PNG", **more: Any) -> str:
    """A picture as a call carries it."""
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 40)).save(out, kind, **more)
    return base64.b64encode(out.getvalue()).decode()


class Club:
    """Members who post."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.now = NOON

    async def send(self, path: str, body: Any, **more: Any) -> Response:
        headers = {"guerdon-now": self.now, **more.pop("headers", {})}
        return await self.api.post(f"{CLUB}/{path}", json=body, headers=headers, **more)

    async def look(self, path: str) -> Any:
        answer = await self.api.get(f"{CLUB}/{path}", headers={"guerdon-now": self.now})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, member: str, text: str, **more: Any) -> dict[str, Any]:
        answer = await self.send("posts", {"member": member, "text": text, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def decide(
        self, post: dict[str, Any], decision: str = "approve", reason: str = ""
    ) -> dict[str, Any]:
        said = await self.send(f"moderation/posts/{post['id']}", {"decision": decision, "reason": reason})
        assert said.status_code == 200, said.text
        return dict(said.json())

    async def shown(self, **more: str) -> list[str]:
        query = "&".join(f"{key}={value}" for key, value in more.items())
        return [one["text"] for one in (await self.look(f"posts?{query}"))["data"]]

    async def points(self, member: str) -> str:
        wallets = (await self.look(f"members/{member}"))["wallets"]
        return str(wallets.get("points", {}).get("available", "0"))

    async def events(self, kind: str) -> list[dict[str, Any]]:
        found = (await self.look("events?limit=200"))["data"]
        return [one for one in found if one["type"] == kind]


@pytest.fixture
async def club(bare: Api) -> Club:
    applied = await bare.apply(DEFINITION)
    assert applied.status_code == 201, applied.text
    for member in ("ananya", "ben", "carla"):
        await bare.enrol(external_id=member, name=f"{member.title()} Secret")
    paid = await bare.post(f"{CLUB}/events", json=order("A-1", data=PAID), headers={"guerdon-now": NOON})
    assert paid.status_code == 200, paid.text
    return Club(bare)
