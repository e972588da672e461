"""What each part of the language gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest

from guerdon.rules.expressions import BOOL, DECIMAL, EXACT, INT, ListOf, compile_expression
from tests.rules.expressions.scopes import ENVIRONMENT, scope, value

D = Decimal

CASES: list[tuple[str, Any]] = [
    # numbers
    ("0.29 * 100 == 29", True),
    ("order.net / 3 * 3 == order.net", True),
    ("order.net / 3", Fraction(100, 3)),
    ("7 / 2", D("3.5")),
    ("7 / 7", Fraction(1)),
    ("order.count / 2", D("3.5")),
    ("order.net / 100", D(1)),
    ("order.net / order.count * order.count == 100", True),
    ("1 / 3 + 1 / 3 + 1 / 3 == 1", True),
    ("1 / 3 < 0.34 && 0.33 < 1 / 3 && 1 / 3 != 0.3333", True),
    ("2 + 3 * 4 - 5", 9),
    ("(2 + 3) * 4", 20),
    ("10 - 3 - 2", 5),
    ("-7 % 4", -3),
    ("7 % -4", 3),
    ("-7.5 % 2", D("-1.5")),
    ("order.count % 4", 3),
    ("(order.net / 3) % 1", Fraction(1, 3)),
    ("-order.net", D("-100")),
    ("- -3", 3),
    ("0x1F", 31),
    ("1.5e3", D(1500)),
    (".5 + .25", D("0.75")),
    ("order.count * 1.5", D("10.5")),
    ("order.count == 7.0", True),
    ("round(2.5)", 3),
    ("round(-2.5)", -3),
    ("round(2.345, 2)", D("2.35")),
    ("round(order.net / 3, 2)", D("33.33")),
    ("(order.net / 3).round(2)", D("33.33")),
    ("round(1234, 0)", D(1234)),
    ("floor(-1.5)", -2),
    ("ceil(1.01)", 2),
    ("floor(order.net / 7)", 14),
    ("abs(-3)", 3),
    ("abs(-2.5)", D("2.5")),
    ("min(3, 1, 2)", 1),
    ("max(1, 2.5)", D("2.5")),
    ("min(order.net, order.net / 3)", Fraction(100, 3)),
    ("[3, 1, 2].max()", 3),
    ("min(['b', 'a'])", "a"),
    ("[1, 2, 3].sum()", 6),
    ("sum([0.1, 0.2])", D("0.3")),
    ("sum([1 / 3, 2 / 3])", Fraction(1)),
    ("sum([])", Decimal(0)),
    # comparison and logic
    ("order.net >= 100 && order.channel == 'pos'", True),
    ("order.net > 100 || order.paid", True),
    ("!order.paid", False),
    ("!!order.paid", True),
    ("order.paid == true", True),
    ("order.paid ? 'yes' : 'no'", "yes"),
    ("order.count > 10 ? 1 : order.count > 5 ? 2 : 3", 2),
    ("order.paid ? 1 : 2.5", D(1)),
    ("'a' < 'b' && 'a' <= 'a' && 'b' > 'a' && 'b' >= 'b'", True),
    ("[1, 2] == [1.0, 2.0]", True),
    ("[1, 2] != [2, 1]", True),
    ("{'a': 1} == {'a': 1.0}", True),
    ("null == null", True),
    # lists and maps
    ("order.channel in ['pos', 'web']", True),
    ("order.count in [1, 7.0]", True),
    ("'a' in {'a': 1}", True),
    ("'x' in event.data", False),
    ("[1, 2, 3][1]", 2),
    ("{'a': 1, 'b': 2}['b']", 2),
    ("{'a': 1}.a", 1),
    ("{1: 'x'}[1]", "x"),
    ("[1, 2,]", [1, 2]),
    ("[1, 2.5]", [D(1), D("2.5")]),
    ("[1] + [2]", [1, 2]),
    ("size([1, 2]) + [1].size() + size({'a': 1}) + size('αβγ')", 7),
    ("order.lines[1].brand", "Peak"),
    # texts
    ("'a' + 'b' + order.channel", "abpos"),
    ("order.channel.startsWith('p') && order.channel.endsWith('s') && order.channel.contains('o')", True),
    ("order.channel.matches('^p.s$')", True),
    ("matches(order.channel, 'o')", True),
    ("order.channel.matches('^' + order.channel + '$')", True),
    ("order.channel.upper() + lower('ABC') + 'x'.lower()", "POSabcx"),
    (r"'\u00e9\n\x41\101\'\"'", "é\nAA'\""),
    (r"r'\d' == '\\d'", True),
    ('\'\'\'it\'s\'\'\' + """say "hi\\" """', 'it\'ssay "hi" '),
    ("'a' // a remark\n + 'b'", "ab"),
    # free maps
    ("event.data.grams * 2", D(500)),
    ("event.data.grams / 3", Fraction(250, 3)),
    ("event.data['grams'] > 100", True),
    ("event.data.sku == 'A-1' && event.data.sku.startsWith('A')", True),
    ("event.data.grams == '250'", False),
    ("event.data.grams == 250 && event.data.grams != 1", True),
    ("event.data.flag == 1", False),
    ("event.data.flag && true", True),
    ("event.data.grams + event.data.grams", D(500)),
    ("event.data.sku + event.data.sku", "A-1A-1"),
    ("event.data.grams >= event.data.grams", True),
    ("'b' in event.data.tags", True),
    ("event.data.tags == ['a', 'b']", True),
    ("size(event.data.tags) + size(event.data.sku)", 5),
    ("event.data.deep.er[1].x", "y"),
    ("event.data.deep.er[0] + 1", D(2)),
    ("sum([event.data.grams, 1])", D(251)),
    ("max(event.data.grams, order.net / 3)", Fraction(250)),
    ("event.data.flag ? order.net / 3 : event.data.grams", Fraction(100, 3)),
    # absence
    ("has(event.data.grams) && !has(event.data.nope) && !has(event.data.nope.deeper)", True),
    ("has(event.data.none)", False),
    ("has(order.channel)", True),
    ("event.data.none == null && event.data.nope == null && event.data.sku != null", True),
    ("member != null", True),
    ("default(event.data.nope, 3) + 1", D(4)),
    ("default(event.data.grams, 3)", D(250)),
    ("event.data.nope.orValue('z')", "z"),
    ("default(event.data.deep.er[9], 1) == 1", True),
    ("event.data.nope.deeper.orValue(false)", False),
    # time
    ("now.getHours()", 22),
    ("now.getHours('UTC')", 3),
    ("now.getHours('+05:30')", 9),
    ("now.getMinutes('+05:30')", 0),
    ("now.getFullYear() == 2026 && now.getFullYear('UTC') == 2027", True),
    ("now.getMonth() == 11 && now.getDate() == 31 && now.getDayOfMonth() == 30", True),
    ("now.getDayOfWeek()", 4),
    ("now.getDayOfYear('UTC')", 0),
    ("now.getSeconds() + now.getMilliseconds()", 0),
    ("now - member.joined_at > duration('30d')", True),
    ("now - duration('90m')", datetime(2027, 1, 1, 2, 0, tzinfo=UTC)),
    ("duration('1h30m') + duration('-30m')", timedelta(hours=1)),
    ("duration('90m').getHours() + duration('90m').getMinutes()", 91),
    ("timestamp('2027-01-01T03:30:00Z') == now", True),
    ("timestamp('2026-12-31T22:30:00') == now", True),
    ("timestamp('2027-01-01') == timestamp('2027-01-01T00:00:00-05:00')", True),
    ("now + duration('1d') > now && duration('1d') + now > now", True),
    ("min([now, member.joined_at]) == member.joined_at", True),
]


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[source for source, _ in CASES])
def test_the_value_is(source: str, expected: Any) -> None:
    found = value(source)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[source for source, _ in CASES])
def test_the_careful_evaluator_agrees(source: str, expected: Any) -> None:
    expression = compile_expression(source, ENVIRONMENT)
    with localcontext(EXACT):
        assert expression.careful(scope()) == expected


def test_a_decimal_may_be_any_exact_number() -> None:
    assert value("1", DECIMAL) == 1
    assert value("1 / 3", DECIMAL) == Fraction(1, 3)
    assert value("event.data.grams", DECIMAL) == 250
    assert value("event.data.grams", INT) == 250
    assert value("[1 / 3]", ListOf(DECIMAL)) == [Fraction(1, 3)]
    assert value("event.data.flag", BOOL) is True


def test_the_type_is_shown_without_fractions() -> None:
    assert compile_expression("1 / 3", ENVIRONMENT).type == DECIMAL
    assert compile_expression("[order.net / 3]", ENVIRONMENT).type == ListOf(DECIMAL)
    assert str(compile_expression("[order.net]", ENVIRONMENT).type) == "list of decimal"


def test_a_batch_enters_the_context_once() -> None:
    expression = compile_expression("order.net * 1.10", ENVIRONMENT)
    with localcontext(EXACT):
        assert expression(scope()) == expression.evaluate(scope()) == D("110")
    assert expression.evaluate_alone(scope()) == D("110")
    assert repr(expression) == "Expression('order.net * 1.10')"
