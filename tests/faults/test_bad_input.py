"""Bad input at the engine's door: a precise code, nothing of it stored, the neighbours unharmed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.door import Door, code_of

PEOPLE = 8
LINE = "/data/lines/0"


def _line(**more: Any) -> dict[str, Any]:
    return {"data": {"id": "bad", "lines": [{"id": "1", "quantity": "1", "price": "3.00", **more}]}}


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("year 9999", {"time": "9999-12-31T23:59:59-05:00"}, "time_out_of_range", "/time"),
    ("a day ahead", {"time": "2026-11-23T12:00:00Z"}, "time_in_future", "/time"),
    ("no offset", {"time": "2026-11-21T12:00:00"}, "time_without_offset", "/time"),
    ("not a number", _line(price="NaN"), "not_a_number", f"{LINE}/price"),
    ("infinite", _line(price="Infinity"), "not_a_number", f"{LINE}/price"),
    ("negative quantity", _line(quantity="-1"), "negative_quantity", f"{LINE}/quantity"),
    ("digits of a price", _line(price="1.0000001"), "too_many_digits", f"{LINE}/price"),
    ("digits of a quantity", _line(quantity="0.0000001"), "too_many_digits", f"{LINE}/quantity"),
    ("digits of a subtotal", _line(subtotal="1.001"), "too_many_digits", f"{LINE}/subtotal"),
    ("too much money", _line(price="9" * 30), "amount_too_large", f"{LINE}/price"),
    ("too much in all", _line(price="9" * 12, quantity="9" * 12), "amount_too_large", LINE),
    ("unknown member", {"subject": "nobody"}, "member_not_found", "/subject"),
    (
        "unknown currency",
        {"data": {"id": "bad", "currency": "QQQ", "lines": []}},
        "unknown_currency",
        "/data/currency",
    ),
    (
        "other currency",
        {"data": {"id": "bad", "currency": "EUR", "lines": []}},
        "currency_mismatch",
        "/data/currency",
    ),
    ("unknown field", {"surprise": 1}, "unknown_field", "/surprise"),
    ("unknown field of a line", _line(pirce="1"), "unknown_field", f"{LINE}/pirce"),
]


@pytest.mark.parametrize(("fields", "code", "pointer"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_one_bad_event_in_a_batch(door: Door, fields: dict[str, Any], code: str, pointer: str) -> None:
    door.enrol(PEOPLE)
    commands = [door.event("order.paid", f"m{place % PEOPLE}") for place in range(63)]
    commands.insert(31, door.event("order.paid", "m0", id="bad", **fields))
    answers = door.ask(*commands)
    problem = answers[31].problem
    assert problem is not None
    assert problem.code == code
    assert [fault["pointer"] for fault in problem.errors] == [pointer]
    assert answers[31].id == "bad"
    _harmless(door, answers, 31)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"id": "bad", "source": "\xff\xfe"}', "invalid_utf8"),
        (b"[" * 5_000, "wrong_type"),
        (b'{"id": "bad", "data": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nesting_too_deep"),
        (json.dumps({"id": "bad", "source": float("nan")}).encode(), "invalid_json"),
        (b"", "invalid_json"),
    ],
    ids=["invalid UTF-8", "5,000 brackets", "5,000 brackets inside", "NaN", "nothing"],
)
def test_bytes_that_are_no_event(door: Door, raw: bytes, code: str) -> None:
    door.enrol(PEOPLE)
    commands = [door.event("order.paid", f"m{place % PEOPLE}") for place in range(63)]
    commands.insert(31, door.raw(raw))
    answers = door.ask(*commands)
    assert code_of(answers[31]) == code
    _harmless(door, answers, 31)


def test_an_event_id_with_another_body(door: Door) -> None:
    door.enrol(PEOPLE)
    first = door.sent("order.paid", "m0", id="taken")
    other = {**first, "data": {**first["data"], "lines": []}}
    door.ask(door.raw(json.dumps(first).encode()))
    commands = [door.event("order.paid", f"m{place % PEOPLE}") for place in range(62)]
    commands.insert(31, door.raw(json.dumps(other).encode()))
    answers = door.ask(*commands)
    assert code_of(answers[31]) == "event_id_reused"
    assert [one.status for one in answers].count("applied") == 62
    assert door.one("select count(*) from events where id = 'taken'") == 1
    assert door.one("select sum(available)::bigint from wallets") == 63 * 3
    door.verify()


def test_unknown_program_wallet_and_account(door: Door) -> None:
    account = door.enrol(1)[0]
    command = door.event()
    elsewhere = type(command)(**{**door.base, "program": "none"}, raw=command.raw)
    assert code_of(door.ask(elsewhere)[0]) == "program_not_found"
    assert code_of(door.ask(door.adjust(account, 1, "gold"))[0]) == "unknown_wallet"
    assert code_of(door.ask(door.adjust(1, 1))[0]) == "account_not_found"
    assert door.one("select count(*) from transactions") == 0


@pytest.mark.parametrize("place", [0, 128, 255])
def test_an_overflow_in_a_batch_of_256(door: Door, place: int) -> None:
    """The wallet can hold one such award, not two: the second gives nothing or is refused, and says why."""
    door.enrol(PEOPLE)
    assert door.ask(door.event("huge.award", "m3"))[0].balances["points"].available == "9000000000000000000"
    commands = [door.event("order.paid", f"m{number % PEOPLE}") for number in range(255)]
    commands.insert(place, door.event("huge.award", "m3", id="second"))
    answers = door.ask(*commands)
    assert {one.status for spot, one in enumerate(answers) if spot != place} == {"applied"}
    assert answers[place].effects == []
    told = [code_of(answers[place]), *(skip["reason"] for skip in answers[place].skipped)]
    assert "amount_too_large" in told
    assert door.one("select sum(available)::numeric from wallets") == 9_000_000_000_000_000_000 + 255 * 3
    door.verify()


def test_an_adjustment_beyond_what_a_wallet_holds(door: Door) -> None:
    account = door.enrol(1, points=10)[0]
    answers = door.ask(door.adjust(account, 2**63 - 1), door.adjust(account, 5))
    assert code_of(answers[0]) == "balance_too_large"
    assert answers[1].balances["points"].available == "15"
    door.verify()


def _harmless(door: Door, answers: list[Any], bad: int) -> None:
    """Everybody else was applied, and nothing of the bad one is there."""
    assert {one.status for place, one in enumerate(answers) if place != bad} == {"applied"}
    assert door.one("select count(*) from events where source = 'shop'") == 63
    assert door.one("select count(*) from event_keys") == 63
    assert door.one("select count(*) from events where id = 'bad' or order_id = 'bad'") == 0
    assert door.one("select count(*) from accounts") == PEOPLE
    assert door.one("select count(*) from quarantine") == 0
    assert door.one("select sum(available)::bigint from wallets") == 63 * 3
    door.verify()
