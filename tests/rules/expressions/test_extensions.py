"""Bytes, `math`, functions of lists, formats and encodings: what CEL's extensions give."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from guerdon.rules.expressions import EvaluationError, ExpressionError, compile_expression
from tests.rules.expressions.scopes import ENVIRONMENT, scope, value

CASES: list[tuple[str, Any]] = [
    ("math.greatest(1, 2.5, order.count)", Decimal(7)),
    ("math.least([3, 1, 2])", 1),
    ("math.greatest(order.net)", Decimal(100)),
    ("math.greatest([dyn(1), dyn(2.5)])", Decimal("2.5")),
    ("math.ceil(order.net / 7)", Decimal(15)),
    ("math.floor(-1.5) + math.trunc(-1.5) + math.round(-1.5)", Decimal(-5)),
    ("math.abs(-3) + math.sign(-7)", 2),
    ("math.sign(-0.5)", Decimal(-1)),
    ("math.isInteger(order.net / 4) && !math.isInteger(order.net / 3)", True),
    ("math.isFinite(order.net) && !math.isNaN(1.5) && !math.isInf(2)", True),
    ("math.bitAnd(12, 10) + math.bitOr(12, 10) + math.bitXor(12, 10)", 28),
    ("math.bitNot(0)", -1),
    ("math.bitShiftLeft(1, 63)", -(2**63)),
    ("math.bitShiftRight(-1, 63)", 1),
    ("math.bitAnd(event.data.grams, 2)", 2),
    ("[3, 1, 2].sort()", [1, 2, 3]),
    ("['b', 'a'].sort()", ["a", "b"]),
    ("[[2, 1], [3]].flatten()", [2, 1, 3]),
    ("[[[2], 1], [3]].flatten(2)", [2, 1, 3]),
    ("[1, 2, 3, 4].slice(1, 3)", [2, 3]),
    ("[1, 2.0, 1.0, 'a', 'a', true, [1], [1.0]].distinct()", [1, 2, "a", True, [1]]),
    ("lists.range(4)", [0, 1, 2, 3]),
    ("[1, 2, 3].reverse()", [3, 2, 1]),
    ("event.data.tags.reverse()", ["b", "a"]),
    ("event.data.sku.reverse()", "1-A"),
    ("order.lines.sortBy(l, l.net).map(l, l.brand)", ["Peak", "Trail"]),
    ("order.lines.sortBy(l, -l.net).first().brand.orValue('')", "Trail"),
    ("order.lines.map(l, l.categories).flatten().sort().join(',')", "backpack,outdoor,pen"),
    ("size(b'abc' + b'\\xff')", 4),
    ("bytes('ä')", b"\xc3\xa4"),
    ("string(b'\\303\\244') == 'ä' && b'a' < b'b'", True),
    ("base64.encode(bytes(event.data.sku))", "QS0x"),
    ("string(base64.decode('QS0x'))", "A-1"),
    ("'%s: %.2f (%d, %x, %s)'.format([order.channel, order.net / 7, 3, 255, [1, null]])", None),
    ("strings.quote('a\"b\\n')", '"a\\"b\\n"'),
    ("type(b'') == bytes", True),
    ("{'a': order.net / 3}.a == order.net / 3", True),
    ("[order.net / 3, 1.0].sort()[0]", Fraction(1)),
]


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[source for source, _ in CASES])
def test_the_value_is(source: str, expected: Any) -> None:
    if expected is None:
        expected = "pos: 14.29 (3, ff, [1, null])"
    found = value(source)
    assert found == expected
    assert type(found) is type(expected)
    assert compile_expression(source, ENVIRONMENT).careful(scope()) == expected


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("lists.range(1000000)", "iteration_limit"),
        ("lists.range(-1)", "bad_argument"),
        ("[1, 2].slice(1, 5)", "bad_argument"),
        ("[1, 2].slice(2, 1)", "bad_argument"),
        ("[[1]].flatten(-1)", "bad_argument"),
        ("[1, 'a'].sort()", "wrong_type"),
        ("[true, 1].sort()", "wrong_type"),
        ("[order.lines[0]].sort()", "wrong_type"),
        ("event.data.flag.reverse()", "wrong_type"),
        ("event.data.nope.reverse()", "missing_value"),
        ("math.bitShiftLeft(1, -1)", "bad_argument"),
        ("math.bitAnd(event.data.sku, 1)", "wrong_type"),
        ("math.abs(-9223372036854775807 - 1)", "number_too_large"),
        ("string(b'\\xff')", "bad_argument"),
        ("base64.decode('*')", "bad_argument"),
        ("'%d'.format(['a'])", "wrong_type"),
        ("'%d'.format([])", "bad_argument"),
        ("'%q'.format([1])", "bad_argument"),
        ("'%'.format([1])", "bad_argument"),
        ("'%x'.format([1.5])", "wrong_type"),
        ("'%f'.format([event.data.none])", "missing_value"),
    ],
)
def test_what_has_no_value_is_an_error(source: str, code: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(source)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("math.ceiling(1.5)", "unknown_function"),
        ("math.floor('a')", "type_mismatch"),
        ("math.greatest()", "type_mismatch"),
        ("math.bitAnd(1.5, 1)", "type_mismatch"),
        ("base64.encode('a')", "type_mismatch"),
        ("lists.range('a')", "type_mismatch"),
        ("b'a' + 'a'", "type_mismatch"),
        ("[1].sortBy(x)", "type_mismatch"),
        ("'a'.sort()", "type_mismatch"),
    ],
)
def test_a_wrong_call_is_refused(source: str, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, ENVIRONMENT)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("'%e'.format([0])", "0.000000e+00"),
        ("'%.2e'.format([9.999])", "1.00e+01"),
        ("'%.3e'.format([-0.00012345])", "-1.234e-04"),
        ("'%.0f|%.1f'.format([0.5, 0.25])", "0|0.2"),
        ("'%f'.format([1 / 3])", "0.333333"),
        ("'%X %o %b'.format([event.data.grams, 8, -2])", "FA 10 -10"),
        ("'%s'.format([{'b': 1, 'a': optional.of(2)}])", "{a: optional(2), b: 1}"),
    ],
)
def test_a_format_rounds_exactly(source: str, shown: str) -> None:
    assert value(source) == shown
