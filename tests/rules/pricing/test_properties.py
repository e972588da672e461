"""What holds for every cart and every program."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.orders import OrderInput
from guerdon.rules.pricing import Priced, View, price, read_cart
from tests.rules.pricing.drawing import campaigns, carts, compiled, effects, program_of, programs
from tests.stories.carts.test_carts import adds_up, becomes_an_order

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
_case = st.tuples(programs(), st.data())


def priced(document: dict[str, Any], cart: OrderInput) -> Priced:
    program = compiled(document)
    return price(program, read_cart(cart, program.order_settings), View(), AT)


def worth(one: Priced) -> int:
    return one.discount + one.shipping.discount


@given(_case)
def test_sums_are_exact_and_nothing_is_negative(case: tuple[dict[str, Any], Any]) -> None:
    document, data = case
    cart = data.draw(carts(document["currency"]))
    quote = priced(document, cart)
    adds_up(quote)
    becomes_an_order(compiled(document), quote)
    # Each promotion is told once, either with what it gave or with why it did not.
    told = [one.source for one in quote.taken] + [one.source for one in quote.skipped]
    assert len(told) == len(set(told)) == len(document["campaigns"])


@given(_case, st.randoms(use_true_random=False))
def test_the_order_of_campaigns_in_the_file_does_not_matter(
    case: tuple[dict[str, Any], Any], chance: Any
) -> None:
    document, data = case
    cart = data.draw(carts(document["currency"]))
    items = list(document["campaigns"].items())
    chance.shuffle(items)
    assert priced({**document, "campaigns": dict(items)}, cart) == priced(document, cart)


@given(_case, effects())
def test_a_campaign_that_cannot_match_changes_nothing(case: tuple[dict[str, Any], Any], extra: Any) -> None:
    document, data = case
    cart = data.draw(carts(document["currency"]))
    never = {
        "trigger": "checkout",
        "when": "cart.subtotal < 0",
        "priority": 1,
        "lane": "outer",
        "then": extra,
    }
    before = priced(document, cart)
    after = priced({**document, "campaigns": {**document["campaigns"], "never": never}}, cart)
    assert (after.lines, after.shipping, after.taken, after.total) == (
        before.lines,
        before.shipping,
        before.taken,
        before.total,
    )
    assert {one.source.key for one in after.skipped} - {one.source.key for one in before.skipped} == {"never"}


@given(
    st.lists(campaigns("one"), min_size=1, max_size=5), carts(), st.sampled_from(["remaining", "original"])
)
def test_best_is_never_worse_than_first_and_best_set_never_worse_than_best(
    some: list[dict[str, Any]], cart: OrderInput, base: str
) -> None:
    keyed = {f"c{number}": {**one, "then": _no_gifts(one)} for number, one in enumerate(some)}
    first, best, best_set = (
        worth(priced(program_of(keyed, lanes={"one": how}, pricing={"base": base}), cart))
        for how in ("first", "best", "best_set")
    )
    assert first <= best <= best_set


def _no_gifts(one: dict[str, Any]) -> list[dict[str, Any]]:
    return [effect for effect in one["then"] if "gift" not in effect]
