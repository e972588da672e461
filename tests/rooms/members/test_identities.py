"""References and their normal forms; card numbers that notice a slip."""

from __future__ import annotations

import pytest

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.members.identities import Ref, is_made_card, make_card, normal_ref, parse_ref, resolve
from tests.rooms.members.people import Shop, make_shop
from tests.rooms.places import make_chance


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("email: Ada@Example.ORG ", "email", "ada@example.org"),
        ("email:STRASSE@ß.de", "email", "strasse@ss.de"),
        ("phone:+1 (212) 555-01.99", "phone", "+12125550199"),
        ("phone:017 1234567890", "phone", "0171234567890"),
        ("phone:+৮৮০ ১৭১১ ১১১ ১১১", "phone", "+8801711111111"),
        ("card:7k2m-9qxa 0000", "card", "7K2M9QXA0000"),
        ("external:Shop/Customer:17", "external", "Shop/Customer:17"),
        ("customer-17", "external", "customer-17"),
        ("mem_short", "external", "mem_short"),
        (number_text("mem", 12345), "member", "12345"),
    ],
)
def test_references_are_read_in_normal_form(text: str, kind: str, value: str) -> None:
    assert parse_ref(text) == Ref(kind, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "email:ada",
        "email:a@b@c",
        "email:@b",
        "email:" + "a" * 250 + "@b.cd",
        "email:a\x00@b.c",
        "phone:1234",
        "phone:++12345678",
        "phone:" + "1" * 21,
        "phone:call me",
        "card:x",
        "card:" + "1" * 41,
        "card:a_b_c_d",
        "external:",
        "external:" + "x" * 201,
        "external:a\nb",
        "",
        "member:17",
        "fax:12345",
    ],
)
def test_malformed_references_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_ref(text)
    assert caught.value.code == "reference_invalid"
    value = text.partition(":")[2]
    assert len(value) < 3 or value not in caught.value.detail


def test_a_card_notices_each_single_slip_and_each_swap_but_one_pair() -> None:
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    card = make_card(make_chance())
    assert is_made_card(card)
    assert normal_ref("card", card).value == card
    wrong = [
        card[:at] + letter + card[at + 1 :] for at in range(13) for letter in alphabet if letter != card[at]
    ]
    assert len(wrong) == 13 * 31
    assert not any(map(is_made_card, wrong))
    missed = []
    for place in range(12):
        left, right = card[place], card[place + 1]
        swapped = card[:place] + right + left + card[place + 2 :]
        if swapped != card and is_made_card(swapped):
            missed.append({left, right})
    assert all(pair == {"0", "Z"} for pair in missed)
    assert not is_made_card(card + "0")
    assert not is_made_card("")


def test_cards_do_not_repeat() -> None:
    chance = make_chance()
    cards = {make_card(chance) for _ in range(1000)}
    assert len(cards) == 1000
    assert all(map(is_made_card, cards))


def test_many_references_are_resolved_at_once(shop: Shop) -> None:
    ada = shop.one(external_id="a1", email="ada@example.org", phone="+1 212 555 0199")
    bob = shop.one(email="bob@example.org")
    refs = [
        parse_ref("email:ADA@example.org"),
        parse_ref("phone:+12125550199"),
        parse_ref("a1"),
        parse_ref(number_text("mem", bob.member_id)),
        parse_ref("email:nobody@example.org"),
    ]
    with shop.tx() as tx:
        found = resolve(tx, shop.vault, shop.program_id, refs)
        assert resolve(tx, shop.vault, shop.program_id, []) == {}
        assert resolve(tx, shop.vault, shop.program_id + 1, refs) == {}, "another program"
    assert {ref.value: one.member_id for ref, one in found.items()} == {
        "ada@example.org": ada.member_id,
        "+12125550199": ada.member_id,
        "a1": ada.member_id,
        str(bob.member_id): bob.member_id,
    }
    assert found[refs[0]].account_id == ada.account_id


def test_another_tenant_finds_nobody(shop: Shop) -> None:
    shop.one(email="ada@example.org")
    other = make_shop(shop.database, "other", shop.program_id)
    with other.tx() as tx:
        ref = parse_ref("email:ada@example.org")
        assert resolve(tx, other.vault, other.program_id, [ref]) == {}
        assert resolve(tx, shop.vault, other.program_id, [ref]) == {}, "not even with the other one's key"
    assert other.one(email="ada@example.org").is_new
