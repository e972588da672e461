"""What an expression reads is known before it runs, and environments are cheap to compare."""

from __future__ import annotations

import pytest

from guerdon.rules.expressions import DECIMAL, Environment, Namespace, Record, compile_expression
from tests.rules.expressions.scopes import ENVIRONMENT, ROOTS


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("1 + 1", set()),
        ("order.net >= 100", {"order.net"}),
        ("order.net > metrics.yearly_spend", {"order.net", "metrics.yearly_spend"}),
        ("wallets.points.available >= 500", {"wallets.points.available"}),
        ("wallets['points'].available >= 500", {"wallets.points.available"}),
        ("order.lines.exists(l, l.brand == order.channel)", {"order.lines", "order.channel"}),
        ("order.lines[0].net > 1", {"order.lines"}),
        ("order.lines.map(order, order.net).sum() > 1", {"order.lines"}),
        ("event.data.deep.er[0].x == 'y'", {"event.data.deep.er"}),
        ("event.data['sku'] == event.type", {"event.data.sku", "event.type"}),
        ("event.data[event.type] == 1", {"event.data", "event.type"}),
        ("has(event.data.x) ? event.data.x : event.data.y", {"event.data.x", "event.data.y"}),
        ("default(member.language, 'en') == 'bn'", {"member.language"}),
        ("now.getHours() > 12 && false", {"now"}),
        ("member == null", {"member"}),
    ],
)
def test_reads(source: str, reads: set[str]) -> None:
    assert compile_expression(source, ENVIRONMENT).reads == frozenset(reads)


def test_equal_environments_are_one_key() -> None:
    again = Environment(dict(ROOTS), zone="America/New_York")
    assert again == ENVIRONMENT
    assert hash(again) == hash(ENVIRONMENT)
    assert Environment(ROOTS, zone="Asia/Dhaka") != ENVIRONMENT
    assert Environment({**ROOTS, "extra": DECIMAL}, zone="America/New_York") != ENVIRONMENT
    assert ENVIRONMENT != "America/New_York"
    assert Record("a", {"x": DECIMAL}) != Namespace("a", {"x": DECIMAL})
    assert Record("a", {"x": DECIMAL}) == Record("a", {"x": DECIMAL})
    assert {Record("a", {"x": DECIMAL}), Record("a", {})} == {Record("a", {}), Record("a", {"x": DECIMAL})}


def test_each_path_that_fast_code_reads_is_named() -> None:
    expression = compile_expression("order.net * 2 > metrics.yearly_spend || order.paid", ENVIRONMENT)
    assert expression.reads == {"order.net", "metrics.yearly_spend", "order.paid"}
