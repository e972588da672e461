"""Formatting keeps what a document says and what its author remarked, and done twice it changes nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.definition import DefinitionError, canonical_bytes, format_document, load_definition

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
BIG_JSON = json.dumps({"program": "p", "wallets": {"points": {"scale": "0"}}, "note": ["true", "~", "a: b"]})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_keep_their_meaning_and_their_comments(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    formatted = format_document(text)
    assert canonical_bytes(load_definition(formatted)) == canonical_bytes(load_definition(text))
    assert format_document(formatted) == formatted
    assert _remarks(formatted) == _remarks(text)
    assert _remarks(text)


def _remarks(text: str) -> Counter[str]:
    return Counter(found.strip() for found in re.findall(r"(?:^|\s)#(.*)$", text, re.MULTILINE))


BEFORE_AND_AFTER = [
    ("a:   1\nb:   2  \n", "a: 1\nb: 2\n"),
    ("a: 1\n\n\n\nb: 2", "a: 1\n\nb: 2\n"),
    ("#remark\na: 1", "# remark\na: 1\n"),
    ("a: 1 #one\nbb: 22    #  two\n", "a: 1    # one\nbb: 22  #  two\n"),
    ("a: {x: 1,y:   [1,2 , 3]}", "a: {x: 1, y: [1, 2, 3]}\n"),
    ("a:\n    b:\n        - 1\n        - c: 2\n          d: 3\n",
     "a:\n  b:\n    - 1\n    - c: 2\n      d: 3\n"),
    ("a:\n- 1\n- 2\n", "a:\n  - 1\n  - 2\n"),
    ("a: {x: 1, # first\n    y: 2}", "a:\n  x: 1  # first\n  y: 2\n"),
    ("a: # why\n  b: 1\n", "a:  # why\n  b: 1\n"),
    ("a:\n  b: 1\n  # not yet: 2\nc: 3\n", "a:\n  b: 1\n  # not yet: 2\nc: 3\n"),
    ("a:\n  b: 1\n# about c\nc: 3\n# the end\n", "a:\n  b: 1\n# about c\nc: 3\n# the end\n"),
    ("a:\n  # first of all\n  - 1\n  # then\n  - 2\n", "a:\n  # first of all\n  - 1\n  # then\n  - 2\n"),
    ("a: order.net >= 5\n   && order.net < 9\n", "a: order.net >= 5\n  && order.net < 9\n"),
    ("a: |  # code\n     x\n       y\nb: 1\n", "a: |  # code\n  x\n    y\nb: 1\n"),
    ("a: >-\n    long\n    text\n\nb: 1\n", "a: >-\n  long\n  text\n\nb: 1\n"),
    ("a: 'it''s'\nb: \"x\\ty\"\nc: []\nd: {}\n", "a: 'it''s'\nb: \"x\\ty\"\nc: []\nd: {}\n"),
    ("--- # start\na: 1\n...\n", "# start\na: 1\n"),
    ('{"a": "true", "b": [1, 2.50, true], "c": "x # y"}', 'a: true\nb: [1, 2.50, true]\nc: "x # y"\n'),
    ('{"a": "order.net * 2", "b": "null", "c": "über alles", "d": ""}',
     'a: order.net * 2\nb: "null"\nc: über alles\nd: ""\n'),
    ("a: 'x # y' # z\r\nb: 1\r\n", "a: 'x # y'  # z\nb: 1\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), BEFORE_AND_AFTER)
def test_layout(before: str, after: str) -> None:
    assert format_document(before) == after
    assert format_document(after) == after


def test_what_does_not_fit_a_line_is_written_line_by_line() -> None:
    items = ", ".join(f"item_{number}" for number in range(20))
    text = f"a: {{short: [1, 2], long: [{items}]}}\n"
    formatted = format_document(text)
    assert max(map(len, formatted.splitlines())) < 40
    assert "  short: [1, 2]\n" in formatted
    assert formatted.count("    - item_") == 20
    assert format_document(formatted) == formatted


def test_what_cannot_be_read_is_refused_as_always() -> None:
    with pytest.raises(DefinitionError) as caught:
        format_document("a: [1, 2\n", "p.yaml")
    assert caught.value.code == "invalid_definition"


# --- any document -------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "1",
        "x",
        "order.net >= 5",
        "true",
        "~",
        "'it''s # not'",
        '"a\\n# b\\u00e9"',
        "পয়েন্ট",
        "a-b",
        "x y  z",
        "'  '",
    ]
)
KEYS = st.sampled_from(["a", "b", "key_2", "'q u'", '"d\\tq"', "item.recycled"])
GAPS = st.sampled_from(["", "", "", "\n", "\n\n", "# alone\n", "#tight\n\n", "\n#  # twice\n"])
BEHIND = st.sampled_from(["", "", "", " # behind", "   #behind"])
VALUES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


class _Writer:
    """Writes data as YAML in whatever way the draw says."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def document(self, data: dict[str, Any]) -> str:
        return str(self.draw(GAPS)) + "".join(self.entry(key, value, 0) for key, value in data.items())

    def entry(self, key: str, value: Any, indent: int) -> str:
        return self.remarks(indent) + " " * indent + f"{key}:" + self.below(value, indent)

    def below(self, value: Any, indent: int) -> str:
        if not value or isinstance(value, str) or self.draw(st.booleans()):
            return f" {self.flow(value, indent)}{self.draw(BEHIND)}\n"
        deeper = indent + self.draw(st.integers(1, 4))
        head = f"{self.draw(BEHIND)}\n"
        if isinstance(value, dict):
            return head + "".join(self.entry(key, item, deeper) for key, item in value.items())
        return head + "".join(
            self.remarks(deeper) + " " * deeper + "-" + self.below(item, deeper) for item in value
        )

    def remarks(self, indent: int) -> str:
        return "".join(
            " " * indent + line if line.strip() else line
            for line in self.draw(GAPS).splitlines(keepends=True)
        )

    def flow(self, value: Any, indent: int) -> str:
        between = self.draw(
            st.sampled_from([", ", ",", f",\n{' ' * (indent + 3)}", f", # in\n{' ' * (indent + 2)}"])
        )
        if isinstance(value, dict):
            inside = between.join(f"{key}: {self.flow(item, indent + 1)}" for key, item in value.items())
            return f"{{{inside}}}"
        if isinstance(value, list):
            return f"[{between.join(self.flow(item, indent + 1) for item in value)}]"
        return str(value)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_document_keeps_its_meaning_and_its_comments(data: st.DataObject) -> None:
    content = data.draw(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
    text = _Writer(data.draw).document(content)
    formatted = format_document(text)
    assert format_document(formatted) == formatted
    assert _comments(formatted) == _comments(text)
    assert not re.search(r"[ \t]$|\n\n\n", formatted, re.MULTILINE)


def _comments(text: str) -> Counter[str]:
    words = ("alone", "tight", "twice", "behind", "tab", "in")
    return Counter(word for word in re.findall(r"#\s*(?:#\s*)?(\w+)", text) if word in words)
