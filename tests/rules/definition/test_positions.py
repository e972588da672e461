"""A place in an expression is found in the document, however the expression was written down."""

from __future__ import annotations

import json

import pytest

from guerdon.rules.definition import load_definition_with_positions, locate

HEAD = """\
program: p
currency: USD
timezone: UTC
wallets: {points: {}}
campaigns:
  a:
    trigger: order.paid
"""
TAIL = "\n    then: [{award: {wallet: points, amount: '1'}}]\n"
POINTER = "/campaigns/a/when"


@pytest.mark.parametrize(
    "written",
    [
        "order.net >= WRONG",
        "'order.channel == ''pos'' && WRONG'",
        '"order.channel == \\"p\\u006fs\\" && WRONG"',
        '"\\U0001F600 \\x41 \\t\\\\ WRONG"',
        '"one \\\n      two WRONG"',
        "|\n      order.net >= 100\n      && WRONG",
        "|\n      order.net >= 100\n        && WRONG\n      || x",
        ">-\n      order.net >= 100\n      && WRONG",
        "order.net >= 100\n      && WRONG",
        "'order.net >= 100\n      && WRONG'",
    ],
)
def test_every_letter_of_a_word_is_found(written: str) -> None:
    text = HEAD + f"    when: {written}" + TAIL
    definition, positions = load_definition_with_positions(text)
    when = definition.campaigns["a"].when
    assert when is not None
    assert when.pointer == POINTER
    lines = text.split("\n")
    for at, letter in enumerate("WRONG"):
        line, column = locate(positions, when.pointer, when.index("WRONG") + at)
        assert lines[line - 1][column - 1] == letter
        assert lines[line - 1].find("WRONG") == column - 1 - at


def test_json_escapes_are_stepped_over() -> None:
    body = {
        "program": "p",
        "currency": "USD",
        "timezone": "UTC",
        "wallets": {"points": {}},
        "campaigns": {
            "a": {
                "trigger": "x",
                "when": '"😀é" == \n"WRONG"',
                "then": [{"award": {"wallet": "points", "amount": "1"}}],
            }
        },
    }
    for ascii_only in (True, False):
        text = json.dumps(body, ensure_ascii=ascii_only)
        definition, positions = load_definition_with_positions(text)
        when = definition.campaigns["a"].when
        assert when is not None
        line, column = locate(positions, POINTER, when.index("WRONG"))
        assert text.split("\n")[line - 1][column - 1 :].startswith("WRONG")


def test_the_end_and_beyond_is_the_end() -> None:
    text = HEAD + "    when: order.net" + TAIL
    _, positions = load_definition_with_positions(text)
    assert locate(positions, POINTER, 9) == (8, 20)
    assert locate(positions, POINTER, 900) == (8, 20)


def test_what_is_no_text_is_found_at_its_start() -> None:
    _, positions = load_definition_with_positions(HEAD + "    when: order.net" + TAIL)
    assert locate(positions, "/campaigns/a/then", 3) == (9, 11)
    assert locate(positions, "/campaigns/a/then/0/award/wallet/deeper", 3) == (9, 29)
    assert positions.key_place("/campaigns/a") == (6, 3)
    assert positions.key_place("") == (1, 1)
