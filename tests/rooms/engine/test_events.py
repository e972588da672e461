"""Events through the whole engine and a real database."""

from __future__ import annotations

from tests.rooms.engine.conftest import World


def test_an_order_earns(world: World) -> None:
    enrolled = world.enrol("anna")
    assert enrolled.status == "applied"
    assert enrolled.created
    assert enrolled.balances["points"].available == "100"
    answer = world.ask(world.order("129.90"))[0]
    assert answer.status == "applied"
    assert {"campaign": "base_earn", "award": {"wallet": "points", "amount": "129"}} in answer.effects
    assert answer.balances["points"].available == "229"
    assert (answer.balances["later"].available, answer.balances["later"].pending) == ("0.00", "0.25")
    assert world.rows("select available, pending from wallets order by wallet") == [(0, 25), (229, 0)]
    world.verify()
