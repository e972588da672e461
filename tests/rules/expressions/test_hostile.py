"""Nothing that a stranger writes costs much, crashes, or reaches Python."""

from __future__ import annotations

import builtins
import dis
from decimal import Decimal, localcontext
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.expressions import (
    DECIMAL,
    EXACT,
    EvaluationError,
    ExpressionError,
    Record,
    compile_expression,
    tree,
)
from guerdon.rules.expressions.runtime.budget import STEPS
from tests.rules.expressions.hostile import LISTS, SOURCES, TEN, WORK, roots
from tests.rules.expressions.scopes import ENVIRONMENT, scope, value


def run(source: str, **roots: Any) -> Any:
    return compile_expression(source, LISTS).evaluate_alone(SimpleNamespace(**roots))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("+".join(["1"] * 20_000), "too_long"),
        ("+".join(["1"] * 1_000), "too_deep"),
        ("'" + "x" * 4096 + "'", "too_long"),
        ("é" * 2049, "too_long"),
        ("(" * 5000, "too_long"),
        ("(" * 1000 + "1" + ")" * 1000, "too_deep"),
        ("(" * 1000, "syntax_error"),
        ("[" * 33 + "]" * 33, "too_deep"),
        ("!" * 40 + "true", "too_deep"),
        ("-" * 40 + "1", "too_deep"),
        ("event.data" + ".a" * 40, "too_deep"),
        ("event.data" + "['a']" * 40, "too_deep"),
        ("true ? 1 : " * 40 + "1", "too_deep"),
        ("order.lines" + ".filter(l, true)" * 40, "too_deep"),
        ("[1]" + ".map(x, [x, x])" * 12, "too_deep"),
        ("\x00", "syntax_error"),
        ("'a\nb'", "syntax_error"),
        ("\ud800", "syntax_error"),
        ("__import__('os')", "unknown_function"),
        ("order.__class__", "unknown_field"),
        ("event.data.keys()", "unknown_function"),
        ("order.net.real", "unknown_field"),
        ("''.__class__", "unknown_field"),
        ("''.format()", "type_mismatch"),
        ("lambda: 1", "syntax_error"),
        ("order.net; 1", "syntax_error"),
        ("order[`net`]", "syntax_error"),
    ],
    ids=lambda text: text[:24].encode("ascii", "backslashreplace").decode(),
)
def test_a_hostile_source_is_refused(source: str, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, ENVIRONMENT)
    assert caught.value.code == code


def test_what_is_just_short_enough_compiles() -> None:
    assert value(" + ".join(["order.count"] * 90)) == 630
    assert value(" && ".join(["order.paid"] * 250)) is True
    assert value("(" * 30 + "1" + ")" * 30) == 1
    assert value("[" + ", ".join(["1"] * 1200) + "].sum()") == 1200


@pytest.mark.parametrize(
    "source",
    [
        "xs.all(x, xs.all(y, x >= y || true))",
        "xs.map(x, xs.map(y, x)).size() > 0",
        "xs.exists(x, x in xs.map(y, y + 5000))",
        "xs.all(x, x < 0 || xs.sum() > 0)",
        "xs.all(x, 0.5 in xs || true)",
        "xs.all(x, m.l == m.k || true)",
        "xs.all(x, xs + xs != xs)",
        "xs.all(x, max(xs) >= x)",
    ],
)
def test_quadratic_work_ends_at_the_limit(source: str) -> None:
    many = [Decimal(number) for number in range(1000)]
    with pytest.raises(EvaluationError) as caught:
        run(source, xs=many, m={"l": list(many), "k": list(many)})
    assert caught.value.code == "iteration_limit"


def test_a_search_in_an_own_list_is_paid_for_where_loops_nest() -> None:
    own = [[Decimal(1)] * 1000] * 300
    assert run("groups.all(g, 2 in g || true)", groups=own) is True
    with pytest.raises(EvaluationError) as caught:
        run("xs.all(x, groups.all(g, 2 in g || true))", groups=own, xs=[Decimal(1)] * 300)
    assert caught.value.code == "iteration_limit"


def test_the_limit_itself_is_allowed() -> None:
    fits = STEPS // 3
    assert run("xs.all(x, x == 1)", xs=[Decimal(1)] * fits) is True
    with pytest.raises(EvaluationError) as caught:
        run("xs.all(x, x == 1)", xs=[Decimal(1)] * (fits + 1))
    assert (caught.value.code, caught.value.column) == ("iteration_limit", 4)
    with pytest.raises(EvaluationError):
        run("xs.all(x, x == 1) || true", xs=[Decimal(1)] * (fits + 1))


def test_texts_and_lists_do_not_grow_without_end() -> None:
    doubling = "ts" + ".map(t, t + t)" * 20
    with pytest.raises(EvaluationError) as caught:
        run(f"{doubling}.size() > 0", ts=["x" * 100])
    assert caught.value.code == "text_too_long"
    with pytest.raises(EvaluationError) as caught:
        run("ts.map(t, m.big + t).size() > 0", ts=["x"] * 10_000, m={"big": "y" * 60_000})
    assert caught.value.code == "iteration_limit"
    with pytest.raises(EvaluationError) as caught:
        run("size(xs + xs) > 0", xs=[Decimal(1)] * 60_000)
    assert caught.value.code == "iteration_limit"


def test_deep_equality_is_counted() -> None:
    shared: list[Any] = [Decimal(1)]
    other: list[Any] = [Decimal(1)]
    for _ in range(40):
        shared, other = [shared, shared], [other, other]
    with pytest.raises(EvaluationError) as caught:
        run("m.a == m.b", m={"a": shared, "b": other})
    assert caught.value.code == "iteration_limit"


def test_a_pattern_cannot_run_away() -> None:
    assert run("m.t.matches('^(a+)+$')", m={"t": "a" * 50_000 + "b"}) is False
    with pytest.raises(ExpressionError) as caught:
        compile_expression("'a'.matches('" + "(a{1000}){1000}" + "')", LISTS)
    assert caught.value.code == "bad_argument"
    with pytest.raises(EvaluationError) as late:
        run("'a'.matches(m.p)", m={"p": "a" * 513})
    assert late.value.code == "bad_argument"


INJECTIONS = [
    "');import os;('",
    '");import os;("',
    "'''",
    "\\",
    "{scope.__class__}",
    "\n    raise SystemExit\n",
    "%s%s%n",
    "c0",
    "__builtins__",
    "None",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_text_stays_a_text(text: str) -> None:
    literal = "'" + "".join(f"\\U{ord(char):08x}" for char in text) + "'"
    assert value(literal) == text
    assert value(f"{{{literal}: 1}}[{literal}]") == 1
    assert value(f"{literal} in event.data") is False
    assert value(f"has(event.data[{literal}])") is False


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_survives_its_literal(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    assert value(f"'{escaped}'") == text


WORDS = (
    """order . net ( ) [ ] { } , : ? + - * / % ! && || == < in 1 0.5 'a' " ' lines all x map true null has"""
)


def _columns(source: str) -> tuple[int, int]:
    """Run a source that may be anything, and give the columns of its error."""
    try:
        compile_expression(source, ENVIRONMENT).evaluate_alone(scope())
    except ExpressionError as error:
        return error.column, error.column + error.length - 1
    except EvaluationError as error:
        return error.column, error.column
    return 1, 1


@settings(max_examples=500)
@given(st.lists(st.sampled_from(WORDS.split()), max_size=20).map(" ".join))
def test_any_words_give_a_value_or_a_precise_error(source: str) -> None:
    first, last = _columns(source)
    assert 1 <= first <= last <= len(source) + 1


def test_generated_code_sees_no_builtins_and_no_names_of_the_user() -> None:
    source = "order.lines.filter(hi, hi.brand == 'Trail').map(k, k.net * 2.5).sum() > 1 && event.data.x == 2"
    function: Any = compile_expression(source, ENVIRONMENT).evaluate
    assert function.__globals__["__builtins__"] == {}
    codes = [function.__code__]
    for code in codes:
        codes += [const for const in code.co_consts if hasattr(const, "co_code")]
    variables = {name for code in codes for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars)}
    assert variables <= {"scope", "budget", ".0", "v0", "v1"}
    for code in codes:
        for step in dis.get_instructions(code):
            if step.opname == "LOAD_GLOBAL":
                assert step.argval not in dir(builtins)


def test_names_that_are_private_to_python_cannot_be_declared() -> None:
    for name in ("__class__", "a-b", "", "1a", "None", "ä"):
        with pytest.raises(ValueError, match="cannot be a name"):
            Record("r", {name: DECIMAL})


@pytest.mark.parametrize(("source", "items", "answer"), WORK, ids=[case[0][:40] for case in WORK])
def test_hostile_work_is_cut_off(source: str, items: list[Decimal], answer: object) -> None:
    """The answer says that the budget ended the work; `benchmarks.hostile` shows in how much CPU time."""
    assert _found(source, items) == answer


def _found(source: str, items: list[Decimal]) -> object:
    try:
        return compile_expression(source, LISTS).evaluate_alone(roots(items))
    except EvaluationError as error:
        return error.code


@pytest.mark.parametrize(("source", "code"), SOURCES, ids=[case[0][:24] for case in SOURCES])
def test_a_hostile_source_does_not_compile(source: str, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, LISTS)
    assert caught.value.code == code


def test_a_neighbour_in_the_same_batch_is_unharmed() -> None:
    neighbour = compile_expression("xs.map(x, x / 7).sum() * 7 == 45 && size(xs) == 10", LISTS)
    with localcontext(EXACT):
        for source, items, answer in WORK:
            try:
                found: object = compile_expression(source, LISTS)(roots(items))
            except EvaluationError as error:
                found = error.code
            assert found == answer
            assert neighbour(roots(TEN)) is True


@pytest.mark.parametrize(
    ("body", "weight"),
    [
        ("x == 1", 3),
        ("x == 1 && x == 2", 6),
        ("x / 7 > 1", 14),
        ("x / (x + 1) > 1", 16),
        ("xs.all(y, y > x)", 4),
        ("string(x).size() > 0", 8),
        ("has(m.a)", 5),
    ],
)
def test_a_turn_of_a_loop_costs_what_its_body_computes(body: str, weight: int) -> None:
    loop = compile_expression(f"xs.all(x, {body})", LISTS).tree
    assert isinstance(loop, tree.Loop)
    assert tree.weight(loop) == weight


def test_a_value_that_is_too_deep_is_an_error_and_no_crash() -> None:
    one: list[Any] = [Decimal(1)]
    other: list[Any] = [Decimal(1)]
    for _ in range(5_000):
        one, other = [one], [other]
    with pytest.raises(EvaluationError) as caught:
        run("m.a == m.b", m={"a": one, "b": other})
    assert caught.value.code == "iteration_limit"
