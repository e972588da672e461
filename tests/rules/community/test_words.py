"""What is kept of members' words, and what makes them wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.community.names import name_key
from guerdon.rules.community.words import clean_text, count_words, folded, has_address, has_word


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  a \t b \r\n c ", "a b\nc"),
        ("evil\u202egnp.exe\u2066 \u200bhidden\ufeff", "evilgnp.exe hidden"),
        ("মেয়ে ক\u200dষ नमस्ते\u200c", "মেয়ে ক\u200dষ नमस्ते\u200c"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("Z" + "\u0300" * 40 + "!", "Z" + "\u0300" * 6 + "!"),
        ("a\x1b[31m\x07b", "a[31mb"),
        ("a\u2028b", "a\nb"),
    ],
)
def test_what_nobody_sees_is_left_out(sent: str, kept: str) -> None:
    import unicodedata

    assert clean_text(sent) == unicodedata.normalize("NFC", kept)


@given(st.text(max_size=300).filter(lambda text: "\0" not in text))
def test_a_clean_text_is_clean_and_shows_no_tricks(text: str) -> None:
    kept = clean_text(text)
    assert clean_text(kept) == kept
    assert not set(kept) & set(
        "\r\t\x1b\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff"
    )
    assert "\n\n\n" not in kept


def test_words_are_counted_in_any_script() -> None:
    assert [count_words(text) for text in ("", "…", "one two", "ব্যাগটি খুব ভালো", "a\nb  c -- !")] == [
        0,
        0,
        2,
        3,
        3,
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SPAM!", True),
        ("a  Buy\nNow b", True),
        ("ｓｐａｍ", True),
        ("spammer", False),
        ("buy it now", False),
    ],
)
def test_words_are_found_whole(text: str, found: bool) -> None:
    assert has_word(text, ["spam", "buy now", ""]) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://a.example", True),
        ("hxxps is fine", False),
        ("go to Shop.COM/x", True),
        ("www.nowhere", True),
        ("me@mail.example", True),
        ("+880 1711 123456", True),
        ("0171-1123456", True),
        ("It weighs 1200 g and cost 79.90, 40 l, 3.5 years", False),
        ("Great bag.In rain too", False),
        ("Nothing.Nowhere", False),
    ],
)
def test_addresses_are_found(text: str, found: bool) -> None:
    assert has_address(text) is found


def test_names_that_look_alike_are_one() -> None:
    assert (
        len({name_key(name) for name in ("Hill Walker", "HILLWALKER", "hill-walker", "Ｈｉｌｌ walker")}) == 1
    )
    assert folded("Über  GROSS!") == "über gross"
