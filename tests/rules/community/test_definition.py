"""What a program says of its community and of sharing: read, told by `plan`, warned of."""

from __future__ import annotations

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import DefinitionError, json_schema, load_definition
from guerdon.rules.difference import compare
from guerdon.rules.lint import lint

BASE = "program: p\ncurrency: USD\ntimezone: UTC\nwallets: {points: {}}\n"
TELLS = [
    (
        "community: {approve: first}",
        "The community shows what is of members of whom somebody approved something",
    ),
    ("community: {words: [spam, scam]}", "The community keeps back what has the words `spam` and `scam`"),
    ("community: {links: refuse}", "The community lets an address in a text be no part of it"),
    ("community: {photos: false}", "The community takes no photos instead of photos."),
    ("community: {max_per_day: 1}", "The community takes of a member in a day 1 post instead of 5 posts."),
    (
        "community: {likes_per_day: 9}",
        "The community takes of a member in a day 9 likes instead of 50.",
    ),
    (
        "community: {reports: 1}",
        "The community takes a post off the page after 1 report instead of 3 reports.",
    ),
    ("sharing: {of: [badge]}", "Sharing is of `badge` instead of nothing."),
    ("sharing: {to: 'https://a.example/b'}", "Sharing leads to https://a.example/b instead of no address."),
    ("sharing: {text: Hello}", "Sharing says “Hello” instead of nothing of the program."),
    ("sharing: {max_per_day: 1}", "Sharing gives a member in a day 1 address instead of 10 addresses."),
    ("sharing: {visits_per_day: 7}", "Sharing counts for a member in a day 7 visits instead of 20."),
]


@pytest.mark.parametrize(("part", "sentence"), TELLS)
def test_each_key_is_told(part: str, sentence: str) -> None:
    (change,) = compare(load_definition(BASE), load_definition(BASE + part))
    assert change.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("community: {approve: sometimes}", "unknown_choice"),
        ("community: {aprove: all}", "unknown_key"),
        ("community: {max_per_day: 0}", "out_of_range"),
        ("community: {photos: perhaps}", "expected_true_or_false"),
        ("sharing: {of: [friends]}", "unknown_choice"),
        ("sharing: {to: 'javascript:alert(1)'}", "bad_address"),
        ("sharing: {to: 'http://a.example'}", "bad_address"),
    ],
)
def test_what_is_written_wrongly_is_said(part: str, code: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        load_definition(BASE + part)
    assert [fault.code for fault in refused.value.faults] == [code]


def test_what_costs_without_an_end_and_what_waits_for_nothing() -> None:
    gives = "then: [{award: {wallet: points, amount: '1'}}]"
    definition = load_definition(
        BASE
        + "community: {approve: all}\ncampaigns:\n"
        + f"  a: {{trigger: post.approved, {gives}}}\n"
        + f"  b: {{trigger: post.liked, limits: {{per_account: 3}}, {gives}}}\n"
        + f"  c: {{trigger: share.joined, limits: {{per_account: 3}}, {gives}}}\n"
    )
    found = {(one.code, one.pointer) for one in lint(definition, compile_program(definition, 1))}
    assert ("farming_unlimited", "/campaigns/a/limits") in found
    assert ("community_closed", "/campaigns/c/trigger") in found
    assert not [pointer for _, pointer in found if pointer.startswith("/campaigns/b")]


def test_editors_know_both() -> None:
    known = json_schema()["properties"]
    assert {"community", "sharing"} <= known.keys()
