"""A club with an evening of two seats, six members, and the whole audit after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.web.conftest import Api
from tests.web.taking.conftest import CLUB, Shop

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
languages: [en, bn]
wallets:
  points: {unit: points, rounding: floor}
attributes:
  persona: {type: string}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  lucky:
    trigger: order.paid
    when: order.net >= 900
    then: [{grant: evening}]
rewards:
  evening:
    {kind: event, name: {en: "Launch, and tea; bring friends", bn: চা}, price: {points: 100}, seats: 2,
     at: 2027-03-01T19:00, place: {en: The shop}, limits: {per_account: 2}}
  walk:
    {kind: event, price: {points: 10}, seats: 0, at: 2027-03-02,
     audience: account.owner.attributes.persona == 'x'}
  adviser: {kind: service, price: {points: 40}}
  pouch: {kind: product, price: {points: 10}, stock: 1}
"""
NAMES = ("ana", "bob", "cem", "dia", "eva", "fay")


async def members(bare: Api, names: tuple[str, ...], points: str = "1000") -> Shop:
    said = await bare.apply(PROGRAM)
    assert said.status_code in (200, 201), said.text
    shop = Shop(bare)
    for name in names:
        one = await bare.enrol(external_id=name)
        path = f"{CLUB}/accounts/{one['account']}/adjustments"
        body = {"wallet": "points", "amount": points, "reason": "a start"}
        given = await bare.post(path, json=body, headers=shop.clock)
        assert given.status_code in (200, 201), given.text
    return shop


async def wait(shop: Shop, member: str, reward: str = "evening") -> tuple[int, dict[str, Any]]:
    return await shop.ask("POST", f"rewards/{reward}/waiting", json={"member": f"external:{member}"})


async def line(shop: Shop, reward: str = "evening") -> list[dict[str, Any]]:
    return list((await shop.get(f"rewards/{reward}/waiting"))["data"])


@pytest.fixture
async def club(bare: Api) -> AsyncIterator[Shop]:
    shop = await members(bare, NAMES)
    yield shop
    shop.check()
