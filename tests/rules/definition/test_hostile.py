"""Documents that were made to hurt are refused by name."""

from __future__ import annotations

import pytest

from guerdon.rules.definition import DefinitionError, load_definition

DEEP = 5_000


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("[" * DEEP, "too_deep"),
        ('{"a":' * DEEP, "too_deep"),
        ("- " * DEEP, "too_deep"),
        ('{"a":' * 40 + "1" + "}" * 40, "too_deep"),
        ("".join("  " * level + "a:\n" for level in range(40)), "too_deep"),
        ("a: [" + "1," * 60_000 + "]", "too_many_values"),
        ('{"a":[' + "1," * 60_000 + "1]}", "too_many_values"),
        ("a" * 1_048_577, "document_too_large"),
        (b"a" * 1_048_577, "document_too_large"),
        ("é" * 600_000, "document_too_large"),
        (b"program: caf\xe9\n", "invalid_utf8"),
        ("program: \ud83d\n", "invalid_utf8"),
        ('{"program": "\\ud83d"}', "invalid_character"),
        ('program: "\\ud83d"', "invalid_character"),
        ('program: "\\0"', "invalid_character"),
        ("program: \0", "invalid_character"),
        ("program: \x07", "invalid_character"),
        ("a: &a [x, x]\nb: [*a, *a]\n", "alias_not_allowed"),
        ("a: *b\n", "alias_not_allowed"),
        ("&a program: p\n", "alias_not_allowed"),
        ("a: !!python/object/apply:os.system [ls]\n", "tag_not_allowed"),
        ("!" * 1_000_000, "too_long"),
        ("", "empty_document"),
        ("# only words\n", "empty_document"),
        ("program: p\n---\nprogram: q\n", "one_document"),
        ("%YAML 1.1\n---\nprogram: p\n", "yaml_version"),
        ("program: p\nprogram: q\n", "duplicate_key"),
        ('{"program": "p", "program": "q"}', "duplicate_key"),
        ('{"wallets": {"a": {}, "\\u0061": {}}}', "duplicate_key"),
        ("\t\tprogram: p", "syntax_error"),
        ("program: [", "syntax_error"),
        ("k" * 200 + ": 1", "bad_key"),
        ('{"' + "k" * 200 + '": 1}', "bad_key"),
        ("[]", "expected_map"),
        ("~", "expected_map"),
        ("just words", "expected_map"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_hostile_documents(document: str | bytes, code: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        load_definition(document)
    first = caught.value.errors[0]
    assert first.code == code
    assert first.line >= 1
    assert first.column >= 1


def test_a_merge_key_is_an_unknown_key() -> None:
    with pytest.raises(DefinitionError) as caught:
        load_definition("program: p\ncurrency: USD\ntimezone: UTC\nwallets: {a: {<<: {scale: 2}}}\n")
    assert caught.value.errors[0].pointer == "/wallets/a/<<"


def test_a_flood_of_faults_is_cut() -> None:
    wallets = "".join(f"  W{number}: {{}}\n" for number in range(5_000))
    with pytest.raises(DefinitionError) as caught:
        load_definition("program: p\ncurrency: USD\ntimezone: UTC\nwallets:\n" + wallets)
    assert len(caught.value.errors) == 100
    assert len(caught.value.detail) < 300


def test_a_byte_order_mark_and_windows_lines_are_read() -> None:
    text = "\ufeffprogram: p\r\ncurrency: USD\r\ntimezone: UTC\r\n"
    assert load_definition(text) == load_definition(text.encode()) == load_definition(text[1:])


def test_a_message_shows_little_of_a_long_value() -> None:
    with pytest.raises(DefinitionError) as caught:
        load_definition("program: " + "x" * 100_000)
    assert all(len(fault.detail) < 400 for fault in caught.value.errors)
