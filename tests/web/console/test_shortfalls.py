"""What was promised and could not be had is named for what it is, in each language."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path
from typing import get_args, get_type_hints

import guerdon
from guerdon.members.members import Desk
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.decision import Shortfall
from guerdon.rules.difference.voice import Voice
from guerdon.web.console.opened import Opened
from guerdon.web.console.shop.sold import REASONS, shortfall_text
from guerdon.web.languages.saying import Saying
from guerdon.web.languages.words import CATALOGUES
from tests.web.conftest import Api

ALL = {
    "units": (
        Shortfall("units", "points", Decimal(50), "insufficient_units"),
        "50 points: not enough was left",
    ),
    "limit": (
        Shortfall("limit", "campaign/bag_of_pens/total/ever", Decimal(1), "limit_reached"),
        "A use of Bag of pens: its limit was reached",
    ),
    "budget": (
        Shortfall("limit", "campaign/bag_of_pens/budget/ever", Decimal("3.5"), "limit_reached"),
        "$3.50 of the budget of Bag of pens: its limit was reached",
    ),
    "coupon": (Shortfall("coupon", "7", Decimal(1), "coupon_held"), "A coupon: another cart held it"),
    "reward": (Shortfall("reward", "mug", Decimal(1), "out_of_stock"), "Mug: none was left"),
    "discount": (
        Shortfall("discount", "ten_off", Decimal("4.20"), "discount_not_met"),
        "$4.20 of the discount Ten off: what remains would not bring it",
    ),
    "discount of a coupon": (
        Shortfall("discount", "mug", Decimal("4.20"), "discount_not_met"),
        "$4.20 of the discount Mug: what remains would not bring it",
    ),
    "gift_card": (
        Shortfall("gift_card", "gft_1", Decimal(12), "gift_card_blocked"),
        "$12.00 of the gift card gft_1: the card was blocked",
    ),
    "checkout": (
        Shortfall("checkout", "C-1", Decimal(1), "order_of_another_member"),
        "The checkout C-1: its order was paid by another member, so it ended",
    ),
}
PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor}
rewards:
  mug: {kind: product, price: {points: 100}}
"""


async def test_each_kind_has_words_of_its_own(bare: Api) -> None:
    await bare.apply(PROGRAM)
    tenant = tenant_id_of(bare.tenant)
    vault = bare.house.vault(tenant)
    with bare.house.database.transaction(tenant) as tx:
        live = bare.house.live(tx, "club")
    kinds = get_args(get_type_hints(Shortfall)["kind"])
    assert set(kinds) <= ALL.keys(), "a kind without words"
    for language in ("en", "bn", "hi"):
        voice = Voice(live.program.definition, (language,))
        opened = Opened(live, (), Desk(vault, live.program_id), "Club", voice, 0)
        say = Saying(language)
        said = {name: shortfall_text(one, opened, say) for name, (one, _) in ALL.items()}
        if language == "en":
            assert said == {name: text for name, (_, text) in ALL.items()}
        else:
            # Names and amounts stay; the words are those of the language.
            assert all(say.knows(REASONS[one.reason]) for one, _ in ALL.values())
            assert "discount" not in said["discount"]
            assert "checkout" not in said["checkout"]
            assert len({text.partition(":")[0] for text in said.values()}) == len(said)


def test_the_reasons_that_are_written_in_the_rules_have_words() -> None:
    found = set()
    rules = Path(guerdon.__file__).parent
    for path in rules.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Shortfall":
                found |= {str(one.value) for one in call.args[3:] if isinstance(one, ast.Constant)}
    assert len(found) > 5
    assert found - REASONS.keys() == set()
    for language in ("bn", "hi"):
        assert set(REASONS.values()) - CATALOGUES[language].keys() == set()
