"""The shop's world in `make test`: some seeds in process, and the teeth of model, checks and judge."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.world.actors import make_plan
from tests.world.driver import TENANT, DifferenceError, World
from tests.world.model import Act
from tests.world.shop.actors import make_shop_plan, together
from tests.world.shop.checks import check_shop

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
WANTED = {
    "open applied",
    "open checkout_confirmed",
    "open insufficient_units",
    "open limit_reached",
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
    "told event_id_reused",
    "return applied",
    "return duplicate",
    "return return_exceeds_order",
    "return nothing_to_return",
    "return order_not_found",
    "redeem applied",
    "cancel applied",
    "use applied",
}


def test_engine_and_model_agree_on_carts_and_returns(world: World) -> None:
    """A world in which nothing is refused, comes late or fights shows nothing."""
    world.play(make_shop_plan(2, 200))
    assert WANTED - set(world.seen) == set()


def test_all_programs_happen_side_by_side(world: World) -> None:
    world.play(together(make_plan(4, 60), make_shop_plan(4, 60)))
    assert {act for act in world.seen if act.startswith(("redeem", "confirm"))}


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(200, 230))
def test_engine_and_model_agree_on_carts_for_long(world: World, seed: int) -> None:
    world.play(make_shop_plan(seed, 700))
    assert sum(world.seen.values()) > 2_000


def test_the_shops_model_knows_nothing_of_the_engine() -> None:
    folder = Path(__file__).parent / "shop"
    for name in ("model", "desk", "returning", "pricing", "holder", "things", "program"):
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        imported = {
            one.module or "" if isinstance(one, ast.ImportFrom) else one.names[0].name
            for one in ast.walk(tree)
            if isinstance(one, ast.Import | ast.ImportFrom)
        }
        assert not {one for one in imported if one.startswith("guerdon")}, name


def act(do: str, now: datetime = NOW, **more: Any) -> Act:
    return {"do": do, "program": "store", "now": now, **more}


def cart(number: int, now: datetime = NOW, **more: Any) -> Act:
    bought = {"lines": [["1", "45"]], "shipping": 0, "spend": 0, "rewards": [], "coupons": []}
    named = {"who": "s1", "order": f"O{number}", "cart": f"C{number}"}
    return act("open", now, **{**named, **bought, **more})


def back(number: int, order: int, now: datetime = NOW, **more: Any) -> Act:
    whole = {"lines": [], "all": True, "shipping": False, "via": "call"}
    return act("return", now, **{"id": f"R{number}", "order": f"O{order}", **whole, **more})


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
    faults = check_shop(world.database, (world.voice.vault, NOW), world.shop, world.accounts)
    assert any(one.startswith("holds of units") for one in faults), faults


def test_a_use_that_nobody_counted_is_seen(world: World) -> None:
    world.play([[act("enrol", who="s1")], [cart(1, coupons=["one=1"])], [act("confirm", cart="C1")]])
    world.shop.counters["code", "one=1", "ever"] = 0
    faults = check_shop(world.database, (world.voice.vault, NOW), world.shop, world.accounts)
    assert "code is 1 instead of 0" in faults


# Defects that this world came upon and that were mended, each as small as it could be made.


def test_a_cart_is_opened_priced_anew_and_ended_in_one_batch(world: World) -> None:
    """Its end was read before its beginning was written: `checkout_not_found`."""
    world.play([[act("enrol", who="s1")], [cart(1), cart(1, spend=5), act("confirm", cart="C1")]])
    world.play([[cart(2), act("drop", cart="C2"), act("confirm", cart="C2")]])
    assert rows(world, "select id, status from checkouts order by id") == [
        ("C1", "confirmed"),
        ("C2", "cancelled"),
    ]


def test_a_second_confirmation_in_one_batch_says_what_the_first_did(world: World) -> None:
    """It was answered without effects, for it was not stored yet."""
    world.play([[act("enrol", who="s1")], [cart(1)]])
    world.play([[act("confirm", cart="C1"), act("confirm", cart="C1")]])
    assert world.seen["confirm duplicate"] == 1


def test_a_duplicate_shows_what_lapsed_as_free(world: World) -> None:
    told = act("told", id="t1", order="O9", who="s1", lines=[["1", "45"]], time=NOW)
    later = NOW + timedelta(hours=1)
    world.play([[act("enrol", who="s1")], [told], [cart(1, spend=20)], [{**told, "now": later}]])


def test_holds_of_two_wallets_are_found_again_by_the_audit(world: World) -> None:
    """The mark of what was held hung on the order in which wallets had come."""
    world.play(
        [
            [act("enrol", who="s1")],
            [
                act("told", id=f"t{one}", order=f"T{one}", who="s1", lines=[["1", "45"]], time=NOW)
                for one in (1, 2)
            ],
            [cart(1, spend=20, rewards=["mystery"])],
            [act("told", id="t3", order="T3", who="s1", lines=[["1", "45"]], time=NOW)],
        ]
    )


def test_a_discount_falls_once(world: World) -> None:
    """What a part of an order does not bring any more was named with each later part again."""
    bought = cart(1, lines=[["2", "0.333"], ["2", "19.999999"]])
    world.play([[act("enrol", who="s1")], [bought], [act("confirm", cart="C1")]])
    world.play([[back(1, 1, all=False, lines=[["1", "0.5"]])], [back(2, 1, all=False, shipping=True)]])
    assert world.seen["return applied"] == 2


def test_a_return_prices_what_remains_by_the_version_that_priced_the_cart(world: World) -> None:
    """A later version's discounts were taken where it stood when the cart was confirmed."""
    later = NOW + timedelta(days=8)
    bought = cart(1, lines=[["3", "75"], ["2", "19.999999"], ["1", "12.50"]], shipping=490, spend=1)
    world.play(
        [[act("enrol", who="s1")], [bought], [act("version", later)], [act("confirm", later, cart="C1")]]
    )
    some = [["0", "2"], ["1", "0.5"], ["2", "1"]]
    world.play([[back(1, 1, later, all=False, lines=some)]])
    assert world.seen["return applied"] == 1
