"""Instant wins in the loop: tickets, prizes, caps, returns, and that all of it can be judged again."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit
from guerdon.engine.commands import PreviewCart
from guerdon.engine.ticks import run_due
from guerdon.members.crypto import Vault
from guerdon.members.identities import normal_ref
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.play.draws import Ticket, lot_of, prize_of
from guerdon.rules.tickets import seed_name
from tests.rooms.engine.conftest import MASTER_KEY, NOW, PROGRAM, TENANT, World, make_ids

DRAWS = """
draws:
  wheel:
    trigger: order.paid
    when: order.net >= 10
    ends: 2026-12-31
    prizes:
      - {odds: 1 in 4, winners: 3, prize: [{award: {wallet: points, amount: "500"}}]}
      - {odds: 1 in 2, prize: [{grant: voucher}]}
  daily:
    trigger: item.recycled
    limits: {per_account: 1, per: day}
    prizes: [{odds: 1 in 1, prize: [{award: {wallet: points, amount: "1"}}]}]
  summer:
    kind: raffle
    trigger: order.paid
    drawn_at: 2026-11-30T18:00
    prizes:
      - {winners: 1, prize: [{award: {wallet: points, amount: "9000"}}]}
      - {winners: 2, prize: [{grant: voucher}]}
"""
DEFINITION = PROGRAM + DRAWS
MANY = 70
"""So many tickets show every case but once in 500 million runs: accounts have other numbers each time."""


@pytest.fixture
def drawing(world: World) -> World:
    with world.database.transaction(TENANT) as tx:
        new = NewDefinition(load_definition(DEFINITION), DEFINITION, "test", NOW)
        apply_definition(tx, new, make_ids())
    return world


def audit(world: World) -> None:
    with world.database.transaction(TENANT) as tx:
        tx.execute("set transaction isolation level repeatable read, read only")
        found = list(Audit(tx, Vault(MASTER_KEY, TENANT), now=world.now).run())
    assert not found, "\n".join(one.detail for one in found)


COUNTED = "select used from account_counters where counter like 'draw/summer%'"


def seed_of(key: str) -> tuple[bytes, Any]:
    program = compile_program(load_definition(DEFINITION), 1)
    draw = program.draws[key]
    return Vault(MASTER_KEY, TENANT).seed_of(seed_name(program.key, draw)), draw


def tickets(answer: Answer) -> list[dict[str, Any]]:
    return [one["ticket"] for one in answer.effects if "ticket" in one]


def test_each_ticket_comes_to_what_anybody_can_reckon_once_the_seed_is_known(drawing: World) -> None:
    drawing.enrol("anna")
    account = drawing.rows("select account_id from accounts")[0][0]
    answers = drawing.ask(*(drawing.order() for _ in range(MANY)))
    seed, draw = seed_of("wheel")
    won: Counter[int] = Counter()
    for number, answer in enumerate(answers, 1):
        ticket = next(one for one in tickets(answer) if one["draw"] == "wheel")
        name = Ticket(draw.identity, number_text("acc", account), number)
        prize = prize_of((Fraction(1, 4), Fraction(1, 2)), lot_of(seed, name.text))
        assert ticket == {"draw": "wheel", "number": number} | ({"prize": prize} if prize else {})
        given = {key for one in answer.effects for key in one if one["campaign"].startswith("draw:wheel:")}
        has_room = prize != 1 or won[1] < 3
        won[prize] += 1
        assert (f"draw:wheel:{prize}" in {one["campaign"] for one in answer.effects}) == (
            bool(prize) and has_room
        )
        assert ("grant" in given) == (prize == 2)
    assert set(won) == {0, 1, 2}
    audit(drawing)


def test_a_look_ahead_tells_nobody_what_will_be_won(drawing: World) -> None:
    drawing.enrol("anna")
    lines = [{"id": "1", "sku": "A", "quantity": 1, "price": "12.50"}]
    for number in range(6):
        cart = {"id": f"o{number}", "currency": "USD", "lines": lines}
        (quote,) = drawing.ask(
            PreviewCart(
                tenant_id=TENANT,
                program="club",
                received_at=drawing.now,
                cart=json.dumps(cart).encode(),
                member=normal_ref("external", "anna"),
                source="shop",
            )
        )
        assert tickets(quote) == []
        skipped = {one["campaign"]: one["reason"] for one in quote.skipped}
        assert skipped["draw:wheel"] == "drawn_when_paid"
        drawing.ask(drawing.order())


def test_what_was_drawn_is_not_drawn_anew_when_an_order_comes_back(drawing: World) -> None:
    drawing.enrol("anna")
    orders = [drawing.order(order=f"o{number}") for number in range(MANY)]
    first = [one for answer in drawing.ask(*orders) for one in tickets(answer) if one["draw"] == "wheel"]
    winning = next(place for place, one in enumerate(first) if one.get("prize") == 1)
    before = drawing.rows("select used from account_counters where counter like 'draw/wheel%'")
    back = {"order": f"o{winning}", "id": "r1", "all": True}
    (answer,) = drawing.ask(drawing.event("order.returned", data=back))
    assert answer.problem is None
    taken = answer.returned["units"]["points"]["taken"]
    assert int(taken) >= 500, "the prize goes with the order that brought it"
    assert drawing.rows("select used from account_counters where counter like 'draw/wheel%'") == before
    again = [
        one for answer in drawing.ask(drawing.order()) for one in tickets(answer) if one["draw"] == "wheel"
    ]
    assert [one["number"] for one in again] == [MANY + 1]
    audit(drawing)


def test_what_is_told_after_the_end_has_no_ticket(drawing: World) -> None:
    drawing.enrol("anna")
    drawing.now = datetime(2026, 12, 31, 12, tzinfo=UTC)
    late = drawing.order()
    drawing.now = datetime(2027, 1, 1, 5, 1, tzinfo=UTC)
    (answer,) = drawing.ask(msgspec.structs.replace(late, received_at=drawing.now))
    assert tickets(answer) == []
    assert {one["reason"] for one in answer.skipped if one["campaign"] == "draw:wheel"} == {"draw_over"}


def test_a_limit_of_tickets_is_the_draw_s_own(drawing: World) -> None:
    drawing.enrol("anna")
    said = [drawing.event("item.recycled", data={"sku": "A", "grams": 1}) for _ in range(3)]
    answers = drawing.ask(*said)
    assert [len(tickets(answer)) for answer in answers] == [1, 0, 0]
    drawing.later(days=1)
    (answer,) = drawing.ask(drawing.event("item.recycled", data={"sku": "A", "grams": 1}))
    assert tickets(answer) == [{"draw": "daily", "number": 2, "prize": 1}]


def test_a_raffle_is_drawn_once_and_its_winners_get_their_prizes_once(drawing: World) -> None:
    people = ["anna", "ben", "cara", "dan", "eve"]
    for one in people:
        drawing.enrol(one)
    drawing.ask(*(drawing.order(subject=one, order=f"{one}{n}") for one in people for n in range(3)))
    drawing.ask(drawing.event("order.returned", "eve", data={"order": "eve0", "id": "r", "all": True}))
    assert sum(row[0] for row in drawing.rows(COUNTED)) == 14, "what came back has no ticket any more"
    drawing.now = datetime(2026, 11, 30, 23, 6, tzinfo=UTC)
    run_due(drawing.database, drawing.loop, drawing.now)
    won = drawing.rows("select account_id, prize, ticket, told from raffle_tickets where prize is not null")
    assert sorted(row[1] for row in won) == [1, 2, 2]
    assert all(row[3] for row in won)
    assert drawing.rows("select accounts, tickets from raffles") == [(5, 14)]
    counted = "select count(*) from events where source = 'guerdon:draws'"
    assert drawing.rows(counted) == [(3,)]
    first = next(row[0] for row in won if row[1] == 1)
    booked = "select account_id from entries where book = 'member' and amount = 9000"
    assert drawing.rows(booked) == [(first,)]
    run_due(drawing.database, drawing.loop, drawing.now)
    assert drawing.rows(counted) == [(3,)]
    audit(drawing)
    check_tampering(drawing)


class _UndoneError(Exception):
    """Nothing of what was changed stays."""


def check_tampering(world: World) -> None:
    """Whatever is changed of a raffle is found by drawing it again."""
    damages = {
        "update raffles set tickets = tickets + 1, accounts = accounts": "raffle_tickets",
        "update raffles set accounts = accounts - 1": "raffle_tickets",
        "update raffles set tickets_hash = repeat('0', 64)": "raffle_tickets",
        "update raffles set draw = 'another'": "raffle_version",
        "update raffles set version = 1": "raffle_version",
        "update raffle_tickets set tickets = tickets + 1 where prize is null": "raffle_tickets",
        "update raffle_tickets set prize = 3 - prize where prize is not null": "raffle_winner",
        "update raffle_tickets set ticket = ticket % tickets + 1 where prize = 1": "raffle_winner",
        "update raffle_tickets set prize = null, ticket = null, told = false": "raffle_winner",
        "update raffle_tickets set identity = 'another' where prize is null": "raffle_missing",
        "update raffles set identity = 'another'": "raffle_missing",
        "update raffle_tickets set account_id = account_id + 1 where prize = 1": "raffle_tickets",
    }
    for statement, code in damages.items():
        found: set[str] = set()
        with suppress(_UndoneError), world.database.transaction(TENANT) as tx:
            assert tx.execute(statement).rowcount > 0
            found |= {one.code for one in Audit(tx, Vault(MASTER_KEY, TENANT), now=world.now).run()}
            raise _UndoneError
        assert code in found, (statement, found)
