"""From which lots a return takes units: the order's own first; what expired of them is nowhere taken."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.events import Adjust, Event
from tests.rules.test_returns import DAY, Shop, back, club, line, on, told

EXPIRING = {"points": {"pending": "0d", "expires": "10d"}}


def spends(shop: Shop, units: int) -> None:
    assert not shop.does(
        Event("guerdon.adjust", shop.now, shop.now, command=Adjust("points", -units, "spent"))
    ).problem_code


def test_what_expired_of_an_order_is_neither_taken_elsewhere_nor_owed() -> None:
    shop = Shop(club(wallets=EXPIRING))
    shop.buys("A", line("1", "60.00"), line("2", "40.00"))
    shop.now += 12 * DAY
    shop.buys("B", line("1", "30.00"))
    units = [told(shop.returns("A", back(name))).units[0] for name in ("2", "1")]
    assert [(one.taken, one.debt, one.expired) for one in units] == [(0, 0, 40), (0, 0, 60)]
    assert shop.units() == 30


def test_what_was_spent_of_an_expired_lot_is_taken_from_others_each_order_bearing_its_share() -> None:
    shop = Shop(club(wallets=EXPIRING))
    # 150 in one lot, a third of it spent; then it expires, and a third of each order's units is to be had.
    shop.buys("A", line("1", "60.00"), line("2", "30.00"))
    shop.buys("B", line("1", "60.00"))
    spends(shop, 50)
    shop.now += 12 * DAY
    shop.buys("C", line("1", "25.00"))
    units = [told(shop.returns("A", back(name))).units[0] for name in ("2", "1")]
    assert [(one.taken, one.debt, one.expired) for one in units] == [(10, 0, 20), (20, 5, 40)]
    assert shop.units() == -5
    other = told(shop.returns("B")).units[0]
    assert (other.taken, other.debt, other.expired) == (20, 20, 40)
    assert shop.units() == -25


def test_what_came_back_before_the_lot_expired_is_no_part_of_what_was_spent() -> None:
    shop = Shop(club(wallets=EXPIRING))
    shop.buys("A", line("1", "60.00"), line("2", "40.00"))
    told(shop.returns("A", back("2")))
    spends(shop, 15)
    shop.now += 12 * DAY
    # 45 of the 60 that were left expired.
    unit = told(shop.returns("A")).units[0]
    assert (unit.taken, unit.debt, unit.expired) == (15, 15, 45)


def test_a_lot_that_was_spent_before_it_expired_is_owed_wholly() -> None:
    shop = Shop(club(wallets=EXPIRING))
    shop.buys("A", line("1", "100.00"))
    spends(shop, 100)
    shop.now += 12 * DAY
    unit = told(shop.returns("A")).units[0]
    assert (unit.taken, unit.debt, unit.expired) == (100, 100, 0)


def test_a_wallet_that_expired_for_want_of_activity_gives_nothing_back_either() -> None:
    idle = {"points": {"pending": "0d", "expires": {"after": "10d", "from": "last_activity"}}}
    shop = Shop(club(wallets=idle))
    shop.buys("A", line("1", "100.00"))
    spends(shop, 25)
    shop.now += 12 * DAY
    unit = told(shop.returns("A")).units[0]
    assert (unit.taken, unit.debt, unit.expired) == (25, 25, 75)


def test_what_came_back_of_this_very_order_before_expiry_is_no_part_of_what_it_lost() -> None:
    shop = Shop(club(wallets=EXPIRING))
    for name in ("A", "B"):
        shop.buys(name, line("1", "1.00", 3), line("2", "5.00"))
    spends(shop, 1)
    for name in ("A", "B"):
        shop.returns(name, back("1", 1))
    shop.now += 12 * DAY
    # Of 14 that were there once each had given one back, 13 expired: of the 7 that are left of an order, 6.
    for name in ("A", "B"):
        unit = told(shop.returns(name)).units[0]
        assert (unit.taken, unit.debt, unit.expired) == (1, 1, 6)
    assert shop.units() == -2


_moments = st.lists(
    st.tuples(
        st.sampled_from(["buy", "spend", "wait", "return"]),
        st.integers(0, 3),
        st.sampled_from([1, 7, 40, 333]),
    ),
    max_size=14,
)


@given(_moments)
def test_what_a_return_takes_and_what_expired_are_what_the_order_had_brought(moments: Any) -> None:
    shop = Shop(club(wallets=EXPIRING))
    bought: list[str] = []
    spent = 0
    for what, which, amount in moments:
        if what == "buy":
            bought.append(f"O-{len(bought)}")
            shop.buys(bought[-1], line("1", f"{amount}.00", 3), line("2", "5.00"))
        elif what == "spend":
            asked = Adjust("points", -amount, "spent")
            refused = shop.does(Event("guerdon.adjust", shop.now, shop.now, command=asked)).problem_code
            spent += 0 if refused else amount
        elif what == "wait":
            shop.now += (which * 4) * DAY
        elif bought:
            shop.returns(bought[which % len(bought)], back("1", 1))
    for name in bought:
        shop.returns(name)
        units = [one for each in shop.orders[name].earlier for one in each.units]
        brought = sum(one.amount for one in shop.orders[name].decision.effects if one.kind == "award")
        assert sum(one.taken + one.expired for one in units) == brought
        assert all(min(one.taken, one.expired, one.debt) >= 0 and one.debt <= one.taken for one in units)
    # What is owed is what was spent: shares of what expired are rounded in each return, against the member.
    assert spent <= -shop.units() <= spent + shop.count


def test_awarded_units_are_taken_from_their_own_lots_first() -> None:
    program = club(wallets={"points": {"pending": "14d", "expires": "12mo"}})
    shop = Shop(program)
    shop.buys("A", line("1", "50.00"))
    shop.now = on(20)
    shop.buys("B", line("1", "70.00"))
    wallet = shop.state.account.wallets["points"]
    assert (wallet.available, wallet.pending) == (50, 70)
    shop.returns("B")
    wallet = shop.state.account.wallets["points"]
    assert (wallet.available, wallet.pending, wallet.debt) == (50, 0, 0)
