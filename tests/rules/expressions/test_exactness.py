"""Arithmetic against an independent evaluator that knows nothing but fractions."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.expressions import (
    DECIMAL,
    INT,
    Environment,
    EvaluationError,
    Record,
    compile_expression,
)

ENVIRONMENT = Environment({"x": Record("x", {"a": DECIMAL, "b": DECIMAL, "n": INT})})
decimals = st.decimals(min_value=-10_000, max_value=10_000, places=3)
literals = st.one_of(
    st.integers(0, 999).map(str), st.decimals(min_value=0, max_value=99, places=2).map(lambda d: f"{d:f}")
)
leaves = st.one_of(literals, st.sampled_from(["x.a", "x.b", "x.n"]))


def _grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.tuples(st.sampled_from("+-*/%"), inner, inner),
        st.tuples(st.just("neg"), inner),
        st.tuples(st.sampled_from(["floor", "ceil", "abs", "round"]), inner),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner),
    )


trees = st.recursive(leaves, _grow, max_leaves=8)
relations = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _text(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    if tree[0] == "neg":
        return f"-({_text(tree[1])})"
    if tree[0] in "+-*/%":
        return f"({_text(tree[1])} {tree[0]} {_text(tree[2])})"
    return f"{tree[0]}({', '.join(_text(part) for part in tree[1:])})"


def _truncated(value: Fraction) -> int:
    return abs(value.numerator) // value.denominator * (1 if value >= 0 else -1)


def _oracle(tree: Any, values: dict[str, Fraction]) -> Fraction:
    if isinstance(tree, str):
        return values[tree[2:]] if tree.startswith("x.") else Fraction(tree)
    parts = [_oracle(part, values) for part in tree[1:]]
    first, last = parts[0], parts[-1]
    half = Fraction(1, 2)
    return {
        "+": lambda: first + last,
        "-": lambda: first - last,
        "*": lambda: first * last,
        "/": lambda: first / last,
        "%": lambda: first - last * _truncated(first / last),
        "neg": lambda: -first,
        "floor": lambda: Fraction(first.numerator // first.denominator),
        "ceil": lambda: Fraction(-(-first.numerator // first.denominator)),
        "abs": lambda: abs(first),
        "round": lambda: Fraction(_truncated(first + (half if first >= 0 else -half))),
        "min": lambda: min(parts),
        "max": lambda: max(parts),
    }[tree[0]]()


@settings(max_examples=300, deadline=None)
@given(trees, decimals, decimals, st.integers(-50, 50))
def test_arithmetic_is_exact(tree: Any, a: Decimal, b: Decimal, n: int) -> None:
    values = {"a": Fraction(a), "b": Fraction(b), "n": Fraction(n)}
    scope = SimpleNamespace(x=SimpleNamespace(a=a, b=b, n=n))
    expression = compile_expression(_text(tree), ENVIRONMENT, DECIMAL)
    try:
        expected = _oracle(tree, values)
    except ZeroDivisionError:
        with pytest.raises(EvaluationError) as caught:
            expression.evaluate_alone(scope)
        assert caught.value.code == "division_by_zero"
        return
    found = expression.evaluate_alone(scope)
    assert Fraction(found) == expected
    assert not isinstance(found, float)


@settings(max_examples=200, deadline=None)
@given(trees, relations, trees, decimals, st.integers(-5, 5))
def test_comparisons_are_exact(left: Any, sign: str, right: Any, a: Decimal, n: int) -> None:
    values = {"a": Fraction(a), "b": Fraction(1, 8), "n": Fraction(n)}
    scope = SimpleNamespace(x=SimpleNamespace(a=a, b=Decimal("0.125"), n=n))
    try:
        one, other = _oracle(left, values), _oracle(right, values)
    except ZeroDivisionError:
        return
    expected = {
        "==": one == other,
        "!=": one != other,
        "<": one < other,
        "<=": one <= other,
        ">": one > other,
        ">=": one >= other,
    }[sign]
    expression = compile_expression(f"{_text(left)} {sign} {_text(right)}", ENVIRONMENT)
    assert expression.evaluate_alone(scope) is expected


@given(decimals, st.integers(1, 10_000))
def test_a_quotient_comes_back(a: Decimal, n: int) -> None:
    scope = SimpleNamespace(x=SimpleNamespace(a=a, b=Decimal(n), n=n))
    expression = compile_expression("x.a / x.b * x.b == x.a && x.a / x.n * x.n == x.a", ENVIRONMENT)
    assert expression.evaluate_alone(scope) is True


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6), st.integers(0, 6))
def test_rounding_is_half_away_from_zero(a: Decimal, places: int) -> None:
    scope = SimpleNamespace(x=SimpleNamespace(a=a, b=a, n=places))
    found = compile_expression("round(x.a, x.n)", ENVIRONMENT).evaluate_alone(scope)
    with localcontext(Context(prec=28)):
        assert found == a.quantize(Decimal(1).scaleb(-places), rounding="ROUND_HALF_UP")


@pytest.mark.parametrize(
    "source",
    [
        "x.a * x.a * x.a",
        "x.a + 0.0000000000000000000000000000000000001",
        "[x.n].map(i, i * i * i * i).map(i, i * i * i * i).map(i, i * i * i * i) == []",
        "[1 / x.n].map(i, i*i*i*i*i*i).map(i, i*i*i*i*i*i).map(i, i*i*i*i*i*i).map(i, i*i*i*i*i*i) == []",
    ],
)
def test_a_number_that_grows_too_large_is_refused(source: str) -> None:
    scope = SimpleNamespace(x=SimpleNamespace(a=Decimal(10**29 + 1), b=Decimal(1), n=10**15 + 1))
    with pytest.raises(EvaluationError) as caught:
        compile_expression(source, ENVIRONMENT).evaluate_alone(scope)
    assert caught.value.code == "number_too_large"


GREATEST = 2**63 - 1


@pytest.mark.parametrize(
    ("source", "n", "answer"),
    [
        ("x.n + 1", GREATEST - 1, GREATEST),
        ("x.n + 1", GREATEST, None),
        ("x.n - 1", -GREATEST - 1, None),
        ("-x.n", -GREATEST - 1, None),
        ("abs(x.n)", -GREATEST - 1, None),
        ("x.n * x.n", 2**32, None),
        ("decimal(x.n) * x.n", 2**32, Decimal(2**64)),
        ("[x.n, x.n].sum()", GREATEST, None),
        ("floor(x.n * 2.0)", GREATEST, None),
        ("-9223372036854775808 + x.n", 0, -GREATEST - 1),
        ("int(decimal(x.n) + 1)", GREATEST, None),
    ],
)
def test_an_int_has_sixty_four_bits(source: str, n: int, answer: object) -> None:
    scope = SimpleNamespace(x=SimpleNamespace(a=Decimal(1), b=Decimal(1), n=n))
    expression = compile_expression(source, ENVIRONMENT)
    if answer is not None:
        assert expression.evaluate_alone(scope) == answer
        return
    with pytest.raises(EvaluationError) as caught:
        expression.evaluate_alone(scope)
    assert caught.value.code == "number_too_large"
