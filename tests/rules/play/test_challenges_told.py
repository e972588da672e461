"""Challenges told again: in explanations, by the example, and with an earlier version's campaigns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from guerdon.rules.compiling import compile_program
from guerdon.rules.decision import Decision
from guerdon.rules.definition import load_definition
from guerdon.rules.explain import explain
from guerdon.rules.orders import LineInput
from guerdon.rules.pinned import with_campaigns_of
from tests.architecture.source import ROOT
from tests.rules.play.test_challenges import BASE, BEGINS, DAY, PRIZE, Life, club
from tests.rules.worlds import compiled


def test_an_explanation_tells_the_prize_and_comes_to_the_same() -> None:
    more: dict[str, Any] = {"limits": {"per_account": 1}, "prize": [*PRIZE, {"grant": "pen"}]}
    life = Life(club(metric="spend", every="10", audience="metrics.orders >= 1", more=None, **more))
    line = LineInput(id="1", sku="a", quantity=Decimal(1), price=Decimal(25))
    for order, outcome in (("o0", "acted"), ("o1", "limit_reached")):
        decision = life.buys(order, line)
        stored = msgspec.json.decode(msgspec.json.encode(decision), type=Decision)
        found = explain(life.program, life.orders[order].event, stored)
        assert found.differences == ()
        told = {one.campaign: one.outcome for one in found.outcomes}
        assert told["challenge:one"] == outcome


def test_the_challenges_of_the_example_are_reached() -> None:
    text = (ROOT / "examples" / "backpack-club.yaml").read_text(encoding="utf-8")
    life = Life(compile_program(load_definition(text), 1))
    bag = LineInput(id="1", sku="BAG", quantity=Decimal(1), price=Decimal(60), categories=("backpack",))
    for week in range(8):
        life.now = BEGINS + week * 7 * DAY
        life.buys(f"o{week}", bag)
    told = {key: one.times for key, one in life.state.account.challenges.items() if one.times}
    assert (told["fifth_backpack"], told["eight_weeks"]) == (1, 1)
    assert "trailblazer" in life.state.account.badges
    assert life.state.shared.counters["reward/travel_pouch/stock"] == 1


def test_an_order_of_an_earlier_version_reaches_what_stands_today() -> None:
    earlier = compiled({key: value for key, value in BASE.items() if key != "badges"})
    more = {"segments": {"buyers": "metrics.orders >= 0"}}
    live = club(more, metric="orders", goal="1", audience="'buyers' in account.segments && metrics.spend > 1")
    life = Life(with_campaigns_of(live, earlier))
    assert life.buys_for() == 1
    assert sorted(life.state.account.badges) == ["shopper"]
    life.returns("o0")
    assert (life.points, life.progress.times) == (0, 0)
