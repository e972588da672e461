"""Statements: newest first, page by page, with entries that sum to zero."""

from __future__ import annotations

from guerdon.ledger.leaf import Leaf, commitment_of, leaf_bytes, leaf_hash
from guerdon.ledger.statements import list_transactions
from guerdon.ledger.wallets import load_wallets
from guerdon.rules.compiling import compile_program
from guerdon.rules.decision import Entry
from guerdon.rules.definition import load_definition
from tests.rooms.engine.conftest import NOW, PROGRAM, TENANT, World, world

__all__ = ["world"]


def test_pages_of_a_statement(world: World) -> None:
    world.enrol("anna")
    for number in range(4):
        world.ask(world.order(f"{number + 1}.00"))
    account_id = world.rows("select account_id from accounts")[0][0]
    with world.database.transaction(TENANT) as tx:
        first = list_transactions(tx, account_id, 5)
        rest = list_transactions(tx, account_id, 50, first[-1].seq)
    assert [one.seq for one in first + rest] == list(range(9, 0, -1))
    for one in first + rest:
        assert sum(entry.amount for entry in one.entries) == 0
        assert {entry.book for entry in one.entries} == {"member", "issued"}
    assert rest[-1].entries[0].source == "welcome"


def test_reading_settles_what_no_tick_has_booked(world: World) -> None:
    world.enrol("anna")
    world.ask(world.order("10.00"))
    account_id = world.rows("select account_id from accounts")[0][0]
    world.later(days=20)
    program = compile_program(load_definition(PROGRAM), 1)
    with world.database.transaction(TENANT) as tx:
        soon = load_wallets(tx, [account_id], world.now, program)[account_id]
        world.later(days=500)
        much_later = load_wallets(tx, [account_id], world.now, program)[account_id]
    assert (soon["later"].available, soon["later"].pending) == (25, 0)
    assert soon["points"].available == 110
    assert much_later["points"].available == 0
    assert much_later["later"].available == 25


def test_a_leaf_is_written_down_in_one_way() -> None:
    entries = (Entry("member", 5, NOW, None, "base"), Entry("issued", -5, source="base"))
    leaf = Leaf(1, "award", "points", NOW, NOW, entries)
    commitment = commitment_of(b"salt", 7)
    micros = 1795262400000000
    assert leaf_bytes(commitment, leaf) == (
        b'["guerdon.leaf.v1","%s",1,"award","points",%d,%d,'
        b'[["member",5,%d,null,"base"],["issued",-5,null,null,"base"]]]'
        % (commitment.hex().encode(), micros, micros, micros)
    )
    assert leaf_hash(commitment, leaf) != leaf_hash(commitment_of(b"salt", 8), leaf)
