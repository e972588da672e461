"""What may be told about a person: each wrong place is named with its pointer and code."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.members.names import is_meant, words_of
from guerdon.members.profiles import read_change, read_profile
from tests.rooms.members.people import DECLARED

TODAY = date(2026, 11, 21)


def test_everything_at_once() -> None:
    told = read_profile(
        {
            "external_id": "a-1",
            "email": " Ada@Example.org ",
            "phone": "+1 212 555 0199",
            "name": " Ada Lovelace ",
            "birthday": "2026-11-21",
            "language": "en-GB",
            "attributes": {
                "persona": "student",
                "size": 44,
                "weight": "71.50",
                "subscribed": True,
                "since": "2020-02-29",
                "pets": ["cat", "dog"],
                "score": Decimal("1.5"),
                "allergy": "nuts",
                "salary": Decimal("12.30"),
            },
            "consents": {"email_marketing": True, "sms": False},
            "referral_code": None,
        },
        DECLARED,
        TODAY,
    )
    assert [(ref.kind, ref.value) for ref in told.identities] == [
        ("external", "a-1"),
        ("email", "ada@example.org"),
        ("phone", "+12125550199"),
    ]
    assert (told.email, told.name, told.birthday) == ("Ada@Example.org", "Ada Lovelace", TODAY)
    assert told.attributes == {
        "persona": "student",
        "size": 44,
        "weight": Decimal("71.50"),
        "subscribed": True,
        "since": "2020-02-29",
        "pets": ["cat", "dog"],
        "score": Decimal("1.5"),
    }
    assert told.personal_attributes == {"allergy": "nuts", "salary": Decimal("12.30")}
    assert told.consents == {"email_marketing": True, "sms": False}


def test_nothing_at_all_is_a_person_too() -> None:
    assert read_profile({}, DECLARED, TODAY).identities == ()


@pytest.mark.parametrize(
    ("sent", "pointer", "code"),
    [
        ([], "", "wrong_type"),
        ({"e-mail": "a@b.c"}, "/e-mail", "unknown_field"),
        ({"a/b~c": 1}, "/a~1b~0c", "unknown_field"),
        ({"email": "ada"}, "/email", "email_invalid"),
        ({"email": 1}, "/email", "email_invalid"),
        ({"phone": "12"}, "/phone", "phone_invalid"),
        ({"external_id": ""}, "/external_id", "external_id_invalid"),
        ({"external_id": "x" * 201}, "/external_id", "external_id_invalid"),
        ({"name": "x" * 201}, "/name", "name_invalid"),
        ({"name": "a\x00b"}, "/name", "name_invalid"),
        ({"name": "a\u202eb"}, "/name", "name_invalid"),
        ({"name": "\ud800"}, "/name", "name_invalid"),
        ({"name": ["Ada"]}, "/name", "name_invalid"),
        ({"birthday": "2026-11-22"}, "/birthday", "birthday_in_future"),
        ({"birthday": "2025-02-29"}, "/birthday", "birthday_invalid"),
        ({"birthday": "20250228"}, "/birthday", "birthday_invalid"),
        ({"birthday": 19900101}, "/birthday", "birthday_invalid"),
        ({"language": "english please"}, "/language", "language_invalid"),
        ({"language": "en" + "-abcd" * 7}, "/language", "language_invalid"),
        ({"consents": {"sms": "yes"}}, "/consents/sms", "consent_invalid"),
        ({"consents": {"S M S": True}}, "/consents/S M S", "consent_invalid"),
        ({"consents": True}, "/consents", "consent_invalid"),
        ({"consents": {f"t{n}": True for n in range(51)}}, "/consents", "consent_invalid"),
        ({"referral_code": "x" * 101}, "/referral_code", "referral_code_invalid"),
        ({"attributes": []}, "/attributes", "wrong_type"),
        ({"attributes": {"personna": "student"}}, "/attributes/personna", "attribute_unknown"),
        ({"attributes": {"persona": "pirate"}}, "/attributes/persona", "attribute_value_not_listed"),
        ({"attributes": {"persona": None}}, "/attributes/persona", "attribute_invalid"),
        ({"attributes": {"persona": 1}}, "/attributes/persona", "attribute_invalid"),
        ({"attributes": {"allergy": "x" * 1001}}, "/attributes/allergy", "attribute_invalid"),
        ({"attributes": {"size": Decimal("1.5")}}, "/attributes/size", "attribute_invalid"),
        ({"attributes": {"size": 2**63}}, "/attributes/size", "attribute_invalid"),
        ({"attributes": {"size": True}}, "/attributes/size", "attribute_invalid"),
        ({"attributes": {"weight": "1e5"}}, "/attributes/weight", "attribute_invalid"),
        ({"attributes": {"weight": 1.5}}, "/attributes/weight", "attribute_invalid"),
        ({"attributes": {"weight": Decimal("NaN")}}, "/attributes/weight", "attribute_invalid"),
        ({"attributes": {"weight": Decimal("1e999999")}}, "/attributes/weight", "attribute_invalid"),
        ({"attributes": {"weight": Decimal("1e-19")}}, "/attributes/weight", "attribute_invalid"),
        ({"attributes": {"subscribed": "true"}}, "/attributes/subscribed", "attribute_invalid"),
        ({"attributes": {"since": "yesterday"}}, "/attributes/since", "attribute_invalid"),
        ({"attributes": {"pets": "cat"}}, "/attributes/pets", "attribute_invalid"),
        ({"attributes": {"pets": ["cat", 1]}}, "/attributes/pets/1", "attribute_invalid"),
        ({"attributes": {"pets": ["cat"] * 101}}, "/attributes/pets", "attribute_invalid"),
        ({"attributes": {"score": "3"}}, "/attributes/score", "attribute_value_not_listed"),
        ({"attributes": {"seen": "x"}}, "/attributes/seen", "attribute_type_unsupported"),
    ],
)
def test_each_wrong_place_is_named(sent: Any, pointer: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        read_profile(sent, DECLARED, TODAY)
    assert caught.value.code == "member_invalid"
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]


def test_all_wrong_places_are_told_at_once_and_no_value_is_repeated() -> None:
    with pytest.raises(Problem) as caught:
        read_profile(
            {"email": "secret-one", "birthday": "secret-two", "attributes": {"allergy": 1}}, DECLARED, TODAY
        )
    faults = caught.value.faults
    assert [fault.pointer for fault in faults] == ["/email", "/birthday", "/attributes/allergy"]
    assert "secret" not in f"{caught.value} {faults}"


def test_the_nearest_known_name_is_told() -> None:
    with pytest.raises(Problem) as caught:
        read_profile({"birthdate": "1990-01-01", "attributes": {"personna": "x"}}, DECLARED, TODAY)
    assert ["'birthday'" in caught.value.faults[0].detail, "'persona'" in caught.value.faults[1].detail] == [
        True,
        True,
    ]


def test_letters_that_scripts_need_are_kept() -> None:
    name = "শ্রী\u200d রহিম क\u200dष"
    assert read_profile({"name": name}, DECLARED, TODAY).name == name


@pytest.mark.parametrize("field", ["email", "phone", "name", "birthday", "external_id", "card"])
def test_what_names_a_person_cannot_be_patched(field: str) -> None:
    with pytest.raises(Problem) as caught:
        read_change({field: "x"}, DECLARED)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(f"/{field}", "unknown_field")]


def test_null_removes_an_attribute() -> None:
    change = read_change({"attributes": {"size": None, "allergy": "nuts", "weight": 1}}, DECLARED)
    assert change.attributes.removed == ["size"]
    assert change.attributes.personal == {"allergy": "nuts"}
    assert change.attributes.plain == {"weight": 1}
    assert change.language is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("José  O'Brien-Smith", ["jose", "o", "brien", "smith"]),
        ("STRASSE Straße", ["strasse"]),
        ("রহিম উদ্দিন", ["রহিম", "উদ্দিন"]),
        ("  ", []),
        (" ".join(f"w{n}" for n in range(30)), [f"w{n}" for n in range(16)]),
    ],
)
def test_names_are_cut_into_words(name: str, words: list[str]) -> None:
    assert words_of(name) == words


def test_a_name_is_meant_by_beginnings_of_its_words() -> None:
    assert is_meant(["love", "ada"], "Ada Lovelace")
    assert not is_meant(["love", "bob"], "Ada Lovelace")
    assert not is_meant(["ad"], "Ada Lovelace")
    assert is_meant(["li"], "Li Wei")
