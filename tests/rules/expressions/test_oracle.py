"""The part that we share with Google's CEL gives what Google's CEL gives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from cel_expr_python import cel
from cel_expr_python.ext.ext_bindings import ExtBindings
from cel_expr_python.ext.ext_encoders import ExtEncoders
from cel_expr_python.ext.ext_math import ExtMath
from cel_expr_python.ext.ext_optional import ExtOptional
from cel_expr_python.ext.ext_strings import ExtStrings
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.expressions import (
    BOOL,
    INT,
    STRING,
    Environment,
    EvaluationError,
    ListOf,
    MapOf,
    compile_expression,
)

ENVIRONMENT = Environment(
    {
        "i": INT,
        "j": INT,
        "s": STRING,
        "t": STRING,
        "b": BOOL,
        "xs": ListOf(INT),
        "ms": MapOf(STRING, INT),
    }
)
GOOGLE: Any = cel.NewEnv(
    variables={
        "i": cel.Type.INT,
        "j": cel.Type.INT,
        "s": cel.Type.STRING,
        "t": cel.Type.STRING,
        "b": cel.Type.BOOL,
        "xs": cel.Type.List(cel.Type.INT),
        "ms": cel.Type.Map(cel.Type.STRING, cel.Type.INT),
    },
    extensions=[ExtStrings(), ExtBindings(), ExtMath(), ExtOptional(), ExtEncoders()],
)
_pairs = st.sampled_from(["greatest", "least", "bitAnd", "bitOr", "bitXor", "bitShiftLeft", "bitShiftRight"])
_ints = st.recursive(
    st.sampled_from(["i", "j", "0", "1", "7", "size(xs)", "size(s)", "xs[0]", "xs[j]"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*%"), inner),
        st.builds("(b ? {} : {})".format, inner, inner),
        st.builds("int(string({}))".format, inner),
        st.builds("-({})".format, inner),
        st.builds("xs.map(x, {} + x)[0]".format, inner),
        st.builds("{{'a': {}, 'b': 2}}[t]".format, inner),
        st.builds("s.indexOf(t, {})".format, inner),
        st.builds("s.lastIndexOf(t)".format),
        st.builds("math.{}({}, {})".format, _pairs, inner, inner),
        st.builds("math.{}({})".format, st.sampled_from(["abs", "sign", "bitNot", "greatest"]), inner),
        st.builds("math.least([{}, {}, i])".format, inner, inner),
        st.builds("xs[?{}].orValue({})".format, inner, inner),
        st.builds("ms.?{}.orValue({})".format, st.sampled_from("abc"), inner),
        st.builds("ms[?t].or(xs[?{}]).orValue({})".format, inner, inner),
        st.builds("optional.ofNonZeroValue({}).optMap(x, x + 1).orValue({})".format, inner, inner),
        st.builds("xs[?{}].optFlatMap(x, ms[?string(x)].or(optional.of(x))).value()".format, inner),
        st.builds("[?ms.?a, ?xs[?{}], {}][0]".format, inner, inner),
    ),
    max_leaves=4,
)
_texts = st.recursive(
    st.sampled_from(["s", "t", "'a'", "'ä\\n'", 'r"\\d"', "''"]),
    lambda inner: st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("string({})".format, _ints),
        st.builds("string({} < 2)".format, _ints),
        st.builds("{}.replace(t, {})".format, inner, inner),
        st.builds("{}.charAt(i)".format, inner),
        st.builds("{}.substring(i)".format, inner),
        st.builds("{}.upperAscii().lowerAscii()".format, inner),
        st.builds("{}.trim()".format, inner),
        st.builds("{}.reverse()".format, inner),
        st.builds("strings.quote({})".format, inner),
        st.builds("string(base64.decode(base64.encode(bytes({}))))".format, inner),
        st.builds("'%s %d|%x %b'.format([{}, {}, i, b])".format, inner, _ints),
        st.builds("xs[?i].optMap(x, string(x)).orValue({})".format, inner),
        st.builds("{}.split({}).join('-')".format, inner, st.sampled_from(["'a'", "t", "'b', i"])),
        st.builds("string(timestamp({}) + duration('{}s'))".format, _ints, st.sampled_from("059")),
        st.builds("string(duration('1h') - duration('{}m'))".format, st.sampled_from("059")),
    ),
    max_leaves=3,
)
_signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_perhaps = st.sampled_from(
    ["xs[?i]", "ms.?a", "ms[?t]", "optional.of(i)", "optional.none()", "optional.ofNonZeroValue(j)"]
)
_facts = st.one_of(
    st.builds("({} {} {})".format, _ints, _signs, _ints),
    st.builds("({} {} {})".format, _texts, _signs, _texts),
    st.builds("({} in xs)".format, _ints),
    st.builds("{}.{}({})".format, _texts, st.sampled_from(["startsWith", "endsWith", "contains"]), _texts),
    st.builds("{}.matches('^[a-c]+$')".format, _texts),
    st.builds(
        "(type({}) == {})".format, st.one_of(_ints, _texts), st.sampled_from(["int", "string", "bool"])
    ),
    st.builds("(dyn({}) == {})".format, st.one_of(_ints, _texts), st.one_of(_ints, _texts)),
    st.builds("({} in [1, 'a', null])".format, st.one_of(_ints, _texts).map("dyn({})".format)),
    st.builds("bool({})".format, st.sampled_from(["'true'", "'x'", "s", "string(b)"])),
    st.builds("(timestamp({}).getMinutes() {} 3)".format, _ints, _signs),
    st.builds("({{'k': {}}}.k {} 1)".format, _ints, _signs),
    st.builds("({}.hasValue() {} b)".format, _perhaps, st.sampled_from(["==", "!="])),
    st.builds("({} == {})".format, _perhaps, _perhaps),
    st.builds("(bytes({}) {} bytes({}))".format, _texts, _signs, _texts),
    st.builds("(has({{?'k': ms.?{}}}.k) || b)".format, st.sampled_from("abc")),
    st.sampled_from(["b", "true", "false", "(xs == [1, 2])", "('a' in {'a': 1, 'b': 2})"]),
)
_conditions = st.recursive(
    _facts,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!{}".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("xs.all(x, x > i || {})".format, inner),
        st.builds("xs.exists(x, x % i == 1 && {})".format, inner),
        st.builds("xs.exists_one(x, x == i || {})".format, inner),
        st.builds("(xs.filter(x, x != j && {}).size() > 1)".format, inner),
        st.builds("(xs.map(x, {}, x + 1) == [2])".format, inner),
        st.builds("cel.bind(c, b, c || {})".format, inner),
    ),
    max_leaves=5,
)


def _google(source: str, values: dict[str, Any]) -> Any:
    found = GOOGLE.compile(source).eval(data=values)
    return "error" if str(found.type()) == "ERROR" else found.value()


def _ours(source: str, values: dict[str, Any]) -> Any:
    try:
        return compile_expression(source, ENVIRONMENT, BOOL).evaluate_alone(SimpleNamespace(**values))
    except EvaluationError:
        return "error"


@settings(max_examples=500, deadline=None)
@given(
    _conditions,
    st.fixed_dictionaries(
        {
            "i": st.integers(-3, 3),
            "j": st.integers(-1, 2),
            "s": st.sampled_from(["a", "ab", "ä", ""]),
            "t": st.sampled_from(["a", "b", "\n"]),
            "b": st.booleans(),
            "xs": st.lists(st.integers(-2, 2), max_size=3),
            "ms": st.dictionaries(st.sampled_from(["a", "b", "1"]), st.integers(-2, 2)),
        }
    ),
)
def test_conditions_agree(source: str, values: dict[str, Any]) -> None:
    assert _ours(source, values) == _google(source, values)


@pytest.mark.parametrize(
    "source",
    [
        "1 / 0 == 1 || true",
        "true ? false : 1 % 0 == 0",
        "[1, 2, 3].exists(x, x % 0 == 1 || x == 3)",
        "-7 % 4 == -3",
    ],
)
def test_remarkable_conditions_agree(source: str) -> None:
    values: dict[str, Any] = {"i": 1, "j": 1, "s": "", "t": "", "b": True, "xs": [1], "ms": {}}
    assert _ours(source, values) == _google(source, values)
