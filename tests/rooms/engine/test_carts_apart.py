"""64 callers over two engine processes: what is scarce is promised exactly as often as it is there, twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from guerdon.engine.commands import CancelCheckout
from guerdon.rules.coupons.standing import Terms
from tests.rooms.engine.carts_apart import KINDS, cart
from tests.rooms.engine.conftest import NOW, TENANT, World
from tests.rooms.engine.crowds import CLIENTS, batch_of, crowd, live

ROOT = Path(__file__).parents[3]
SHOP = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor}
  later: {unit: later, scale: 2, pending: 14d}
campaigns:
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "100"}}]
  part:
    trigger: checkout
    when: cart.lines.exists(l, 'part' in l.categories)
    limits: {budget: {money: "7.00"}, when_short: part}
    then: [{discount: {amount: "2.00"}}]
  none:
    trigger: checkout
    when: cart.lines.exists(l, 'none' in l.categories)
    limits: {budget: {money: "7.00"}, when_short: none}
    then: [{discount: {amount: "2.00"}}]
rewards:
  spring: {kind: coupon, discount: {amount: "1.00"}}
  few: {kind: product, price: {points: 10}, stock: 5}
  dear: {kind: product, price: {points: 100}}
"""
TWO, ONE = Decimal("2.00"), Decimal("1.00")
BY: Any = {"tenant_id": TENANT, "program": "club", "received_at": NOW}


class Got(NamedTuple):
    """What a caller got of what it wanted."""

    number: int
    off: Decimal
    why: tuple[str, ...]
    refused: str


@pytest.fixture
def shop(world: World) -> World:
    live(world, SHOP)
    batch_of(world, "TENTIMES", Terms(uses=10))
    for number in range(CLIENTS):
        world.enrol(f"m{number}")
    world.enrol("anna")
    return world


def both(world: World, round_: int) -> dict[str, list[Got]]:
    """Let two processes begin at the same moment."""
    words = [sys.executable, "-m", "tests.rooms.engine.carts_apart", world.database.conninfo, str(round_)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    there = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running = [subprocess.Popen([*words, half], cwd=ROOT, env=there, **pipes) for half in "01"]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    said = []
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in running:
        out, _ = one.communicate(timeout=120)
        assert one.returncode == 0
        said += json.loads(out)
    found: dict[str, list[Got]] = {kind: [] for kind in KINDS}
    for told in said:
        off = sum(map(Decimal, told["off"]), Decimal(0))
        found[told["kind"]].append(
            Got(told["number"], off, tuple(set(told["why"]) - {"condition_false"}), told["refused"])
        )
    assert {kind: len(some) for kind, some in found.items()} == dict.fromkeys(KINDS, CLIENTS)
    return found


def check(found: dict[str, list[Got]], there: dict[str, Any]) -> dict[str, list[Got]]:
    """Compare what was given with what was there, and list those who got something."""
    tens = [one.off for one in found["coupon"] if one.off]
    assert tens == [ONE] * there["coupon"]
    assert {one.why for one in found["coupon"] if not one.off} == {("coupon_used",)}
    assert sum(not one.refused for one in found["stock"]) == there["stock"]
    assert {one.refused for one in found["stock"]} == {"", "out_of_stock"}
    assert sorted((one.off for one in found["part"] if one.off), reverse=True) == there["part"]
    assert [one.off for one in found["none"] if one.off] == there["none"]
    for kind in ("part", "none"):
        assert {one.why for one in found[kind] if not one.off} == {("budget_spent",)}
    assert sum(not one.refused for one in found["units"]) == there["units"]
    assert {one.refused for one in found["units"]} == {"", "insufficient_units"}
    return {
        kind: [one for one in some if (not one.refused if kind in ("stock", "units") else one.off)]
        for kind, some in found.items()
    }


@pytest.mark.timeout(300)
def test_what_is_scarce_is_promised_as_often_as_it_is_there_by_two_processes(shop: World) -> None:
    all_of_it = {"coupon": 10, "stock": 5, "part": [TWO, TWO, TWO, ONE], "none": [TWO] * 3, "units": 1}
    won = check(both(shop, 0), all_of_it)
    first = {kind: some[0] for kind, some in won.items()}
    ends = [CancelCheckout(**BY, id=cart(kind, 0, one.number).id) for kind, one in first.items()]
    assert all(one.problem is None for one in crowd([shop.loop], ends))
    # What the first of each had is there again, and no more.
    there = {"coupon": 1, "stock": 1, "part": [first["part"].off], "none": [TWO], "units": 1}
    check(both(shop, 1), there)
    used = dict(shop.rows("select counter, used from shared_counters"))
    budgets = {name.split("/")[1]: amount for name, amount in used.items() if "/budget" in name}
    assert budgets == {"part": Decimal("7.00"), "none": Decimal("6.00")}
    assert [amount for name, amount in used.items() if name.startswith("coupon/")] == [10]
    assert used["reward/few/stock"] == 5
    assert shop.rows("select count(*) from quarantine") == [(0,)]
    shop.verify()
