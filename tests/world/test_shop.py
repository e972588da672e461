"""The shop's world in `make test`: some seeds in process, and the teeth of model, checks and judge."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.world.actors import make_plan
from tests.world.driver import TENANT, DifferenceError, World
from tests.world.shop.actors import make_shop_plan, together
from tests.world.shop.checks import check_shop
from tests.world.shop.words import NOW, act, cart

WANTED = {
    "open applied",
    "open checkout_confirmed",
    "open insufficient_units",
    "open gift_card_blocked",
    "open gift_card_empty",
    "open duplicate_gift_card",
    "open out_of_stock",
    "preview applied",
    "confirm applied",
    "confirm duplicate",
    "confirm checkout_cancelled",
    "drop applied",
    "drop checkout_confirmed",
    "told applied",
    "told duplicate",
    "told order_already_paid",
    "return applied",
    "return order_has_grown",
    "return return_exceeds_order",
    "return nothing_to_return",
    "return order_not_found",
    "redeem applied",
    "cancel applied",
    "use applied",
    "issue applied",
    "topup applied",
    "block applied",
    "claim applied",
    "adjust applied",
}
WANTED_FOR_LONG = WANTED | {
    "open limit_reached",
    "told event_id_reused",
    "return duplicate",
    "return order_repriced",
}


def test_engine_and_model_agree_on_carts_and_returns(world: World) -> None:
    """A world in which nothing is refused, comes late or fights shows nothing."""
    world.play(make_shop_plan(10, 80))
    assert WANTED - set(world.seen) == set()


def test_all_programs_happen_side_by_side(world: World) -> None:
    world.play(together(make_plan(4, 30), make_shop_plan(4, 30)))
    assert {act for act in world.seen if act.startswith(("redeem", "confirm"))}
    told = "\n".join(world.table())
    assert "62 steps" in told
    assert "the clock passed" in told


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(200, 230))
def test_engine_and_model_agree_on_carts_for_long(world: World, seed: int) -> None:
    world.play(make_shop_plan(seed, 700))
    assert sum(world.seen.values()) > 2_000
    assert WANTED_FOR_LONG - set(world.seen) == set()


def test_the_shops_model_knows_nothing_of_the_engine() -> None:
    folder = Path(__file__).parent / "shop"
    for name in ("model", "desk", "cards", "returning", "pricing", "holder", "things", "program"):
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        imported = {
            one.module or "" if isinstance(one, ast.ImportFrom) else one.names[0].name
            for one in ast.walk(tree)
            if isinstance(one, ast.Import | ast.ImportFrom)
        }
        assert not {one for one in imported if one.startswith("guerdon")}, name


def rows(world: World, statement: str) -> list[tuple[Any, ...]]:
    with world.database.transaction(TENANT) as tx:
        return tx.execute(statement).fetchall()


def test_a_wrong_price_is_seen(world: World) -> None:
    world.play([[act("enrol", who="s1")]])
    world.shop.counters["ten", "s1", "2026-06"] = 2
    with pytest.raises(DifferenceError, match="due: engine"):
        world.play([[cart(1, lines=[["1", "30"]])]])


def test_a_hold_that_is_not_there_is_seen(world: World) -> None:
    world.play([[act("enrol", who="s1")], [cart(1, spend=20)]])
    world.shop.let_go("C1")
    faults = check_shop(world.database, (TENANT, NOW), world.shop, world.accounts)
    assert any(one.startswith("holds of units") for one in faults), faults


def test_a_use_that_nobody_counted_is_seen(world: World) -> None:
    world.play([[act("enrol", who="s1")], [cart(1, coupons=["one=1"])], [act("confirm", cart="C1")]])
    world.shop.counters["code", "one=1", "ever"] = 0
    faults = check_shop(world.database, (TENANT, NOW), world.shop, world.accounts)
    assert "code is 1 instead of 0" in faults
