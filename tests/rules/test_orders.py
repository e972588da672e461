"""Orders: exact money, discounts and tenders spread to the last minor unit, charged figures as facts."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.rules.orders import AmountInput, LineInput, Order, OrderInput, OrderSettings, read_order

USD = OrderSettings("USD", 2, uncounted_tenders=frozenset({"points"}))
cents = st.integers(0, 100_000)


def dollars(amount: int) -> Decimal:
    return Decimal(amount) / 100


def read(sent: OrderInput, settings: OrderSettings = USD) -> Order:
    return read_order(sent, settings, "web", "")


lines = st.lists(
    st.tuples(cents, st.integers(0, 100), st.sampled_from(["0", "0.07", "0.19", "0.2"])),
    min_size=1,
    max_size=5,
)


@given(lines, st.integers(0, 100), st.integers(0, 300_000), st.booleans(), st.sampled_from(["net", "gross"]))
def test_parts_sum_to_the_whole(
    drawn: list[tuple[int, int, str]],
    percent: int,
    points: int,
    inside: bool,
    earn_on: Literal["net", "gross"],
) -> None:
    nets = [amount - amount * off // 100 for amount, off, _ in drawn]
    off_order = sum(nets) * percent // 100
    sent = OrderInput(
        id="o",
        lines=tuple(
            LineInput(
                str(at),
                subtotal=dollars(amount),
                discount=dollars(amount * off // 100),
                tax_rate=Decimal(rate),
            )
            for at, (amount, off, rate) in enumerate(drawn)
        ),
        prices_include_tax=inside,
        discounts=(AmountInput(dollars(off_order)),),
        payments=(AmountInput(dollars(points), "points"), AmountInput(dollars(5), "card")),
    )
    order = read(sent, msgspec.structs.replace(USD, earn_on=earn_on))
    assert order.net_minor == sum(nets) - off_order == sum(line.net_minor for line in order.lines)
    assert order.subtotal - order.discount == order.net
    assert all(0 <= line.net_minor <= net for line, net in zip(order.lines, nets, strict=True))
    for line in order.lines:
        rate = Fraction(line.tax_rate)
        exact = line.net_minor * rate / (1 + rate if inside else 1)
        assert abs(line.tax_minor - exact) <= Fraction(1, 2)
        assert line.total_minor == line.net_minor + (0 if inside else line.tax_minor)
    base = order.net_minor + order.tax_minor * ((earn_on == "gross") - inside)
    assert order.earning_minor == max(0, base - min(points, base))
    assert order.earning_minor == sum(line.earning_minor for line in order.lines)
    assert all(line.earning_minor >= 0 for line in order.lines)


def test_a_discount_on_the_order_can_be_left_out_of_earning() -> None:
    sent = OrderInput(
        id="o",
        lines=(LineInput("1", subtotal=Decimal(100), tax_rate=Decimal("0.1")),),
        discounts=(AmountInput(Decimal(10)),),
    )
    ignoring = msgspec.structs.replace(USD, spread_order_discount=False)
    assert (read(sent).net, read(sent).tax, read(sent).total) == tuple(map(Decimal, (90, 9, 99)))
    assert read(sent).earning_base == 90
    assert read(sent, ignoring).earning_base == 100
    assert read(sent, msgspec.structs.replace(ignoring, earn_on="gross")).earning_base == 110
    assert read(sent, ignoring).total == 99


def test_charged_figures_are_facts() -> None:
    line = LineInput(
        "1", price=Decimal("0.333333"), quantity=Decimal(3), tax=Decimal("0.11"), total=Decimal("1.12")
    )
    order = read(OrderInput(id="o", lines=(line,)))
    assert (order.net, order.tax, order.total) == (Decimal("1.00"), Decimal("0.11"), Decimal("1.12"))


def test_a_subtotal_wins_over_a_price_and_a_quantity_of_nothing_is_legal() -> None:
    line = LineInput("1", price=Decimal(9), quantity=Decimal(0), subtotal=Decimal("4.56"))
    assert read(OrderInput(id="o", lines=(line,))).net == Decimal("4.56")
    assert read(OrderInput(id="o", lines=(LineInput("1", price=Decimal(9), quantity=Decimal(0)),))).net == 0
    assert read(OrderInput(id="o", lines=())).earning_base == 0


def test_a_quantity_of_ten_thousand_is_one_line() -> None:
    line = LineInput("1", price=Decimal("0.05"), quantity=Decimal(10_000))
    order = read(OrderInput(id="o", lines=(line,)))
    assert (len(order.lines), order.net, order.quantity) == (1, Decimal(500), Decimal(10_000))


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"quantity": Decimal(-1)}, "negative_quantity", "/data/lines/0/quantity"),
        ({"subtotal": Decimal("1.001")}, "too_many_digits", "/data/lines/0/subtotal"),
        ({"subtotal": Decimal(-1)}, "negative_amount", "/data/lines/0/subtotal"),
        ({"subtotal": Decimal("NaN")}, "not_a_number", "/data/lines/0/subtotal"),
        ({"subtotal": Decimal("1e18")}, "amount_too_large", "/data/lines/0/subtotal"),
        ({"subtotal": None}, "price_missing", "/data/lines/0"),
        ({"discount": Decimal(11)}, "discount_too_large", "/data/lines/0/discount"),
        ({"tax_rate": Decimal(11)}, "tax_rate_invalid", "/data/lines/0/tax_rate"),
        ({"id": ""}, "line_id_invalid", "/data/lines/0/id"),
    ],
)
def test_a_wrong_line_is_named(change: dict[str, Any], code: str, pointer: str) -> None:
    line = msgspec.structs.replace(LineInput("1", subtotal=Decimal(10)), **change)
    with pytest.raises(Problem) as refused:
        read(OrderInput(id="o", lines=(line,)))
    assert (refused.value.code, refused.value.faults[0].pointer) == (code, pointer)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": ""}, "order_id_invalid"),
        ({"currency": "EUR"}, "currency_mismatch"),
        ({"currency": "XXQ"}, "unknown_currency"),
        ({"lines": (LineInput("1", subtotal=Decimal(1)),) * 2}, "duplicate_line"),
        ({"lines": tuple(LineInput(str(at), subtotal=Decimal(1)) for at in range(1001))}, "too_many_lines"),
        ({"discounts": (AmountInput(Decimal(11)),)}, "discount_too_large"),
        ({"payments": (AmountInput(Decimal(-1)),)}, "negative_amount"),
    ],
)
def test_a_wrong_order_is_named(change: dict[str, Any], code: str) -> None:
    sent = OrderInput(id="o", lines=(LineInput("1", subtotal=Decimal(10)),))
    with pytest.raises(Problem) as refused:
        read(msgspec.structs.replace(sent, **change))
    assert refused.value.code == code
