"""Instant wins in the loop: tickets, prizes, caps, returns, and that all of it can be judged again."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest

from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit
from guerdon.members.crypto import Vault
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
"""
DEFINITION = PROGRAM + DRAWS


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


def seed_of(key: str) -> tuple[bytes, Any]:
    program = compile_program(load_definition(DEFINITION), 1)
    draw = program.draws[key]
    return Vault(MASTER_KEY, TENANT).seed_of(seed_name(program.key, draw)), draw


def tickets(answer: Answer) -> list[dict[str, Any]]:
    return [one["ticket"] for one in answer.effects if "ticket" in one]


def test_each_ticket_comes_to_what_anybody_can_reckon_once_the_seed_is_known(drawing: World) -> None:
    drawing.enrol("anna")
    account = drawing.rows("select account_id from accounts")[0][0]
    answers = drawing.ask(*(drawing.order() for _ in range(12)))
    seed, draw = seed_of("wheel")
    won: Counter[int] = Counter()
    for number, answer in enumerate(answers, 1):
        (ticket,) = tickets(answer)
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
    assert set(won) == {0, 1, 2}, "a seed that shows every case"
    audit(drawing)
