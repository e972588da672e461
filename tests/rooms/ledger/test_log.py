"""The log of a real journal: every transaction once, in its account's order, however it got in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.ledger import log
from guerdon.ledger.log.growing import EMPTY, log_accounts
from guerdon.ledger.log.signing import rotate
from guerdon.ledger.sql import log as sql
from guerdon.programs.programs import get_live
from guerdon.rules.proofs.merkle import Edge, is_consistent, is_included
from guerdon.rules.proofs.notes import read_checkpoint
from tests.rooms.engine.conftest import MASTER_KEY, NOW, TENANT, World, world

__all__ = ["world"]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def signer(tenant_id: int) -> log.Signer:
    return log.Signer(MASTER_KEY, tenant_id, secrets.token_bytes)


def sequencer(database: Database, clock: Clock | None = None) -> log.Sequencer:
    return log.Sequencer(database, signer, clock or Clock())


def program_of(world: World) -> int:
    with world.database.transaction(TENANT) as tx:
        return get_live(tx, "club").program_id


def settle(one: log.Sequencer, world: World) -> None:
    """Catch up until all is logged: the server's own upkeep may hold the horizon back."""
    for _ in range(1_000):
        one.catch_up()
        if world.rows("select (select count(*) from log_leaves) = (select count(*) from transactions)")[0][0]:
            return
    raise AssertionError("it never caught up")


def busy(world: World, people: int = 5, orders: int = 8) -> None:
    for number in range(people):
        world.enrol(f"p{number}")
    for _ in range(orders):
        world.later(hours=1)
        world.ask(*(world.order("12.50", f"p{number}") for number in range(people)))


def keep_log(world: World) -> None:
    """Log all there is and sign it, each time with a new key."""
    clock = Clock()
    clock.now = world.now
    settle(sequencer(world.database, clock), world)
    program_id = program_of(world)
    with world.database.transaction(TENANT) as tx:
        rotate(tx, signer(TENANT), program_id, "guerdon/test/club", world.now)
        log.sign_head(tx, signer(TENANT), program_id, "guerdon/test/club", world.now)
        head = log.load_head(tx, program_id)
        accounts = tx.execute("select account_id, max(seq) from transactions group by 1").fetchall()
        assert head.size == sum(row[1] for row in accounts)


def check(world: World) -> None:
    """Compare the whole log with the journal, the tree worked out anew."""
    leaves = world.rows("select position, account_id, seq, hash from log_leaves order by position")
    assert [row[0] for row in leaves] == list(range(len(leaves)))
    journal = {row[:2]: row[2] for row in world.rows("select account_id, seq, leaf_hash from transactions")}
    assert {(row[1], row[2]): row[3] for row in leaves} == journal
    seen: dict[int, int] = {}
    for _, account, seq, _ in leaves:
        assert seq == seen.get(account, 0) + 1, "an account's own order"
        seen[account] = seq
    edge = Edge()
    for row in leaves:
        edge.append(row[3])
    with world.database.transaction(TENANT) as tx:
        head = log.load_head(tx, program_of(world))
    assert (head.size, head.root, head.edge) == (edge.size, edge.root, b"".join(edge.hashes))


def test_every_transaction_gets_its_place_once(world: World) -> None:
    one = sequencer(world.database)
    busy(world)
    settle(one, world)
    check(world)
    assert len(world.rows("select 1 from log_leaves")) > 64, "a stored node is among them"
    busy(world, orders=3)
    settle(one, world)
    # Another process begins anew and finds nothing left to do.
    settle(sequencer(world.database), world)
    check(world)


def test_a_journal_that_was_there_before_is_logged_from_its_beginning(world: World) -> None:
    busy(world)
    assert world.rows("select count(*) from log_leaves") == [(0,)]
    with world.database.transaction_as("relay") as tx:
        tx.execute("delete from outbox")
    settle(sequencer(world.database), world)
    check(world)


def test_proofs_hold_for_each_transaction_and_for_each_size(world: World) -> None:
    one = sequencer(world.database)
    program_id = program_of(world)
    roots = {}
    for _ in range(4):
        busy(world, people=3, orders=6)
        settle(one, world)
        with world.database.transaction(TENANT) as tx:
            head = log.load_head(tx, program_id)
            roots[head.size] = head.root
    rows = world.rows("select account_id, seq, leaf_hash, transaction_id from transactions order by 1, 2")
    with world.database.transaction(TENANT) as tx:
        head = log.load_head(tx, program_id)
        assert head.size > 128
        for account, seq, leaf, transaction_id in rows:
            placed = log.find_placed(tx, program_id, transaction_id)
            assert placed is not None
            assert (placed.account_id, placed.seq) == (account, seq)
            path = log.inclusion_paths(tx, program_id, [placed.position], head.size)[0]
            assert is_included(leaf, (placed.position, head.size), path, head.root)
        for old, root in roots.items():
            proof = log.consistency_proof(tx, program_id, old, head.size)
            assert is_consistent((old, root), (head.size, head.root), proof)
            assert log.root_at(tx, program_id, old) == root
        account = rows[0][0]
        places = log.positions_of(tx, program_id, account, head.size)
        assert list(places) == [seq for number, seq, *_ in rows if number == account]


def test_heads_are_signed_once_for_each_size_and_keys_change(world: World) -> None:
    clock = Clock()
    one = sequencer(world.database, clock)
    busy(world, people=2, orders=2)
    settle(one, world)
    assert one.sign_due() == 1
    assert one.sign_due() == 0, "that was a moment ago"
    busy(world, people=2, orders=1)
    settle(one, world)
    clock.now += timedelta(seconds=11)
    assert one.sign_due() == 1
    program_id = program_of(world)
    with world.database.transaction(TENANT) as tx:
        newest, first = log.list_signed(tx, program_id, 1_000, 10)
        keys = log.list_keys(tx, program_id)
        rotate(tx, signer(TENANT), program_id, keys[0].name, clock.now)
        old, new = (key.note_key for key in log.list_keys(tx, program_id))
    assert first.size < newest.size
    assert read_checkpoint(newest.note, [old]).origin == "guerdon/test/club"
    busy(world, people=2, orders=1)
    settle(one, world)
    with world.database.transaction(TENANT) as tx:
        signed = log.sign_head(tx, signer(TENANT), program_id, "guerdon/test/club", clock.now)
        assert log.sign_head(tx, signer(TENANT), program_id, "guerdon/test/club", clock.now) == signed
    assert read_checkpoint(signed.note, [new]).size == signed.size
    with pytest.raises(Exception, match="no signature"):
        read_checkpoint(signed.note, [old])


@pytest.fixture
def logged(world: World) -> World:
    busy(world, people=2, orders=2)
    settle(sequencer(world.database), world)
    return world


def test_the_database_has_no_gap_and_no_two_heads(logged: World) -> None:
    size = logged.rows("select max(size) from log_batches")[0][0]

    def write(position: int, batch: tuple[int, int | None]) -> None:
        digest, program_id = hashlib.sha256(b"").digest(), program_of(logged)
        with logged.database.transaction(TENANT) as tx:
            tx.execute(sql.INSERT_LEAVES, (program_id, [position], [999], [1], [uuid4()], [digest]))
            tx.execute(sql.INSERT_BATCH, (program_id, *batch, digest, digest, NOW))

    with pytest.raises(psycopg.Error, match="all its leaves"):
        write(size, (size + 2, size))
    with pytest.raises(psycopg.Error, match="log_batches_program_id_follows_key"):
        write(size, (size + 1, None))
    with pytest.raises(psycopg.Error, match="log_batches_program_id_follows_fkey"):
        write(size + 1, (size + 2, size + 1))
    with pytest.raises(psycopg.Error, match="log_leaves_pkey"):
        write(size - 1, (size + 1, size))
    for statement in ("update log_leaves set hash = hash", "delete from log_batches", "truncate log_nodes"):
        with pytest.raises(psycopg.Error), logged.database.transaction(TENANT) as tx:
            tx.execute(statement)
    check(logged)


def test_two_at_once_make_one_log(logged: World) -> None:
    busy(logged, people=2, orders=2)
    program_id = program_of(logged)
    accounts = [row[0] for row in logged.rows("select account_id from accounts")]
    with logged.database.transaction(TENANT) as first:
        assert log_accounts(first, program_id, accounts, NOW) > 0
        # The other one has not seen what is not committed, and may not add the same once more.
        second = logged.database.connect()
        try:
            second.execute("set lock_timeout = '200ms'")
            second.execute(f"set guerdon.tenant = {TENANT}".encode())
            with pytest.raises(psycopg.Error):
                log_accounts(second, program_id, accounts, NOW)
        finally:
            second.close()
    check(logged)


def test_a_log_without_leaves_has_an_empty_head(world: World) -> None:
    with world.database.transaction(TENANT) as tx:
        assert log.load_head(tx, program_of(world)) == EMPTY
        assert log.sign_head(tx, signer(TENANT), program_of(world), "guerdon/test/club", NOW).size == 0


def test_without_the_master_key_nothing_is_signed_that_nobody_can_check(world: World) -> None:
    clock = Clock()
    one = sequencer(world.database, clock)
    busy(world, people=2, orders=2)
    settle(one, world)
    program_id, origin = program_of(world), "guerdon/test/club"
    with world.database.transaction(TENANT) as tx:
        rotate(tx, signer(TENANT), program_id, origin, clock.now)
    other = log.Signer(bytes(32), TENANT, secrets.token_bytes)
    lost = log.Sequencer(world.database, lambda _: other, clock)
    settle(lost, world)
    with pytest.raises(Problem, match="under another master key") as caught:
        lost.sign_due()
    assert caught.value.code == "log_key_lost"
    assert world.rows("select count(*) from log_checkpoints") == [(0,)]
    with world.database.transaction(TENANT) as tx:
        made = rotate(tx, other, program_id, origin, clock.now)
    assert lost.sign_due() == 1
    with world.database.transaction(TENANT) as tx:
        signed = log.find_last_signed(tx, program_id)
    assert signed is not None
    assert read_checkpoint(signed.note, [made.note_key]).size == signed.size


def test_whoever_asks_often_does_not_fill_the_table(world: World) -> None:
    clock = Clock()
    one = sequencer(world.database, clock)
    program_id, origin = program_of(world), "guerdon/test/club"
    sizes = set()
    for step in range(12):
        busy(world, people=1, orders=1) if step == 0 else world.ask(world.order("3.00", "p0"))
        settle(one, world)
        clock.now += timedelta(milliseconds=250)
        with world.database.transaction(TENANT) as tx:
            sizes.add(log.sign_on_demand(tx, signer(TENANT), program_id, origin, clock.now).size)
    assert world.rows("select count(*) from log_checkpoints") == [(3,)]
    assert len(sizes) == 3
    # A clock that was set back does not end the signing.
    clock.now -= timedelta(days=2)
    world.ask(world.order("4.00", "p0"))
    settle(one, world)
    with world.database.transaction(TENANT) as tx:
        assert log.sign_on_demand(tx, signer(TENANT), program_id, origin, clock.now).size > max(sizes)
