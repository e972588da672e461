"""Months that moved into files: everything that read old rows says what it said before, and verify holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from guerdon.base.findings import Finding
from guerdon.engine.audit import Audit, Counts
from guerdon.engine.commands import AdjustBalance
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.tx import set_tenant
from guerdon.ledger import log
from guerdon.ledger.archives import (
    ROWS_AT_ONCE,
    closed_months,
    compare_archive,
    file_hash,
    list_recorded,
    move_some,
    next_accounts,
    note_moved,
    record_archive,
    write_archive,
)
from guerdon.ledger.audit import verify
from guerdon.ledger.lives import load_lives
from guerdon.ledger.log.audit import check_logs
from guerdon.ledger.statements import list_transactions, load_balances, load_spent, load_turnover
from guerdon.members.crypto import Vault
from tests.rooms.audit.conftest import PROGRAM, Life
from tests.rooms.conftest import create_database, drop_database
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids, prepare
from tests.rooms.ledger.test_log import Clock, program_of, sequencer, signer

pytestmark = pytest.mark.xdist_group("moving")
ORIGIN = "guerdon/test/club"


def owned(world: World) -> Any:
    """A transaction of the owner's, who alone may move."""
    return world.database.transaction_as("owner")


def signed_of(world: World) -> log.Signed:
    clock = Clock()
    clock.now = world.now
    one = sequencer(world.database, clock)
    whole = """select (select count(*) from log_leaves) = (select count(*) from transactions)
        + coalesce((select sum(through_seq) from moved_accounts), 0)"""
    for _ in range(1_000):
        one.catch_up()
        if world.rows(whole)[0][0]:
            break
    with world.database.transaction(TENANT) as tx:
        return log.sign_head(tx, signer(TENANT), program_of(world), ORIGIN, world.now)


def archive(world: World, folder: Path) -> int:
    """Write, check and record every month that is over."""
    folder.mkdir(parents=True, exist_ok=True)
    signed, program_id = signed_of(world), program_of(world)
    with world.database.transaction(TENANT) as tx:
        done = {one.name for one in list_recorded(tx, program_id)}
        months = [one for one in closed_months(tx, program_id, world.now) if one.name not in done]
        for month in months:
            path = write_archive(tx, (program_id, ORIGIN), signed, month, folder).path
            assert compare_archive(tx, program_id, path) == month.transactions
            with owned(world) as owner:
                set_tenant(owner, TENANT)
                record_archive(owner, program_id, month, (path, file_hash(path)), world.now)
    return sum(month.transactions for month in months)


def move_all(world: World) -> int:
    program_id, after, left = program_of(world), 0, 0
    while True:
        with world.database.transaction(TENANT) as tx:
            accounts = next_accounts(tx, program_id, after)
        if not accounts:
            break
        count = ROWS_AT_ONCE
        while count == ROWS_AT_ONCE:
            with owned(world) as tx:
                set_tenant(tx, TENANT)
                count = move_some(tx, program_id, accounts)
            left += count
        after = accounts[-1]
    with owned(world) as tx:
        set_tenant(tx, TENANT)
        note_moved(tx, program_id, world.now)
    return left


def looked(world: World, archives: Path | None = None) -> tuple[list[Finding], Counts]:
    with world.database.transaction(TENANT) as tx:
        tx.execute("set transaction isolation level repeatable read, read only")
        assert [*verify(tx), *check_logs(tx)] == []
        audit = Audit(tx, Vault(MASTER_KEY, TENANT), now=world.now, archives=archives)
        return list(audit.run()), audit.counts


def everything(world: World, signed: log.Signed) -> dict[str, Any]:
    """All that is read out of the journal, for every account."""
    said: dict[str, Any] = {}
    program_id = program_of(world)
    with world.database.transaction(TENANT) as tx:
        for (account_id,) in tx.execute("select account_id from accounts order by 1").fetchall():
            pages, before = [], None
            while page := list_transactions(tx, account_id, 7, before):
                pages += page
                before = page[-1].seq
            said[f"{account_id} statement"] = pages
            instants = {one.effective_at for one in pages} | {one.booked_at for one in pages}
            for at in sorted(instants):
                for near in (at - timedelta(microseconds=1), at):
                    said[f"{account_id} {near}"] = _standing(load_balances(tx, account_id, near))
            lots = {
                (account_id, (one.wallet, entry.available_at, entry.expires_at))
                for one in pages
                for entry in one.entries
                if entry.book == "member" and entry.available_at is not None
            }
            for until in (2**62, 5, 12):
                said[f"{account_id} lives {until}"] = load_lives(tx, lots, until)
            seqs = [one.seq for one in pages if one.kind == "redeem"]
            said[f"{account_id} spent"] = load_spent(tx, account_id, seqs)
            for wallet in ("points", "cash", "cards"):
                said[f"{account_id} {wallet}"] = load_turnover(tx, [account_id], wallet).get(account_id)
            proof = log.prove_statement(tx, program_id, signed, account_id)
            said[f"{account_id} proof"] = proof
            for one in pages[::3]:
                placed = log.find_placed(tx, program_id, one.transaction_id)
                assert placed is not None
                proved = log.prove_transaction(tx, program_id, signed, placed)
                said[f"{one.transaction_id}"] = proved
    return said


def _standing(held: Any) -> Any:
    return {key: one for key, one in held.items() if one != (0, 0)}


@pytest.fixture(scope="module")
def life(server: EmbeddedPostgres, template: str) -> Iterator[Life]:
    create_database(server, "moving", template)
    with Database(server.dsn(database="moving"), pool_size=6) as database:
        prepare(database, PROGRAM)
        loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
        loop.start()
        world = World(database, loop)
        life = Life(world, 21)
        life.superuser = server.dsn("superuser", database.name)
        life.begin()
        for name in life.accounts:
            life.say(AdjustBalance, account_id=life.accounts[name], wallet="points", amount=300, reason="x")
        life.pay_with_cards()
        for _ in range(4):
            life.live(25)
            world.later(days=20)
        yield life
        loop.stop()
    drop_database(server, "moving")


def test_what_moved_is_told_as_before_and_life_goes_on(life: Life, tmp_path: Path) -> None:
    world = life.world
    signed = signed_of(world)
    before = everything(world, signed)
    count = archive(world, tmp_path / "club")
    assert count > 50
    assert move_all(world) == count
    after = everything(world, signed)
    assert {key: (before[key], one) for key, one in after.items() if one != before[key]} == {}
    for archives in (None, tmp_path):
        found, counts = looked(world, archives)
        assert (found, counts.moved) == ([], count)
        assert {one.is_read for one in counts.archives} == {archives is not None}
