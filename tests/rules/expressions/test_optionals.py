"""Values that may not be there: `.?`, `[?]`, `optional.of` and what is done with them."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from guerdon.rules.expressions import BOOL, EvaluationError, ExpressionError, compile_expression
from guerdon.rules.expressions.runtime.kinds import NONE, Optional
from tests.rules.expressions.scopes import ENVIRONMENT, scope, value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("event.data.?sku.orValue('none')", "A-1"),
        ("event.data.?note.orValue('none')", "none"),
        ("event.data[?'sku'].hasValue()", True),
        ("event.data.?none.hasValue()", False),
        ("event.data.?grams.orValue(0) / 100", Decimal("2.5")),
        ("event.data.?nope.orValue(0) + 1", Decimal(1)),
        ("event.data.?deep.er[0].value()", Decimal(1)),
        ("event.data.?nope.er[0].hasValue()", False),
        ("metrics.?visits.orValue(0)", 12),
        ("wallets.?points.available.orValue(0.0)", Decimal(500)),
        ("order.?channel.orValue('web')", "pos"),
        ("order.lines[?5].hasValue()", False),
        ("order.lines[?0].brand.orValue('')", "Trail"),
        ("order.lines[?5].brand.orValue('nobody')", "nobody"),
        ("has(event.data.?deep.er) && !has(event.data.?deep.nope)", True),
        ("optional.of(3).optMap(x, x * 2).value()", 6),
        ("optional.none().optMap(x, x).hasValue()", False),
        ("event.data.?sku.optFlatMap(s, event.data.?note).orValue('neither')", "neither"),
        ("event.data.?note.or(event.data.?sku).value()", "A-1"),
        ("event.data.?note.or(optional.none()).orValue('x')", "x"),
        ("optional.of(1) == optional.of(1.0) && optional.none() != optional.of(1)", True),
        ("optional.ofNonZeroValue('').hasValue() || optional.ofNonZeroValue(0.0).hasValue()", False),
        ("optional.ofNonZeroValue(order.net).orValue(1.0)", Decimal(100)),
        ("[?event.data.?note, ?event.data.?sku, 'z']", ["A-1", "z"]),
        ("{?'note': event.data.?note, ?'sku': event.data.?sku, 'k': 'v'}", {"sku": "A-1", "k": "v"}),
        ("optional.of(3).orValue(1 / 0)", 3),
        ("type(optional.none()) == optional_type", True),
        ("optional.of(7)", Optional((7,))),
        ("event.data.?note", NONE),
        ("cel.bind(o, event.data.?grams, o.orValue(0) > 200 && o.hasValue())", True),
        ("order.lines.map(l, optional.of(l.net)).map(o, o.orValue(0)).sum()", Decimal(100)),
        ("[1, 2, 3].last().value() + [].first().orValue(10)", 13),
    ],
)
def test_an_optional_value_gives(source: str, expected: Any) -> None:
    found = value(source)
    assert found == expected
    assert isinstance(found, bool) is isinstance(expected, bool)
    assert compile_expression(source, ENVIRONMENT).careful(scope()) == expected


@pytest.mark.parametrize(
    ("source", "code", "column"),
    [
        ("optional.none().value()", "missing_value", 17),
        ("event.data.?note.value()", "missing_value", 18),
        ("event.data.nope.?x.hasValue()", "missing_value", 12),
        ("event.data.sku.?x.hasValue()", "wrong_type", 17),
        ("optional.of(event.data.nope).hasValue()", "missing_value", 24),
        ("event.data.?note.orValue(event.data.nope)", "missing_value", 37),
    ],
)
def test_what_is_certain_to_be_there_must_be_there(source: str, code: str, column: int) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(source)
    assert (caught.value.code, caught.value.column) == (code, column)


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("event.data.?sku == 'A-1'", "orValue"),
        ("order.?nett.orValue(1)", "net"),
        ("order.net.orValue('x')", "fallback"),
        ("order.net.hasValue()", "a.?b"),
        ("order.?net.orValue('x')", "fallback"),
        ("optional.maybe(1)", "optional"),
        ("optional.of(1, 2)", "optional.of(value)"),
        ("optional.none(1)", "optional.none()"),
        ("optional.of(1).or(2)", "orValue"),
        ("optional.of(1).optMap(x)", "optMap"),
        ("optional.of(1).optFlatMap(x, x)", "optMap"),
        ("[?order.net]", "optional"),
        ("{?'a': 1}", "optional"),
        ("event.data.?sku", "optional"),
        ("order.net.?x", "read"),
    ],
)
def test_a_wrong_use_is_refused_in_words(source: str, word: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, ENVIRONMENT, BOOL)
    assert word in caught.value.detail


def test_what_an_optional_path_reads_is_known() -> None:
    def reads(source: str) -> frozenset[str]:
        return compile_expression(source, ENVIRONMENT).reads

    assert reads("event.data.?sku.orValue('')") == {"event.data", "event.data.sku"} or reads(
        "event.data.?sku.orValue('')"
    ) == {"event.data.sku"}
    assert "metrics.visits" in reads("metrics.?visits.hasValue()")
    assert "order.lines" in reads("order.lines[?0].hasValue()")


def test_an_empty_field_is_none() -> None:
    assert value("order.?channel.hasValue()", channel=None) is False
    assert value("order.lines[?0].?brand.hasValue()", lines=[SimpleNamespace(brand=None)]) is False
