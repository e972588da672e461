"""Loops over lists and maps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from guerdon.rules.expressions import EvaluationError, ExpressionError, compile_expression
from tests.rules.expressions.scopes import ENVIRONMENT, scope, value

LINES = "order.lines"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{LINES}.all(l, l.net > 0)", True),
        (f"{LINES}.all(l, l.net > 50)", False),
        ("[].all(x, x == 1)", True),
        (f"{LINES}.exists(l, l.brand == 'Peak')", True),
        (f"{LINES}.exists(l, l.brand == 'Nobody')", False),
        ("[].exists(x, x == 1)", False),
        (f"{LINES}.exists_one(l, l.net > 50)", True),
        (f"{LINES}.exists_one(l, l.net > 0)", False),
        (f"{LINES}.existsOne(l, l.net > 1000)", False),
        (f"size({LINES}.filter(l, 'backpack' in l.categories))", 1),
        (f"{LINES}.filter(l, 'backpack' in l.categories).map(l, l.quantity).sum()", Decimal(2)),
        (f"{LINES}.map(l, l.brand)", ["Trail", "Peak"]),
        (f"{LINES}.map(l, l.net > 50, l.brand)", ["Trail"]),
        (f"{LINES}.map(l, l.net * l.quantity).max()", Decimal(120)),
        (f"{LINES}.exists(l, l.categories.exists(c, c == 'pen' && l.brand == 'Peak'))", True),
        ("[1, 2, 3].map(x, [4, 5].map(y, x * y))", [[4, 5], [8, 10], [12, 15]]),
        ("[1, 2].map(x, [x + 1].map(x, x * 10))", [[20], [30]]),
        ("[1, 2, 3].filter(x, x % 2 == 1)", [1, 3]),
        ("{'a': 1, 'b': 2}.map(k, k)", ["a", "b"]),
        ("{'a': 1, 'b': 2}.all(k, k < 'c')", True),
        ("{'a': 1, 'b': 2}.exists(k, k == 'b')", True),
        ("{'a': 1, 'b': 2}.filter(k, k != 'a')", ["b"]),
        ("event.data.tags.exists(t, t == 'b')", True),
        ("event.data.deep.exists(k, k == 'er')", True),
        ("[true, false].exists(f, f)", True),
        ("[order.lines].map(order, size(order))", [2]),
        ("[1, 2].map(all, all + 1)", [2, 3]),
    ],
)
def test_a_loop_gives(source: str, expected: Any) -> None:
    assert value(source) == expected
    assert compile_expression(source, ENVIRONMENT).careful(scope()) == expected


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("order.lines.all(l)", "type_mismatch"),
        ("order.lines.all(l.x, true)", "type_mismatch"),
        ("order.lines.all(1, true)", "type_mismatch"),
        ("order.lines.map(l, l.net, l.net)", "type_mismatch"),
        ("order.lines.all(l, l.net)", "type_mismatch"),
        ("order.net.all(l, true)", "type_mismatch"),
        ("'abc'.exists(c, c == 'a')", "type_mismatch"),
        ("order.lines.all(l, x)", "unknown_name"),
        ("order.lines.all(l, true) && l.net > 1", "unknown_name"),
        ("order.lines.all(l, l.nett > 1)", "unknown_field"),
        ("order.lines.all(if, true)", "syntax_error"),
    ],
)
def test_a_wrong_loop_is_refused(source: str, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, ENVIRONMENT)
    assert caught.value.code == code


def test_a_variable_ends_with_its_loop() -> None:
    assert value("order.lines.map(now, now.brand)[0] == 'Trail' && now.getHours() == 22") is True


def test_an_empty_list_has_no_greatest_item() -> None:
    with pytest.raises(EvaluationError) as caught:
        value("order.lines.filter(l, l.net > 999).map(l, l.net).max() > 1")
    assert caught.value.code == "missing_value"
    assert caught.value.column == 50
