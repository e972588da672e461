"""Conversions, functions of texts, null in lists, loops with two variables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guerdon.rules.expressions import EvaluationError
from tests.rules.expressions.scopes import value


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("int('-12')", -12),
        ("int(-1.9)", -1),
        ("int(7 / 2)", 3),
        ("int(timestamp('1970-01-01T00:01:00Z'))", 60),
        ("int(event.data.grams)", 250),
        ("decimal('1.50') + 1", Decimal("2.5")),
        ("decimal(1 / 8)", Decimal("0.125")),
        ("double('1e3') == 1000", True),
        ("string(1.50)", "1.5"),
        ("string(-0.0)", "0"),
        ("string(3 / 8)", "0.375"),
        ("string(true) + string(12)", "true12"),
        ("string(timestamp('2027-01-31T12:00:00.5-05:00'))", "2027-01-31T17:00:00.5Z"),
        ("string(duration('1h30m0.5s'))", "5400.5s"),
        ("string(event.data.grams)", "250"),
        ("bool('t') && !bool('False')", True),
        ("timestamp(90)", datetime(1970, 1, 1, 0, 1, 30, tzinfo=UTC)),
        ("timestamp('2027-06-01T00:00') == timestamp('2027-06-01T04:00:00Z')", True),
        ("duration(duration('90s'))", timedelta(seconds=90)),
        ("type(order.net) == decimal && type(1) == int && type(type(1)) == type", True),
        ("type(event.data.sku) == string && type(event.data.deep) == map", True),
        ("type([]) == list && type(null) == null_type && type(1) != type('a')", True),
        ("[1, 'a', null, 1.5].size()", 4),
        ("[1, null] == [1, null] && null in [1, null]", True),
        ("(order.paid ? null : order.net) == null", True),
        ("{'a': 1, 2: 'b'}[2]", "b"),
        ("dyn(order.net) == 'a'", False),
        ("'a-b-c'.split('-')", ["a", "b", "c"]),
        ("'a-b-c'.split('-', 2)", ["a", "b-c"]),
        ("['a', 'b'].join('+')", "a+b"),
        ("order.lines.map(l, l.brand).join()", "TrailPeak"),
        ("'hello'.substring(1, 3) + 'hello'.substring(4)", "elo"),
        ("'hello'.replace('l', 'L', 1)", "heLlo"),
        ("'tacocat'.indexOf('a', 2)", 5),
        ("'tacocat'.lastIndexOf('c')", 4),
        ("'abc'.charAt(1) + 'abc'.charAt(3)", "b"),
        ("'\\u00a0 a '.trim()", "a"),
        ("'ÄBc'.lowerAscii() + 'äbc'.upperAscii()", "ÄbcäBC"),
        ("'abc'.reverse()", "cba"),
        ("order.lines.exists(i, l, i == 1 && l.brand == 'Peak')", True),
        ("event.data.exists(k, v, k == 'sku' && v == 'A-1')", True),
        ("{'a': 1, 'b': 2}.all(k, v, v > 0)", True),
        ("{'a': 1, 'b': 2}.exists(k, v, k == 'b' && v == 1)", False),
        ("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 10)", {"b": 20}),
        ("{'a': 1, 'b': 2}.transformList(k, v, k + string(v))", ["a1", "b2"]),
        ("['x', 'y'].transformMap(i, v, v)", {0: "x", 1: "y"}),
        ("cel.bind(n, order.net * 2, n + n)", Decimal("400.00")),
        ("event.data.`sku` == 'A-1'", True),
        ("false < true", True),
    ],
)
def test_value(source: str, answer: Any) -> None:
    found = value(source)
    assert found == answer
    assert isinstance(found, type(answer))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("int(event.data.sku)", "bad_argument"),
        ("int('1.5')", "bad_argument"),
        ("int(1e30)", "number_too_large"),
        ("decimal('NaN')", "bad_argument"),
        ("decimal(event.data.nope)", "missing_value"),
        ("decimal(1 / 3)", "bad_argument"),
        ("string(event.data.tags)", "bad_argument"),
        ("bool('yes')", "bad_argument"),
        ("timestamp(int(event.data.grams * 1e12))", "bad_argument"),
        ("'abc'.charAt(4)", "bad_argument"),
        ("'abc'.substring(2, 1)", "bad_argument"),
        ("['a', 1].join()", "wrong_type"),
        ("[null][0]", "missing_value"),
        ("event.data.none", "missing_value"),
        ("dyn(event.data.none) == 1", "missing_value"),
    ],
)
def test_refusal(source: str, code: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(source)
    assert caught.value.code == code
