"""A condition in SQL chooses exactly the rows for which Python says that it is true."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb, set_json_loads

from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.rules.expressions import (
    ANY,
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    Environment,
    EvaluationError,
    ExpressionError,
    ListOf,
    MapOf,
    Namespace,
    Record,
    compile_expression,
)
from guerdon.rules.expressions.selecting import SqlColumn, to_sql
from tests.rooms.conftest import superuser

ACCOUNT = Record(
    "account",
    {
        "spend": DECIMAL,
        "visits": INT,
        "kind": STRING,
        "other": STRING,
        "paid": BOOL,
        "joined": TIMESTAMP,
        "left": TIMESTAMP,
        "stayed": DURATION,
        "badges": ListOf(STRING),
        "scores": MapOf(STRING, DECIMAL),
        "data": MapOf(STRING, ANY),
        "attributes": Namespace("attributes", {"shoe": DECIMAL, "colour": STRING, "tags": ListOf(STRING)}),
        "loose": ANY,
    },
)
ENVIRONMENT = Environment({"account": ACCOUNT, "now": TIMESTAMP}, zone="America/New_York")
NOW = datetime(2027, 3, 14, 7, 30, tzinfo=UTC)
COLUMNS = {f"account.{name}": SqlColumn(f'a."{name}"') for name in ACCOUNT.fields} | {
    "now": SqlColumn("%(now)s::timestamptz", {"now": NOW})
}
_CREATE = """
create temporary table people (
    id int, spend numeric, visits bigint, kind text, other text, paid boolean, joined timestamptz,
    "left" timestamptz, stayed interval, badges text[], scores jsonb, data jsonb, attributes jsonb,
    loose jsonb)
"""
ROWS = 120


def _person(chance: random.Random, number: int) -> dict[str, Any]:
    def perhaps(*values: Any) -> Any:
        return None if chance.random() < 0.15 else chance.choice(values)

    def loose() -> Any:
        words: tuple[Any, ...] = (
            "a",
            "B",
            "",
            True,
            False,
            Decimal("1.5"),
            Decimal(2),
            Decimal(0),
            None,
            ["a", Decimal(2)],
            {},
        )
        return chance.choice((*words, {"n": Decimal(2)}, {"n": {"m": "a"}}, {"n": None}))

    texts = ("a", "B", "ab", "é", "", "Zz", "a%b")
    instants = [NOW + timedelta(seconds=chance.randrange(-(10**8), 10**8)) for _ in range(2)]
    return {
        "id": number,
        "spend": perhaps(Decimal("0.10"), Decimal(0), Decimal("-7.25"), Decimal(1000), Decimal("33.333333")),
        "visits": perhaps(0, 1, 2, -3, 2**63 - 1, -(2**63)),
        "kind": perhaps(*texts),
        "other": perhaps(*texts),
        "paid": perhaps(True, False),
        "joined": perhaps(*instants, NOW),
        "left": perhaps(*instants, NOW - timedelta(microseconds=1)),
        "stayed": perhaps(timedelta(0), timedelta(hours=3, microseconds=7), timedelta(seconds=-90)),
        "badges": perhaps([], ["a"], ["B", "ab"]),
        "scores": {name: Decimal(chance.randrange(4)) / 2 for name in "xy" if chance.random() < 0.6},
        "data": {name: loose() for name in "nml" if chance.random() < 0.8},
        "attributes": {
            name: value
            for name, value in (("shoe", Decimal("42.5")), ("colour", "red"), ("tags", ["a"]))
            if chance.random() < 0.7
        },
        "loose": loose(),
    }


PEOPLE = [_person(random.Random(number), number) for number in range(ROWS)]


@pytest.fixture(scope="module")
def people(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """A table of people; the session's own zone is another one on purpose."""
    with superuser(server) as connection:
        set_json_loads(lambda text: text, connection)
        connection.execute("set time zone 'Asia/Kolkata'")
        connection.execute(_CREATE)
        names = list(PEOPLE[0])
        marks = ", ".join(["%s"] * len(names))
        for person in PEOPLE:
            values = [_stored(name, person[name]) for name in names]
            statement = f"insert into people values ({marks})"  # noqa: S608 - marks only
            connection.execute(statement.encode(), values)
        yield connection


def _stored(name: str, value: Any) -> Any:
    if name not in ("scores", "data", "attributes", "loose"):
        return value
    return Jsonb(value, dumps=_json)


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {_json(one)}' for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    if isinstance(value, str):
        return f'"{value}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def chosen(connection: psycopg.Connection, source: str) -> list[int]:
    condition = to_sql(compile_expression(source, ENVIRONMENT, BOOL), COLUMNS)
    query = f"select id from people a where {condition.text} order by id"  # noqa: S608 - this is what is tested
    return [row[0] for row in connection.execute(query.encode(), condition.parameters)]


def expected(source: str) -> list[int]:
    condition, found = compile_expression(source, ENVIRONMENT, BOOL), []
    for person in PEOPLE:
        try:
            if condition.evaluate_alone(SimpleNamespace(account=SimpleNamespace(**person), now=NOW)):
                found.append(person["id"])
        except EvaluationError:
            continue
    return found


_numbers = st.recursive(
    st.sampled_from(
        [
            "account.spend", "account.visits", "account.scores.x", "account.attributes.shoe",
            "1", "0", "3.5", "-2",
            "size(account.kind)", "size(account.badges)", "default(account.spend, 5)",
            "account.stayed.getMinutes()",
            "account.joined.getHours()", "account.data.n * 1", "default(account.scores.y, 0.5)",
        ]
    ),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner),
        st.builds("{}({})".format, st.sampled_from(["floor", "ceil", "round", "abs", "-"]), inner),
        st.builds("round({}, {})".format, inner, st.sampled_from("012")),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("(account.paid ? {} : {})".format, inner, inner),
    ),
    max_leaves=3,
)  # fmt: skip
_texts = st.sampled_from(
    ["account.kind", "account.other", "'a'", "'é'", "''", "(account.kind + 'b')", "account.attributes.colour",
     "account.kind.lowerAscii()", "account.badges[0]", "account.data.n.m", "default(account.kind, 'none')"]
)  # fmt: skip
_instants = st.sampled_from(
    ["account.joined", "account.left", "now", "(now - duration('30d'))", "(account.joined + account.stayed)",
     "timestamp('2027-03-01')", "(account.paid ? now : account.left)"]
)  # fmt: skip
_lengths = st.sampled_from(
    ["(now - account.joined)", "account.stayed", "duration('90s')", "(account.stayed + duration('1h'))"]
)
_signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_fields = st.sampled_from(["account.spend", "account.data.n.m", "account.scores.x"])
_equal = st.sampled_from(["==", "!="])
_free = st.sampled_from(["account.data.n", "account.data.m", "account.loose", "account.data['l'].n"])
_part = st.sampled_from(
    [
        "FullYear",
        "Month",
        "Date",
        "DayOfMonth",
        "DayOfWeek",
        "DayOfYear",
        "Hours",
        "Minutes",
        "Seconds",
        "Milliseconds",
    ]
)
_patterns = st.sampled_from(
    ["^a", "b$", "^[a-z]+$", "^.$", "a|B", "(ab)?$", "[^a]", "a%b", "^\\w*$", "^(?:a|é)b*$", "Z{1,2}", "\\.",
     "^.{2,3}$", "^[A-Za-z%-]+?$", "^\\s*$", "(a|b|)$"]
)  # fmt: skip
_perhaps = st.sampled_from(["kind", "other"])
_facts = st.one_of(
    st.builds("{} {} {}".format, _numbers, _signs, _numbers),
    st.builds("{} {} {}".format, _texts, _signs, _texts),
    st.builds("{} {} {}".format, _instants, _signs, _instants),
    st.builds("{} {} {}".format, _lengths, _signs, _lengths),
    st.builds(
        "{} {} {}".format, _free, _equal, st.one_of(_free, _texts, st.sampled_from(["1.5", "2", "true"]))
    ),
    st.builds("{} in account.badges".format, _texts),
    st.builds("{} in account.attributes.tags".format, _texts),
    st.builds("{} in {}".format, st.sampled_from(["'a'", "'n'", "2", "true"]), _free),
    st.builds("{} in ['a', 'B']".format, _texts),
    st.builds("account.visits in [1, 2, {}]".format, st.sampled_from(["-3", "0"])),
    st.builds("{}.{}({})".format, _texts, st.sampled_from(["startsWith", "endsWith", "contains"]), _texts),
    st.builds(
        "account.joined.get{}() {} {}".format, _part, _signs, st.sampled_from(["0", "3", "14", "2027"])
    ),
    st.builds("account.joined.get{}('Asia/Tokyo') {} 6".format, _part, _signs),
    st.builds("has({})".format, st.one_of(_free, _fields)),
    st.sampled_from(["account.paid", "account.data.m", "account.kind == null"]),
    st.sampled_from(["default(account.paid, true)", "'x' in account.scores"]),
    st.builds("{}.matches(r'{}')".format, _texts, _patterns),
    st.builds("account.?{}.orValue({}) {} {}".format, _perhaps, _texts, _equal, _texts),
    st.builds("account.data.?{}.hasValue()".format, st.sampled_from("nmlz")),
    st.builds("account.data.?{}.orValue(1) {} 2".format, st.sampled_from("nml"), _signs),
    st.builds("account.data.?n.or(account.data.?{}).hasValue()".format, st.sampled_from("ml")),
    st.builds("account.scores.?x.orValue({}) {} 1".format, st.sampled_from(["0.5", "account.spend"]), _signs),
)
_inner = st.sampled_from(
    ["{} == 'a'", "{} in ['a', 'ab']", "{} == account.kind", "account.paid",
     "account.spend / account.visits > 1",
     "{} == 'B' || account.spend > 0.0", "size(account.badges) > 1", "{} in account.badges"]
)  # fmt: skip
_macro = st.sampled_from(["all", "exists", "exists_one"])
_loops = st.one_of(
    st.builds(
        "account.{}.{}(b, {})".format,
        st.sampled_from(["badges", "attributes.tags", "scores", "data", "loose", "data.l"]),
        _macro,
        _inner.map(lambda text: text.format("b")),
    ),
    st.builds("account.badges.{}(i, b, i > 0 && b != 'a')".format, _macro),
    st.builds("account.scores.{}(k, v, k == 'x' || v > account.spend)".format, _macro),
    st.builds("account.data.l.{}(b, b == 2 || b == 'a')".format, _macro),
    st.builds("account.badges.{}(b, account.badges.exists(c, c != b && {}))".format, _macro, _facts),
    st.builds("size(account.badges.filter(b, {})) > 0".format, _inner.map(lambda text: text.format("b"))),
    st.builds("cel.bind(n, {}, n > 1 || n == account.spend)".format, _numbers),
)
_conditions = st.recursive(
    st.one_of(_facts, _facts, _loops).map("({})".format),
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!{}".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=400)
@given(_conditions)
def test_sql_and_python_choose_the_same_people(people: psycopg.Connection, source: str) -> None:
    try:
        found = chosen(people, source)
    except ExpressionError as error:
        assert error.code == "not_in_sql"  # noqa: PT017 - most conditions are said in SQL, which the next test counts
        return
    assert found == expected(source)


@pytest.mark.parametrize(
    "source",
    [
        "account.spend / account.visits > 1 / 3",
        "account.spend / account.visits * account.visits == account.spend",
        "!(account.spend / 0 > 1) || account.paid",
        "account.visits + 1 > 0",
        "account.kind < 'a'",
        "account.kind.contains('%')",
        "!has(account.data.n.m)",
        "default(account.data.n.m, 'none') == 'none'",
        "account.data.n != 'a'",
        "account.joined + duration('1d') > now",
        "account.joined.getDayOfWeek() == 0 && account.joined.getHours() < 12",
        "round(account.spend / 7, 2) == 4.76",
        "min(account.spend, account.scores.x) < 1",
        "account.attributes.colour == 'red' && 'a' in account.attributes.tags",
        "2 in account.loose",
        "account.badges.exists(b, b == 'ab')",
        "account.badges.all(b, b == account.kind || b == 'a')",
        "account.badges.exists_one(b, b < 'a')",
        "account.badges.exists(i, b, i == 1 && b == 'ab')",
        "size(account.badges.filter(b, b != 'B')) == 1",
        "account.scores.exists(k, k == 'y')",
        "account.scores.all(k, v, v >= 1)",
        "account.data.l.exists(x, x == 2)",
        "account.loose.exists(k, k == 'n')",
        "account.attributes.tags.all(t, t == 'a')",
        "account.kind.matches('^[a-z]+$')",
        "account.kind.matches('^.$')",
        "account.data.?n.orValue('none') == 'none'",
        "account.data.?n.hasValue() && !account.data.?m.hasValue()",
        "account.?kind.orValue('a') == 'a'",
        "cel.bind(s, account.spend * 2, s > 1 && s < 2000)",
    ],
)
def test_remarkable_conditions(people: psycopg.Connection, source: str) -> None:
    found = chosen(people, source)
    assert found == expected(source)
    assert 0 < len(found) < ROWS


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("size(account.badges.map(b, b + 'a')) > 1", 21),
        ("account.paid && account.kind.matches('(?i)a+')", 30),
        ("account.kind.matches('a{300}')", 14),
        ("account.kind.matches(account.other)", 14),
        ("account.data.l.exists(i, x, x == 2)", 16),
        ("optional.ofNonZeroValue(account.kind).hasValue()", 10),
        ("account.kind.lower() == 'a'", 14),
        ("account.data.n < account.data.m", 16),
        ("account.spend * account.spend * account.spend > 1", 31),
    ],
)
def test_what_sql_cannot_say_is_refused_with_its_place(source: str, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        to_sql(compile_expression(source, ENVIRONMENT, BOOL), COLUMNS)
    assert (caught.value.code, caught.value.line, caught.value.column) == ("not_in_sql", 1, column)


def test_what_is_not_stored_is_refused() -> None:
    condition = compile_expression("account.spend > 1", ENVIRONMENT, BOOL)
    with pytest.raises(ExpressionError) as caught:
        to_sql(condition, {})
    assert caught.value.code == "not_in_sql"


def test_texts_of_people_never_become_sql() -> None:
    hostile = "x'); drop table people; --"
    condition = to_sql(compile_expression(f'account.kind == "{hostile}"', ENVIRONMENT, BOOL), COLUMNS)
    assert "drop" not in condition.text
    assert hostile in condition.parameters.values()
