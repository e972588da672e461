"""Errors say what, where, and what was probably meant."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.rules.expressions import (
    BOOL,
    INT,
    STRING,
    EvaluationError,
    ExpressionError,
    ListOf,
    compile_expression,
)
from guerdon.rules.expressions.parse import RESERVED
from tests.rules.expressions.scopes import ENVIRONMENT, scope, value


@pytest.mark.parametrize(
    ("source", "code", "place", "suggestion"),
    [
        ("order.netto > 1", "unknown_field", (1, 7, 5), "net"),
        ("ordr.net > 1", "unknown_name", (1, 1, 4), "order"),
        ("Order.net > 1", "unknown_name", (1, 1, 5), "order"),
        ("1 +\n  zzzzz", "unknown_name", (2, 3, 5), None),
        ("metrics.yearly_spent > 1", "unknown_name", (1, 9, 12), "yearly_spend"),
        ("metrics['yearly_spent'] > 1", "unknown_name", (1, 9, 14), "yearly_spend"),
        ("wallets.point.available", "unknown_name", (1, 9, 5), "points"),
        ("wallets.points.availible", "unknown_field", (1, 16, 9), "available"),
        ("order.channel.startWith('p')", "unknown_function", (1, 15, 9), "startsWith"),
        ("order.lines.exist(l, true)", "unknown_function", (1, 13, 5), "exists"),
        ("siez('a')", "unknown_function", (1, 1, 4), "size"),
        ("order.net.foo", "unknown_field", (1, 11, 3), None),
        ("order.net == 'x'", "type_mismatch", (1, 11, 2), None),
        ("order.net && true", "type_mismatch", (1, 7, 3), None),
        ("order.channel + 1", "type_mismatch", (1, 15, 1), None),
        ("order.net in 5", "type_mismatch", (1, 11, 2), None),
        ("'o' in order.channel", "type_mismatch", (1, 5, 2), None),
        ("!order.net", "type_mismatch", (1, 8, 3), None),
        ("-order.channel", "type_mismatch", (1, 1, 1), None),
        ("{'a': 1, now: 2}", "type_mismatch", (1, 1, 1), None),
        ("9223372036854775808", "number_too_large", (1, 1, 19), None),
        ("int('x') + true", "type_mismatch", (1, 10, 1), None),
        ("int([1])", "type_mismatch", (1, 1, 3), None),
        ("order.channel.substring(true)", "type_mismatch", (1, 15, 9), None),
        ("order.lines.all(x, x, true)", "type_mismatch", (1, 13, 3), None),
        ("order.lines.transformMap(i, true)", "type_mismatch", (1, 13, 12), None),
        ("{'a': 1, 'a': 2}", "type_mismatch", (1, 1, 1), None),
        ("order.paid ? 1 : 'a'", "type_mismatch", (1, 18, 3), None),
        ("order.lines['a']", "type_mismatch", (1, 13, 3), None),
        ("order['net']", "type_mismatch", (1, 7, 5), None),
        ("size(5)", "type_mismatch", (1, 1, 4), None),
        ("1 < 2 < 3", "type_mismatch", (1, 7, 1), None),
        ("order == order", "type_mismatch", (1, 7, 2), None),
        ("has(1)", "type_mismatch", (1, 5, 1), None),
        ("default(order.net)", "type_mismatch", (1, 1, 7), None),
        ("default(order.net, 'x')", "type_mismatch", (1, 20, 3), None),
        ("order.net + null", "type_mismatch", (1, 11, 1), None),
        ("1 == null", "type_mismatch", (1, 3, 2), None),
        ("order.channel.size > 3", "type_mismatch", (1, 15, 4), None),
        ("timestamp('soon')", "bad_argument", (1, 1, 9), None),
        ("duration('3 days')", "bad_argument", (1, 1, 8), None),
        ("order.channel.matches('(')", "bad_argument", (1, 15, 7), None),
        ("now.getHours('Mars/Base')", "bad_argument", (1, 5, 8), None),
        ("order.net = 1", "syntax_error", (1, 11, 1), "=="),
        ("order.paid and true", "syntax_error", (1, 12, 3), "&&"),
        ("order.paid & true", "syntax_error", (1, 12, 1), "&&"),
        ("(1 + 2", "syntax_error", (1, 7, 1), None),
        ("1 + ", "syntax_error", (1, 4, 1), None),
        ("", "syntax_error", (1, 1, 1), None),
        ("'open", "syntax_error", (1, 1, 1), None),
        (r"'\q'", "syntax_error", (1, 1, 4), None),
        (r"'\ud800'", "syntax_error", (1, 1, 8), None),
        (r"b'\ud800'", "syntax_error", (1, 1, 9), None),
        ("12abc", "syntax_error", (1, 1, 5), None),
        ("5u", "syntax_error", (1, 1, 2), None),
        ("order.in", "syntax_error", (1, 7, 2), None),
        ("1 +\n\n ? 2", "syntax_error", (3, 2, 1), None),
        ("1e100", "number_too_large", (1, 1, 5), None),
        ("1" * 61, "number_too_large", (1, 1, 61), None),
        ("0." + "1" * 61, "number_too_large", (1, 1, 63), None),
        ("0x" + "f" * 60, "number_too_large", (1, 1, 62), None),
    ],
)
def test_an_author_is_told(
    source: str, code: str, place: tuple[int, int, int], suggestion: str | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, ENVIRONMENT)
    error = caught.value
    assert isinstance(error, Problem)
    assert (error.code, (error.line, error.column, error.length)) == (code, place)
    assert error.suggestion == suggestion
    assert error.detail


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_words_are_no_names(word: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(f"{word} == 1", ENVIRONMENT)
    assert caught.value.code == "syntax_error"
    assert word in caught.value.detail


@pytest.mark.parametrize(
    ("source", "expects"),
    [("order.net", BOOL), ("order.paid", INT), ("1.5", INT), ("1", STRING), ("[1]", ListOf(STRING))],
)
def test_what_the_user_expects_is_checked(source: str, expects: Any) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, ENVIRONMENT, expects)
    assert caught.value.code == "type_mismatch"
    assert str(expects) in caught.value.detail


@pytest.mark.parametrize(
    ("source", "changes", "code", "place"),
    [
        ("order.net >= 100", {"net": None}, "missing_value", (1, 7)),
        ("order.channel == 'pos'", {"channel": None}, "missing_value", (1, 7)),
        ("order.channel != 'pos'", {"channel": None}, "missing_value", (1, 7)),
        ("order.channel in ['pos']", {"channel": None}, "missing_value", (1, 7)),
        ("'pos' == order.channel", {"channel": None}, "missing_value", (1, 16)),
        ("order.channel == order.channel", {"channel": None}, "missing_value", (1, 7)),
        ("order.channel", {"channel": None}, "missing_value", (1, 7)),
        ("!order.paid", {"paid": None}, "missing_value", (1, 8)),
        ("order.paid && true", {"paid": None}, "missing_value", (1, 7)),
        ("order.paid", {"paid": None}, "missing_value", (1, 7)),
        ("order.paid ? 1 : 2", {"paid": None}, "missing_value", (1, 7)),
        ("order.paid", {"paid": 1}, "wrong_type", (1, 7)),
        ("order.lines.map(l, l.brand)", {"lines": [SimpleNamespace(brand=None)]}, "missing_value", (1, 22)),
        ("order.lines.filter(l, l.net > 1)", {"lines": [SimpleNamespace()]}, "missing_value", (1, 25)),
        ("order.lines.exists(l, true)", {"lines": None}, "missing_value", (1, 7)),
        ("size(order.lines)", {"lines": None}, "missing_value", (1, 12)),
        ("[order.channel]", {"channel": None}, "missing_value", (1, 8)),
        ("min([order.net])", {"net": None}, "missing_value", (1, 12)),
        ("true &&\n  order.net / order.count > 1", {"count": 0}, "division_by_zero", (2, 13)),
        ("order.count % 0 == 1", {}, "division_by_zero", (1, 13)),
        ("order.net % 0.0 == 1", {}, "division_by_zero", (1, 11)),
        ("order.net * order.net", {"net": Decimal("1e70")}, "number_too_large", (1, 11)),
        ("order.net > 1", {"net": "12"}, "wrong_type", (1, 11)),
        ("order.net > 1", {"net": 1.5}, "wrong_type", (1, 11)),
        ("order.lines[2].net", {}, "missing_value", (1, 13)),
        ("order.lines[-1].net", {}, "missing_value", (1, 13)),
        ("event.data.nope > 1", {}, "missing_value", (1, 12)),
        ("event.data.none > 1", {}, "missing_value", (1, 12)),
        ("event.data.sku > 1", {}, "wrong_type", (1, 12)),
        ("event.data.flag + 1", {}, "wrong_type", (1, 12)),
        ("event.data.grams && true", {}, "wrong_type", (1, 12)),
        ("event.data.sku.deeper == 1", {}, "wrong_type", (1, 16)),
        ("event.data.tags.all(t, t > 1)", {}, "wrong_type", (1, 24)),
        ("event.data.sku.all(t, true)", {}, "wrong_type", (1, 12)),
        ("event.data.grams + event.data.sku == 1", {}, "wrong_type", (1, 18)),
        ("event.data.sku.matches(event.data.sku + '(')", {}, "bad_argument", (1, 16)),
        ("round(order.net, order.count)", {"count": 99}, "bad_argument", (1, 1)),
        ("timestamp(order.channel) > now", {}, "bad_argument", (1, 1)),
        ("now.getHours(order.channel)", {}, "bad_argument", (1, 5)),
        ("order.placed - duration('1h') < now", {"placed": datetime(2027, 1, 1)}, "wrong_type", (1, 14)),  # noqa: DTZ001 - no zone is what is tested
        ("now + duration('87000000h') < now", {}, "number_too_large", (1, 5)),
    ],
)
def test_a_failure_at_run_time_has_a_place(
    source: str, changes: dict[str, Any], code: str, place: tuple[int, int]
) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(source, **changes)
    assert (caught.value.code, (caught.value.line, caught.value.column)) == (code, place)


def test_an_absent_attribute_is_missing() -> None:
    expression = compile_expression("member.language == 'bn'", ENVIRONMENT)
    with pytest.raises(EvaluationError) as caught:
        expression.evaluate_alone(SimpleNamespace())
    assert (caught.value.code, caught.value.column) == ("missing_value", 1)


def test_faults_of_the_scope_itself_pass_through() -> None:
    class Broken:
        @property
        def order(self) -> None:
            raise ConnectionError("lost")

    with pytest.raises(ConnectionError):
        compile_expression("order.net > 1", ENVIRONMENT).evaluate_alone(Broken())


def test_an_error_tells_no_values() -> None:
    secret = "a private word"
    with pytest.raises(EvaluationError) as caught:
        value("order.net > 1 && order.channel > 'a'", net=secret)
    assert secret not in str(caught.value)
    assert scope().order.channel == "pos"
