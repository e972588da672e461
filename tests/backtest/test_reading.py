"""Reading one event: every wrong place has a code and a pointer, and nothing exact is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.program import Program
from guerdon.rules.reading import body_hash, clock_of, instant_of, read_event, subject_key

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "shop",
    "type": "item.recycled",
    "time": "2026-11-20T10:00:00Z",
    "subject": "anna",
    "data": {"grams": 5},
}
LINE = {"id": "1", "quantity": 2, "price": "79.90"}
DEFINITION = """
program: club
currency: USD
timezone: Asia/Dhaka
wallets: {points: {}}
events:
  item.recycled:
    data: {grams: int, weight: decimal, note: string, fine: bool, on: date, at: timestamp, took: duration,
           tags: list(string), kind: {type: string, values: [glass, tin]}, free: any}
"""


@pytest.fixture(scope="module")
def program() -> Program:
    return compile_program(load_definition(DEFINITION), 1)


def order(**line: Any) -> dict[str, Any]:
    return {**EVENT, "type": "order.paid", "data": {"id": "A", "lines": [{**LINE, **line}]}}


def priced(currency: str) -> dict[str, Any]:
    return {**order(), "data": {"id": "A", "lines": [], "currency": currency}}


def without(event: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != name}


def refusal(program: Program, sent: Any) -> tuple[str, str]:
    raw = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    with pytest.raises(Problem) as caught:
        read_event(raw, program, NOW)
    return caught.value.code, caught.value.faults[0].pointer if caught.value.faults else ""


@pytest.mark.parametrize(
    ("sent", "code", "pointer"),
    [
        (b"", "invalid_json", ""),
        (b"nul", "invalid_json", ""),
        (b'{"id": NaN}', "invalid_json", ""),
        (b'{"id": "\xff"}', "invalid_utf8", ""),
        (b"[]", "wrong_type", ""),
        ({**EVENT, "subjct": "x"}, "unknown_field", "/subjct"),
        (without(EVENT, "time"), "missing_field", "/time"),
        (without(EVENT, "subject"), "subject_missing", "/subject"),
        ({**EVENT, "specversion": "0.3"}, "specversion_unsupported", "/specversion"),
        ({**EVENT, "datacontenttype": "text/xml"}, "content_type_unsupported", "/datacontenttype"),
        ({**EVENT, "id": ""}, "text_length", "/id"),
        ({**EVENT, "source": "s" * 201}, "text_length", "/source"),
        ({**EVENT, "id": "a\0b"}, "nul_character", ""),
        ({**EVENT, "id": 5}, "wrong_type", "/id"),
        ({**EVENT, "time": "yesterday"}, "time_invalid", "/time"),
        ({**EVENT, "time": "2026-11-20T10:00:00"}, "time_without_offset", "/time"),
        ({**EVENT, "time": "9999-12-31T23:59:59-10:00"}, "time_out_of_range", "/time"),
        ({**EVENT, "time": "1969-12-31T23:59:59Z"}, "time_out_of_range", "/time"),
        ({**EVENT, "time": "2026-11-22T12:00:01Z"}, "time_in_future", "/time"),
        ({**EVENT, "type": "guerdon.tick"}, "reserved_type", "/type"),
        ({**EVENT, "type": "tier.reached"}, "reserved_type", "/type"),
        ({**EVENT, "type": "order.returned"}, "unknown_field", "/data/grams"),
        ({**EVENT, "type": "Item Recycled"}, "event_type_invalid", "/type"),
        ({**EVENT, "data": {"grams": "1.5"}}, "wrong_type", "/data/grams"),
        ({**EVENT, "data": {"grams": True}}, "wrong_type", "/data/grams"),
        ({**EVENT, "data": {"weight": "heavy"}}, "wrong_type", "/data/weight"),
        ({**EVENT, "data": {"weight": "1e99"}}, "too_many_digits", "/data/weight"),
        ({**EVENT, "data": {"note": 5}}, "wrong_type", "/data/note"),
        ({**EVENT, "data": {"fine": "yes"}}, "wrong_type", "/data/fine"),
        ({**EVENT, "data": {"on": "2026-02-30"}}, "wrong_type", "/data/on"),
        ({**EVENT, "data": {"at": "2026-02-03T10:00:00"}}, "wrong_type", "/data/at"),
        ({**EVENT, "data": {"took": "long"}}, "wrong_type", "/data/took"),
        ({**EVENT, "data": {"tags": ["a", 5]}}, "wrong_type", "/data/tags/1"),
        ({**EVENT, "data": {"kind": "wood"}}, "value_unknown", "/data/kind"),
        ({**EVENT, "data": []}, "wrong_type", "/data"),
        (without(order(), "data"), "missing_field", "/data"),
        ({**order(), "data": {"id": "A"}}, "missing_field", "/data/lines"),
        ({**order(), "data": {"id": "", "lines": []}}, "order_id_invalid", "/data/id"),
        (priced("XYZ"), "unknown_currency", "/data/currency"),
        (priced("EUR"), "currency_mismatch", "/data/currency"),
        (order(quantity=-1), "negative_quantity", "/data/lines/0/quantity"),
        (order(price="NaN"), "not_a_number", "/data/lines/0/price"),
        (order(price="dear"), "decimal_invalid", "/data/lines/0/price"),
        (order(price="1.0000001"), "too_many_digits", "/data/lines/0/price"),
        (order(subtotal="1.001"), "too_many_digits", "/data/lines/0/subtotal"),
        (order(colour="red"), "unknown_field", "/data/lines/0/colour"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(program: Program, sent: Any, code: str, pointer: str) -> None:
    assert refusal(program, sent) == (code, pointer)


@pytest.mark.parametrize("event_type", ["order.paid", "item.recycled"])
def test_five_thousand_brackets(program: Program, event_type: str) -> None:
    head = json.dumps({**without(EVENT, "data"), "type": event_type})[:-1].encode()
    for depth in (b"[" * 5000 + b"]" * 5000, b'{"a":' * 5000 + b"1" + b"}" * 5000):
        assert refusal(program, head + b', "data": ' + depth + b"}")[0] == "nesting_too_deep"


def test_invalid_utf8_inside_the_data(program: Program) -> None:
    raw = json.dumps(EVENT).encode().replace(b'{"grams": 5}', b'{"note": "\xff"}')
    assert refusal(program, raw) == ("invalid_utf8", "/data")


def test_a_backslash_before_u0000_is_a_text(program: Program) -> None:
    sent, _ = read_event(json.dumps({**EVENT, "id": "\\u0000"}).encode(), program, NOW)
    assert sent.id == "\\u0000"


def test_a_near_name_is_offered(program: Program) -> None:
    with pytest.raises(Problem, match="did you mean `subject`"):
        read_event(json.dumps({**EVENT, "subjct": "x"}).encode(), program, NOW)


def test_declared_data_is_exact_and_typed(program: Program) -> None:
    data = {
        "grams": "12", "weight": 0.1, "fine": False, "on": "2026-02-03", "at": "2026-02-03T10:00:00+06:00",
        "took": "1h30m", "tags": ["a", "b"], "kind": "tin", "free": {"x": [1]}, "undeclared": 1,
    }  # fmt: skip
    _, event = read_event(json.dumps({**EVENT, "data": data}).encode(), program, NOW)
    assert event.data["grams"] == 12
    assert event.data["weight"] == Decimal("0.1")
    assert event.data["at"] == datetime(2026, 2, 3, 4, tzinfo=UTC)
    assert event.data["took"].total_seconds() == 5400
    assert event.data["tags"] == ("a", "b")
    assert event.data["fine"] is False
    assert "undeclared" not in event.data


def test_an_order_is_read_to_the_cent_whether_text_or_number(program: Program) -> None:
    _, text = read_event(json.dumps(order(price="0.29", quantity=100)).encode(), program, NOW)
    _, number = read_event(json.dumps(order(price=0.29, quantity="100")).encode(), program, NOW)
    assert text.order is not None
    assert text.order == number.order
    assert text.order.net_minor == 2900


def test_a_guest_may_order(program: Program) -> None:
    sent, event = read_event(json.dumps(without(order(), "subject")).encode(), program, NOW)
    assert sent.subject is None
    assert event.order is not None


def test_channel_and_store_come_from_the_order_first(program: Program) -> None:
    sent = {**order(), "channel": "web", "store": "1"}
    sent["data"]["channel"] = "pos"
    _, event = read_event(json.dumps(sent).encode(), program, NOW)
    assert (event.channel, event.store) == ("pos", "1")


def test_history_is_booked_at_its_own_time(program: Program) -> None:
    raw = json.dumps({**EVENT, "time": "2026-11-20T16:00:00+06:00"}).encode()
    _, event = read_event(raw, program, None)
    assert event.booked_at == event.occurred_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert read_event(raw, program, NOW)[1].booked_at == NOW


def test_bodies_that_say_the_same_have_one_hash(program: Program) -> None:
    def digest(sent: dict[str, Any], **how: Any) -> bytes:
        return body_hash(read_event(json.dumps(sent, **how).encode(), program, NOW)[0])

    first = digest(order())
    assert digest(order(), indent=2, sort_keys=True) == first
    assert digest({**order(), "time": "2026-11-20T16:00:00+06:00"}) == first
    assert digest(order(price=79.90)) != digest(order(price="79.91"))
    assert digest({**order(), "subject": "berta"}) != first
    assert digest({**EVENT, "data": {"a": 1, "b": 2}}) == digest({**EVENT, "data": {"b": 2, "a": 1}})


def test_a_clock_reads_the_time_alone() -> None:
    raw = b'{"time": "2017-01-01T11:53:26.25Z", "id": [], "x": {}}'
    assert instant_of(clock_of(raw) or 0) == datetime(2017, 1, 1, 11, 53, 26, 250_000, tzinfo=UTC)
    for broken in (
        b"",
        b"{}",
        b'{"time": 5}',
        b'{"time": "2017-01-01T11:53:26"}',
        b'{"time":"0001-01-01T00:00:00Z"}',
    ):
        assert clock_of(broken) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("4711", "external:4711"),
        ("external:4711", "external:4711"),
        ("email:a@b.c", "email:a@b.c"),
        ("urn:x", "external:urn:x"),
        ("mem_01h8xj3q0abcd", "mem_01h8xj3q0abcd"),
    ],
)
def test_a_bare_subject_is_an_external_id(said: str, meant: str) -> None:
    assert subject_key(said) == meant
