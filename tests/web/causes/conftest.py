"""A club that gives to two causes, and the whole audit after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.web.conftest import Api
from tests.web.taking.conftest import CLUB, Shop

PROGRAM = """
program: club
name: {en: The club}
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor}
  footprint: {unit: kg CO₂, scale: 3, rounding: half_up, spendable: false}
events:
  item.recycled: {data: {grams: int}, evidence: required}
  item.repaired: {evidence: staff}
  delivery.waited: {}
campaigns:
  recycle:
    trigger: item.recycled
    limits: {per_account: 2, per: month}
    then: [{award: {wallet: points, amount: "20"}}]
  saved:
    trigger: item.recycled
    then: [{award: {wallet: footprint, amount: event.data.grams * 0.0021}}]
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  thanks:
    trigger: order.paid
    when: order.net >= 500
    then: [{grant: well}]
causes:
  wells: {name: Wells, charity: "=Wells e.V.", target: "1000", match: "0.5", match_at_most: "3.00"}
  trees: {pays_out: quarter}
rewards:
  well: {kind: donation, price: {points: 250}, cause: wells, worth: "2.50"}
  any: {kind: donation, price: {points: 1}, cause: wells, worth: "0.01"}
  tree: {kind: donation, price: {points: 100}, cause: trees, worth: "1.00"}
  pouch: {kind: product, price: {points: 10}}
"""


@pytest.fixture
async def club(bare: Api) -> AsyncIterator[Shop]:
    said = await bare.apply(PROGRAM)
    assert said.status_code == 201, said.text
    shop = Shop(bare)
    for member in ("ana", "bob"):
        one = await bare.enrol(external_id=member)
        path = f"{CLUB}/accounts/{one['account']}/adjustments"
        body = {"wallet": "points", "amount": "100000", "reason": "a start"}
        given = await bare.post(path, json=body, headers=shop.clock)
        assert given.status_code in (200, 201), given.text
    yield shop
    shop.check()
