"""A club with something of each kind, and a member who reads their page without scripts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from httpx2 import Response

from tests.web.conftest import PROGRAM, Api, order

CLUB = "/v1/programs/club"
DEFINITION = (
    PROGRAM.replace("ladders:", "  orders: {event: order.paid}\nladders:")
    .replace(
        "metrics:\n",
        "  item.repaired:\n"
        "    name: {en: Something repaired, bn: কিছু সারানো}\n"
        "    evidence: required\n"
        "    data: {minutes: {type: int, name: {en: Minutes}}, what: {type: string, values: [zip, seam]}}\n"
        "metrics:\n",
        1,
    )
    .replace(
        "  recycle:\n",
        "  repair: {trigger: item.repaired, then: [{award: {wallet: points, amount: event.data.minutes}}]}\n"
        "  recycle:\n",
    )
    .replace("timezone:", "name: {en: Corner Club, bn: কর্নার ক্লাব}\nlanguages: [en, bn, hi]\ntimezone:")
    .replace(
        "  points: {unit: points, rounding: floor,",
        "  credit: {unit: USD, scale: 2, tender: store_credit}\n"
        '  points: {unit: {en: points, bn: পয়েন্ট}, worth: "0.01", rounding: floor,',
    )
    .replace(
        "  pouch: {kind: product,",
        "  hall: {kind: event, price: {points: 1}, seats: 1, at: 2027-03-01T19:00}\n"
        '  bag: {kind: donation, price: {points: 10}, cause: school, worth: "2.50"}\n'
        "  tent: {kind: product, price: {points: 400}}\n"
        "  colours: {kind: product, price: {points: 5}, choices: [red, blue]}\n"
        "  single: {kind: coupon, price: {points: 1}, discount: {percent: 5}, limits: {per_account: 1}}\n"
        "  pouch: {kind: product, name: {en: Travel pouch, bn: ভ্রমণের থলি},",
    )
    + """
badges:
  regular: {name: {en: Regular, bn: নিয়মিত}}
  owl: {name: Night owl, hidden: true}
challenges:
  fifth: {name: {en: The fifth order, bn: পঞ্চম অর্ডার}, metric: orders, every: 5, prize: [{grant: voucher}]}
  autumn:
    name: Autumn walk
    opt_in: true
    metric: orders
    goal: 2
    prize: [{badge: regular}, {award: {wallet: points, amount: "300"}}]
causes:
  school: {name: Bags for school, charity: School Aid, target: 100, match: 1}
draws:
  lucky:
    trigger: order.paid
    prizes: [{name: A pouch, odds: 1 in 1000000, prize: [{award: {wallet: points, amount: "1"}}]}]
leaderboards:
  top: {name: {en: Most orders}, metric: orders, opt_in: true}
teams:
  crew: {name: {en: Crew, bn: দল}, size: 3, join: open}
referral:
  friend: [{grant: voucher}]
  advocate: {first: order.paid, then: [{award: {wallet: points, amount: "200"}}]}
community: {approve: none}
sharing: {of: [purchase, reward, badge], to: "https://shop.example/club"}
quizzes:
  know_us:
    name: {en: Know us, bn: আমাদের চিনুন}
    prize: [{award: {wallet: points, amount: "5"}}]
    questions: [{ask: Are we open?, right: true}]
"""
)


class Reader:
    """Somebody with an address and a browser without scripts."""

    def __init__(self, api: Api, path: str) -> None:
        self.api, self.client, self.path = api, api.client, path

    async def open(self, behind: str = "", status: int = 200, **parameters: str) -> str:
        query = urlencode({"lang": "en", **parameters})
        answer = await self.client.get(f"{self.path}{behind}?{query}")
        assert answer.status_code == status, answer.text
        return unescape(answer.text)

    async def send(self, behind: str, form: dict[str, str], **headers: str) -> Response:
        sent = {"content-type": "application/x-www-form-urlencoded"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(f"{self.path}{behind}?lang=en", content=urlencode(form), headers=sent)


def hidden(page: str) -> dict[str, str]:
    """Read what a form holds unseen."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


@pytest.fixture
async def reader(bare: Api) -> Reader:
    """Ananya, who bought for 159.80 yesterday and has a card."""
    applied = await bare.apply(DEFINITION)
    assert applied.status_code == 201, applied.text
    await bare.enrol(external_id="ananya", name="Ananya Das", email="ananya@mail.example")
    await bare.enrol(external_id="rita")
    bought = datetime.now(UTC) - timedelta(days=1)
    paid = await bare.post(f"{CLUB}/events", json=order("o1", time=bought.isoformat()))
    assert paid.json()["status"] == "applied", paid.text
    made = await bare.post(f"{CLUB}/members/external:ananya/page")
    assert made.status_code == 200, made.text
    return Reader(bare, made.json()["url"])
