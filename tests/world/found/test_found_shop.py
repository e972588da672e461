"""Defects that the shop's world came upon and that were mended, each as small as it could be made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.world.driver import TENANT, World
from tests.world.shop.words import NOW, act, back, cart


def rows(world: World, statement: str) -> list[tuple[Any, ...]]:
    with world.database.transaction(TENANT) as tx:
        return tx.execute(statement).fetchall()


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


def test_a_return_of_an_order_told_before_prices_by_the_version_of_the_cart(world: World) -> None:
    """Where the shop had told of the order under another version, that one's discounts were taken."""
    bought = cart(1, lines=[["3", "75"], ["2", "19.999999"], ["1", "12.50"]])
    told = act("told", id="t1", order="O1", who="s1", lines=bought["lines"], time=NOW)
    world.play([[act("enrol", who="s1")], [bought], [act("version")], [told], [act("confirm", cart="C1")]])
    world.play([[back(1, 1, all=False, lines=[["0", "2"], ["1", "0.5"], ["2", "1"]])]])
    assert world.seen["return applied"] == 1


def test_what_a_member_s_cart_took_for_an_order_of_nobody_comes_back_to_the_member(world: World) -> None:
    told = act("told", id="t1", order="O1", who=None, lines=[["1", "45"]], time=NOW)
    credit = act("adjust", who="s1", amount=5_000)
    bought = cart(1, spend=1, credit=1_000)
    world.play([[act("enrol", who="s1")], [credit], [bought], [told], [act("confirm", cart="C1")]])
    assert world.shop.accounts["s1"].balances(NOW)["credit"][0] == "40.00"
    world.play([[back(1, 1)]])
    assert world.shop.accounts["s1"].balances(NOW)["credit"][0] == "50.00"


def held_by_carts(world: World) -> list[tuple[Any, ...]]:
    return rows(world, "select name, amount from account_holds where kind = 'units'")


def card(amount: int, days: int | None = None) -> Any:
    ends = None if days is None else NOW + timedelta(days=days)
    return act("issue", card="G1", amount=amount, expires=ends)


def test_a_card_that_expired_before_its_cart_was_paid_late_takes_no_part(world: World) -> None:
    """What expired was booked by an event of paying that no order named."""
    late = NOW + timedelta(days=7)
    world.play([[act("enrol", who="s1")], [card(5_000, 3)], [cart(1, cards=["G1"])]])
    world.play([[act("confirm", late, cart="C1")], [act("nightly", late)]])
    assert world.seen["confirm applied"] == 1
    assert rows(world, "select count(*) from events where type = 'guerdon.pay_with_card'") == [(0,)]


def test_a_card_that_was_blocked_is_let_go_by_a_cart_that_is_paid_late(world: World) -> None:
    """It paid nothing, and went on holding what it had promised until a tick came by."""
    late = NOW + timedelta(hours=1)
    world.play([[act("enrol", who="s1")], [card(5_000)], [cart(1, cards=["G1"])]])
    assert [name for name, _ in held_by_carts(world)] == ["cards"]
    world.play([[act("block", card="G1", blocked=True)], [act("confirm", late, cart="C1")]])
    assert held_by_carts(world) == []


def test_a_card_that_is_not_there_is_named_so(world: World) -> None:
    """To block one said `account_not_found`, of an account that nobody had named."""
    world.play([[act("block", card="none", blocked=True)]])
    assert world.seen["block gift_card_not_found"] == 1
