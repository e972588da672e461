"""Every example of docs/language.md gives what the page says."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from guerdon.rules.expressions import EvaluationError
from guerdon.rules.expressions.checking.calls import NAMED, WORDS
from tests.rules.expressions.scopes import value

PAGE = (Path(__file__).parents[3] / "docs/language.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(.+?)` \| → (error )?`(.+)` \|$", re.MULTILINE)
EXAMPLES = [(found[0].replace("\\|", "|"), bool(found[1]), found[2]) for found in _ROW.findall(PAGE)]


def test_there_are_thirty_examples() -> None:
    assert len(EXAMPLES) >= 30
    assert PAGE.count("| → ") == len(EXAMPLES), "each row is an example"


@pytest.mark.parametrize(("source", "fails", "shown"), EXAMPLES)
def test_the_example(source: str, fails: bool, shown: str) -> None:
    if fails:
        with pytest.raises(EvaluationError) as caught:
            value(source)
        assert caught.value.code == shown
        return
    given = value(source)
    if isinstance(given, (bool, str)):
        assert shown == (given if isinstance(given, str) else str(given).lower())
    else:
        assert Decimal(shown) == given


def test_the_page_names_every_function() -> None:
    table = PAGE[PAGE.index("## All functions") : PAGE.index("## Bounds")]
    aliases = {"double", "existsOne", "bool"}
    assert {word for word in (WORDS | NAMED) - aliases if f"`{word}`" not in table} == set()


def test_the_page_and_the_example_agree() -> None:
    placed = datetime(2026, 12, 31, 22, 30, tzinfo=ZoneInfo("America/New_York"))
    assert value("order.placed") == placed
    assert value("order.net") == 100
    assert value("[wallets.points.available, metrics.yearly_spend, event.data.grams]") == [500, 700, 250]
