"""How people say it who have not read the pages: other words, other dates, numbers, odds and lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from guerdon.rules.definition import DefinitionError, render
from tests.rules.definition.test_section_mistakes import BASE as SECTIONS
from tests.rules.definition.test_section_mistakes import _compiled

BASE = SECTIONS.replace(
    "causes:\n",
    """\
community: {approve: all, words: [spam, buy now], photos: true, max_per_day: 3}
sharing: {of: [purchase, badge], to: "https://shop.example/club", text: Look here., max_per_day: 2}
causes:
""",
).replace(
    "rewards:\n",
    """\
rewards:
  evening: {kind: event, price: {points: 10}, seats: 20, at: 2027-03-01T19:00, place: The shop}
  early: {kind: access, price: {points: 10}, sku: BP-40, public_at: 2027-03-01}
  adviser: {kind: service, price: {points: 40}}
  care: {kind: warranty, price: {points: 40}, adds: 12mo}
""",
)


def _mistakes() -> list[tuple[str, ...]]:
    text = (Path(__file__).parent / "other_words.txt").read_text(encoding="utf-8")
    found: list[tuple[str, ...]] = []
    for block in text.split("\n\n")[1:]:
        written, said, pointed_at = block.strip("\n").split("\n")
        right, _, wrong = written.replace("\\n", "\n").partition(" => ")
        found.append((right, wrong, said.strip(), pointed_at.removeprefix("  ^ ")))
    return found


MISTAKES = _mistakes()


@pytest.mark.parametrize(("right", "wrong", "said", "pointed_at"), MISTAKES, ids=lambda text: text[:28])
def test_what_was_meant_is_said(right: str, wrong: str, said: str, pointed_at: str) -> None:
    assert right in BASE
    text = BASE.replace(right, wrong, 1)
    with pytest.raises(DefinitionError) as caught:
        _compiled(text)
    assert len(caught.value.errors) == 1
    _, row, column, detail = render(caught.value.errors, text, "shop.yaml").split("\n")[0].split(":", 3)
    assert detail.strip() == said
    assert text.split("\n")[int(row) - 1][int(column) - 1 :].startswith(pointed_at)


def test_the_base_is_right() -> None:
    assert _compiled(BASE).key == "shop"
    assert len(MISTAKES) >= 100
