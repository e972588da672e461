"""Expressions that try to do much work, and data that helps them: shared by the tests and the benchmark."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from guerdon.rules.expressions import ANY, DECIMAL, STRING, Environment, ListOf, MapOf

LISTS = Environment(
    {
        "xs": ListOf(DECIMAL),
        "ts": ListOf(STRING),
        "m": MapOf(STRING, ANY),
        "groups": ListOf(ListOf(DECIMAL)),
    }
)
MANY = [Decimal(number) for number in range(100_000)]
TEN = MANY[:10]
NESTED = "xs.all(a, xs.all(b, xs.all(c, xs.all(d, xs.all(e, xs.all(f, xs.all(g, xs.all(h, a + h >= 0))))))))"
_QUOTIENTS = " + ".join(f"x / (x + {number})" for number in range(1, 60))
_FORMATS = "xs.map(x, '%e %s %f'.format([x / 7, [x, x], x])).size() > 0"
_BIG_PATTERN = "xs.all(x, m.t.matches('(a?){150}a{150}b') || true)"

WORK: list[tuple[str, list[Decimal], object]] = [
    (NESTED, TEN, "iteration_limit"),
    ("xs.all(x, xs.all(y, x >= y || true))", MANY, "iteration_limit"),
    ("xs.all(x, xs.all(y, x >= y || true))", MANY[:170], True),
    ("xs.exists(x, m.nope == x)", MANY[:12_000], "missing_value"),
    ("xs.exists(x, m.nope == x)", MANY[:40_000], "iteration_limit"),
    ("xs.map(x, 1 / (x + 1)).sum() > 0", MANY[:9_000], "number_too_large"),
    (f"xs.all(x, {_QUOTIENTS} >= 0) && 1 / m.z > 0", MANY[:170], "division_by_zero"),
    ("xs.map(x, x / 7).sum() / m.z > 0", MANY[:19_000], "division_by_zero"),
    ("[" + ",".join(["xs.sum()"] * 400) + "].sum() > 0", MANY, "iteration_limit"),
    ("[" + ",".join(["0.5 in xs"] * 300) + "].size() > 0", MANY, "iteration_limit"),
    ("xs.map(x, m.t.split('')).size() > 0", MANY[:1000], "iteration_limit"),
    ("cel.bind(a, m.t + m.t, a.replace('a', a)) == ''", TEN, "text_too_long"),
    ("m.t.matches('(a*)*(b|c)(x+x+)+y')", TEN, False),
    (_BIG_PATTERN, MANY[:1000], "iteration_limit"),
    ("m.t.matches('(a?){150}a{150}b')", TEN, "iteration_limit"),
    ("xs.all(x, 'abc'.matches(string(x)) || true) && 1 / m.z > 0", MANY[:3_000], "division_by_zero"),
    ("ts" + ".map(t, t + t)" * 20 + ".size() > 0", TEN, "text_too_long"),
    ("xs" + ".map(x, [x, x]).flatten()" * 6 + ".size() > 0", MANY[:1000], "iteration_limit"),
    (_FORMATS + " && 1 / m.z > 0", MANY[:3_000], "division_by_zero"),
    ("lists.range(20000).map(x, {x: [x]}).distinct().size() > 0", TEN, "iteration_limit"),
    ("xs.all(x, m.l.distinct().size() > 0)", MANY[:10_000], "iteration_limit"),
    ("xs.all(x, m.l.sort().size() > 0)", MANY[:10_000], "iteration_limit"),
    ("xs.sort().size() > 0", MANY, "iteration_limit"),
    ("xs.all(x, default(m.deep.nope, 1) > 0) && 1 / m.z > 0", MANY[:19_000], "division_by_zero"),
    ("lists.range(100000000).all(x, x >= 0)", TEN, "iteration_limit"),
    ("m.a == m.b", TEN, "iteration_limit"),
]
"""Source, the list `xs`, and the value or the code of the error in which it ends."""

SOURCES: list[tuple[str, str]] = [
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
    ("m" + ".a" * 40, "too_deep"),
    ("m" + ".?a" * 40, "too_deep"),
    ("m" + "['a']" * 40, "too_deep"),
    ("true ? 1 : " * 40 + "1", "too_deep"),
    ("xs" + ".filter(l, true)" * 40, "too_deep"),
    ("[1]" + ".map(x, [x, x])" * 12, "too_deep"),
    ("'a'.matches('(a{1000}){1000}')", "bad_argument"),
    ("'a'.matches('((a?){100}){10}b')", "bad_argument"),
    ("9" * 4000, "number_too_large"),
    ("1e999999999", "number_too_large"),
]
"""Source, and the code of the error with which it does not compile."""


def roots(items: list[Decimal]) -> SimpleNamespace:
    """Make the scope that hostile expressions see.

    Args:
        items: the list `xs`.

    Returns:
        The scope.
    """
    shared: list[Any] = [Decimal(1)]
    other: list[Any] = [Decimal(1)]
    for _ in range(40):
        shared, other = [shared, shared], [other, other]
    data = {"t": "a" * 30_000, "z": Decimal(0), "l": MANY[:1000], "deep": {}, "a": shared, "b": other}
    return SimpleNamespace(xs=items, ts=["x" * 100], m=data, groups=[])
