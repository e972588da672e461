"""An error that cannot change the answer is absorbed; generated code and the careful evaluator agree."""

from __future__ import annotations

from decimal import Decimal, localcontext
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.expressions import (
    ANY,
    BOOL,
    DECIMAL,
    EXACT,
    INT,
    STRING,
    Environment,
    EvaluationError,
    ListOf,
    MapOf,
    Record,
    compile_expression,
)
from tests.rules.expressions.scopes import value

BAD = "(1 / (order.count - 7) > 1)"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{BAD} || true", True),
        (f"true || {BAD}", True),
        (f"{BAD} && false", False),
        (f"false && {BAD}", False),
        (f"({BAD} || {BAD} || true) && order.paid", True),
        (f"!({BAD} && false)", True),
        ("[0, 1, 2].exists(x, 4 / x == 4)", True),
        ("[0, 1, 2].all(x, 4 / x == 4)", False),
        ("[[0], [1]].exists(xs, xs.all(x, 1 / x == 1))", True),
        ("event.data.nope > 1 || order.net == 100", True),
        ("default(event.data[event.data.nope == 1 || true ? 'sku' : 'x'], 'z')", "A-1"),
        ("has(event.data.nope.x) || event.data.nope == 1 || true", True),
    ],
)
def test_an_error_that_decides_nothing_is_absorbed(source: str, expected: Any) -> None:
    assert value(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        f"{BAD} || false",
        f"false || {BAD}",
        f"{BAD} && true",
        f"true && {BAD}",
        "[0, 1].all(x, 4 / x == 4)",
        "[0, 2].exists(x, 4 / x == 4)",
        "[0, 1].exists_one(x, 4 / x == 4)",
        "size([0, 1].filter(x, 4 / x == 4)) == 1",
        "size([0, 1].map(x, 4 / x)) == 2",
        f"{BAD} ? true : true",
    ],
)
def test_an_error_that_could_decide_remains(source: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(source)
    assert caught.value.code == "division_by_zero"


ENVIRONMENT = Environment(
    {
        "r": Record("r", {"d": DECIMAL, "i": INT, "s": STRING, "b": BOOL, "l": ListOf(DECIMAL)}),
        "m": MapOf(STRING, ANY),
    }
)
_numbers = st.sampled_from(["r.d", "r.i", "0", "1", "2.5", "m.n", "default(m.n, 0)", "r.l.sum()", "r.l[0]"])
_maybe = st.sampled_from(
    ["m.?n.orValue(0)", "r.?d.orValue(r.i)", "r.l[?0].orValue(r.d)", "optional.of(r.d).orValue(1)",
     "m.?n.value()",
     "r.l[?r.i].or(optional.of(r.d)).orValue(2)", "r.?i.optMap(x, x / r.d).orValue(3)",
     "optional.ofNonZeroValue(r.d).orValue(r.i)", "math.greatest(r.d, r.i)", "math.floor(r.d)",
     "r.l.sort()[0]", "r.l.distinct().sum()", "r.l.sortBy(x, 1 / x)[0]", "[?m.?n, 1, ?r.?i].size()"]
)  # fmt: skip
_amounts = st.recursive(
    st.one_of(_numbers, _maybe),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner),
        st.builds("max({}, {})".format, inner, inner),
    ),
    max_leaves=3,
)
_facts = st.one_of(
    st.builds("({} {} {})".format, _amounts, st.sampled_from(["==", "!=", "<", ">="]), _amounts),
    st.sampled_from(
        [
            "r.b",
            "m.b",
            "(r.s == 'a')",
            "(r.s != m.s)",
            "(r.s in ['a', 'b'])",
            "(m.s in [r.s, 'a'])",
            "has(m.n)",
        ]
    ),
    st.sampled_from(
        [
            "(m.s == 'a')",
            "(m.n == m.s)",
            "(r.b == m.b)",
            "('a' in m.l)",
            "(m.n == null)",
            "(r.d in r.l)",
            "m.?s.hasValue()",
            "(m.?n == r.?d)",
            "r.?b.orValue(m.b)",
            "m[?'s'].or(m.?n).hasValue()",
            "m.s.matches(r.s)",
            "(bytes(m.s) == b'a')",
        ]
    ),
)
_conditions = st.recursive(
    _facts,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!{}".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("r.l.all(x, x > r.d || {})".format, inner),
        st.builds("r.l.exists(x, x / r.d > 1 && {})".format, inner),
        st.builds("(r.l.filter(x, {}).size() > 0)".format, inner),
    ),
    max_leaves=5,
)
_values = {
    "d": st.one_of(st.none(), st.sampled_from([Decimal(0), Decimal("1.5"), Decimal(-3)])),
    "i": st.one_of(st.none(), st.integers(-2, 2)),
    "s": st.one_of(st.none(), st.sampled_from(["a", "b", ""])),
    "b": st.one_of(st.none(), st.booleans()),
    "l": st.one_of(
        st.none(), st.lists(st.sampled_from([Decimal(0), Decimal(1), Decimal("2.5")]), max_size=3)
    ),
}
_map_values = st.one_of(st.none(), st.booleans(), st.just(Decimal(1)), st.just("a"), st.just(["a"]))


def _outcome(function: Any, scope: Any) -> tuple[str, Any]:
    try:
        return "value", function(scope)
    except EvaluationError as error:
        return error.code, (error.line, error.column)


@settings(max_examples=600, deadline=None)
@given(
    _conditions,
    st.fixed_dictionaries({}, optional=_values),
    st.dictionaries(st.sampled_from("nsbl"), _map_values, max_size=4),
)
def test_generated_code_and_the_careful_evaluator_agree(
    source: str, record: dict[str, Any], free: dict[str, Any]
) -> None:
    expression = compile_expression(source, ENVIRONMENT, BOOL)
    scope = SimpleNamespace(r=SimpleNamespace(**record), m=free)
    with localcontext(EXACT):
        fast, careful = _outcome(expression, scope), _outcome(expression.careful, scope)
    assert fast == careful
    assert fast[0] != "value" or fast[1] in (True, False)
