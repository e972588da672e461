"""Members as people see them: found by anything, listed, changed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.members.identities import member_ref, normal_ref
from guerdon.members.members import (
    find_member,
    get_member,
    list_members,
    list_of_account,
    patch_member,
    search_members,
)
from guerdon.members.profiles import read_change
from guerdon.members.states import load_members
from tests.rooms.members.people import DECLARED, Shop, make_shop
from tests.rooms.places import NOW


def test_a_member_is_found_by_each_of_their_names(shop: Shop) -> None:
    ada = shop.one(external_id="a-1", email="ada@example.org", phone="+12125550199")
    with shop.tx() as tx:
        card = get_member(tx, shop.desk, member_ref(ada.member_id)).profile.card
        refs = [
            normal_ref("card", f"{card[:4]}-{card[4:]}".lower()),
            normal_ref("email", "Ada@example.org"),
            normal_ref("phone", "+1 212 555 0199"),
            normal_ref("external", "a-1"),
        ]
        assert [get_member(tx, shop.desk, ref).member_id for ref in refs] == [ada.member_id] * 4
        assert find_member(tx, shop.desk, normal_ref("email", "eve@example.org")) is None
        with pytest.raises(Problem) as caught:
            get_member(tx, shop.desk, normal_ref("email", "eve@example.org"))
        assert [one.member_id for one in list_of_account(tx, shop.desk, ada.account_id)] == [ada.member_id]
        assert list_of_account(tx, shop.desk, ada.account_id + 1) == []
    assert caught.value.code == "member_not_found"
    assert "eve" not in str(caught.value)


def test_pages_hold_each_member_once_newest_first(shop: Shop) -> None:
    ids = [shop.one(external_id=f"m{n}").member_id for n in range(7)]
    seen: list[int] = []
    cursor = None
    sizes = []
    with shop.tx() as tx:
        while True:
            page = list_members(tx, shop.desk, cursor=cursor, limit=3)
            seen += [member.member_id for member in page.members]
            sizes.append(len(page.members))
            cursor = page.next
            if cursor is None:
                break
        assert list_members(tx, shop.desk, limit=7).next is None
        for wrong in ("", "7", "acc_0000000000000"):
            with pytest.raises(Problem, match="cursor_invalid"):
                list_members(tx, shop.desk, cursor=wrong)
    assert seen == ids[::-1]
    assert sizes == [3, 3, 1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ada@example.org", ["Ada Lovelace"]),
        ("EMAIL:ADA@example.org", []),
        ("+1 212 555 0199", ["Ada Lovelace"]),
        ("a-1", ["Ada Lovelace"]),
        ("ada", ["Ada Byron", "Ada Lovelace"]),
        ("lovelace ADA", ["Ada Lovelace"]),
        ("lov", ["Ada Lovelace"]),
        ("lovel", ["Ada Lovelace"]),
        ("lovex", []),
        ("lo", []),
        ("jose", ["José Li"]),
        ("li", ["José Li"]),
        ("রহি", ["রহিম উদ্দিন"]),
        ("nobody", []),
        ("  ", []),
        ("'; drop table members; --", []),
    ],
)
def test_search(shop: Shop, text: str, found: list[str]) -> None:
    shop.one(name="Ada Lovelace", email="ada@example.org", phone="+12125550199", external_id="a-1")
    shop.one(name="Ada Byron")
    shop.one(name="José Li")
    shop.one(name="রহিম উদ্দিন")
    with shop.tx() as tx:
        page = search_members(tx, shop.desk, text)
    assert [member.profile.name for member in page.members] == found
    assert page.next is None


def test_search_goes_on_from_page_to_page(shop: Shop) -> None:
    for number in range(5):
        shop.one(name=f"Ada Number{number}")
        shop.one(name=f"Adam Number{number}")
    seen: list[str] = []
    cursor = None
    with shop.tx() as tx:
        for _ in range(10):
            page = search_members(tx, shop.desk, "ada numb", cursor=cursor, limit=4)
            seen += [member.profile.name for member in page.members]
            cursor = page.next
            if cursor is None:
                break
    assert len(seen) == len(set(seen)) == 10


def test_search_looks_at_a_bounded_number_of_rows_and_still_ends(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guerdon.members.members._SCANNED_AT_MOST", 2)
    for number in range(5):
        shop.one(name=f"Adamson{number}")
    shop.one(name="Adams Smith")
    seen: list[str] = []
    cursor, pages = None, 0
    with shop.tx() as tx:
        while pages < 20:
            page = search_members(tx, shop.desk, "adamson0", cursor=cursor)
            seen += [member.profile.name for member in page.members]
            cursor, pages = page.next, pages + 1
            if cursor is None:
                break
    assert seen == ["Adamson0"]
    assert pages == 4


def test_another_tenant_sees_nobody(shop: Shop) -> None:
    ada = shop.one(name="Ada", email="ada@example.org")
    other = make_shop(shop.database, "other", shop.program_id)
    with other.tx() as tx:
        assert list_members(tx, other.desk).members == []
        assert search_members(tx, shop.desk, "ada").members == []
        assert find_member(tx, shop.desk, member_ref(ada.member_id)) is None
        assert load_members(tx, [ada.account_id], [ada.member_id]).by_id == {}


def test_a_change_touches_only_what_it_names(shop: Shop) -> None:
    ada = shop.one(
        name="Ada",
        language="en",
        attributes={"size": 44, "weight": "1.5", "allergy": "nuts", "salary": "10"},
        consents={"sms": True, "email_marketing": True},
    )
    ref = member_ref(ada.member_id)
    later = NOW + timedelta(days=1)
    change = read_change(
        {
            "attributes": {"size": None, "allergy": None, "salary": "12.30", "subscribed": True},
            "consents": {"sms": False},
        },
        DECLARED,
    )
    with shop.tx() as tx:
        answered = patch_member(tx, shop.desk, ref, change, later)
    with shop.tx() as tx:
        stored = get_member(tx, shop.desk, ref)
        (raw,) = tx.execute("select attributes::text from members").fetchall()
    assert stored == answered
    assert stored.language == "en"
    assert stored.profile.name == "Ada"
    assert stored.profile.attributes == {"salary": Decimal("12.30")}
    assert stored.attributes == {"weight": Decimal("1.5"), "subscribed": True}
    assert raw == ('{"weight": 1.5, "subscribed": true}',), "numbers are numbers, and exact"
    assert {topic: (one.given, one.at) for topic, one in stored.consents.items()} == {
        "sms": (False, later),
        "email_marketing": (True, NOW),
    }
    with shop.tx() as tx:
        patch_member(tx, shop.desk, ref, read_change({"language": "bn"}, DECLARED), later)
        assert get_member(tx, shop.desk, ref).language == "bn"
        with pytest.raises(Problem, match="member_not_found"):
            patch_member(tx, shop.desk, member_ref(1), change, later)


def test_decisions_see_the_member_without_what_names_them(shop: Shop) -> None:
    ada = shop.one(
        name="Ada",
        birthday="1990-02-28",
        language="en",
        attributes={"weight": "1.50", "size": 3, "allergy": "nuts"},
        consents={"sms": False, "email_marketing": True},
    )
    with shop.tx() as tx:
        loaded = load_members(tx, [ada.account_id], [ada.member_id])
        owner_alone = load_members(tx, [ada.account_id], [])
        assert load_members(tx, [], []).by_id == {}
    member = loaded.by_id[ada.member_id]
    assert loaded.owners[ada.account_id] == member == owner_alone.owners[ada.account_id]
    state = member.state
    assert (state.member_id, state.role, state.language, state.birthday, state.joined_at) == (
        ada.member_id,
        "owner",
        "en",
        "02-28",
        NOW,
    )
    assert state.attributes == {"weight": Decimal("1.50"), "size": 3}
    assert isinstance(state.attributes["weight"], Decimal)
    assert state.consents == {"sms": False, "email_marketing": True}
    key = member.open_key(shop.vault)
    assert key is not None
    assert key.open("event:1", key.seal("event:1", b"x")) == b"x"


def test_of_a_company_only_the_owner_and_those_who_act_are_read(shop: Shop) -> None:
    ada = shop.one(name="Ada")
    with shop.tx() as tx:
        tx.execute(
            "insert into members (account_id, member_id, program_id, role, joined_at)"
            " select %s, n, 42, 'buyer', %s from generate_series(1, 50) n",
            (ada.account_id, NOW),
        )
        loaded = load_members(tx, [ada.account_id], [7])
    assert set(loaded.by_id) == {7, ada.member_id}
    assert loaded.owners[ada.account_id].state.member_id == ada.member_id
    assert loaded.by_id[7].state.role == "buyer"
    assert loaded.by_id[7].open_key(shop.vault) is None
    assert number_text("mem", 7).endswith("7")
