"""Months that moved into files: everything that read old rows says what it said before, and verify holds."""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit, Counts
from guerdon.engine.commands import AdjustBalance, CancelRedemption, ReturnOrder
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.tx import Tx, set_tenant
from guerdon.ledger import log
from guerdon.ledger.archives import (
    ROWS_AT_ONCE,
    bring_back,
    closed_months,
    compare_archive,
    file_hash,
    forget_months,
    list_recorded,
    move_some,
    next_accounts,
    note_moved,
    parcels,
    read_rows,
    record_archive,
    write_archive,
)
from guerdon.ledger.audit import verify
from guerdon.ledger.lives import load_lives
from guerdon.ledger.log.audit import check_logs
from guerdon.ledger.statements import list_transactions, load_balances, load_spent, load_turnover
from guerdon.members.crypto import Vault
from guerdon.rules.sent import ReturnAsked, ReturnLine
from tests.rooms.audit.conftest import PROGRAM, Life
from tests.rooms.conftest import create_database, drop_database
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids, prepare
from tests.rooms.ledger.test_log import Clock, program_of, sequencer, signer

pytestmark = pytest.mark.xdist_group("moving")
ORIGIN = "guerdon/test/club"


@contextmanager
def owned(world: World) -> Iterator[Tx]:
    """A transaction of the owner's, who alone may move."""
    with world.database.transaction_as("owner") as tx:
        set_tenant(tx, TENANT)
        yield tx


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
            path = folder / f"{month.name}.parquet"
            if not path.exists():
                write_archive(tx, (program_id, ORIGIN), signed, month, folder)
            assert compare_archive(tx, program_id, path) == month.transactions
            with owned(world) as owner:
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
                count = move_some(tx, program_id, accounts)
            left += count
        after = accounts[-1]
    with owned(world) as tx:
        note_moved(tx, program_id, world.now)
    return left


def whole_journal(world: World) -> dict[str, list[Any]]:
    return {
        table: world.rows(f"select t::text from {table} t order by account_id, seq{line}")  # noqa: S608 - of ours
        for table, line in (("transactions", ""), ("entries", ", line"))
    }


def brought_back(world: World, folder: Path) -> int:
    """Bring back all months but the first, few accounts at a time."""
    files, program_id, count = sorted(folder.iterdir())[1:], program_of(world), 0
    rows = heapq.merge(*map(read_rows, files), key=lambda row: row[:2])
    for parcel in parcels(rows, 20):
        with owned(world) as tx:
            count += bring_back(tx, program_id, parcel)
    with owned(world) as tx:
        forget_months(tx, program_id, datetime.strptime(files[0].stem, "%Y-%m").replace(tzinfo=UTC).date())
    return count


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


class Story(NamedTuple):
    """A world of which old months moved, and what was seen of it."""

    life: Life
    folder: Path
    before: dict[str, Any]
    after: dict[str, Any]
    moved: int
    between: list[Finding]
    """What verify found when a move had been killed after its first step."""
    restored: tuple[bool, int, list[Finding]]
    """Whether the journal was as before when all months but the first were back, and what verify found."""
    first: tuple[Answer, Answer]
    """What was answered to one order, and to the same order after it had moved."""


@pytest.fixture(scope="module")
def story(
    server: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    create_database(server, "moving", template)
    folder = tmp_path_factory.mktemp("archives")
    with Database(server.dsn(database="moving"), pool_size=6) as database:
        prepare(database, PROGRAM)
        loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
        loop.start()
        world = World(database, loop)
        life = Life(world, 21)
        life.superuser = server.dsn("superuser", database.name)
        life.begin()
        for account_id in life.accounts.values():
            life.say(AdjustBalance, account_id=account_id, wallet="points", amount=300, reason="x")
        life.pay_with_cards()
        order = world.order("25.00", "anna", order="first")
        answer = world.ask(order)[0]
        for _ in range(3):
            life.live(25)
            world.later(days=20)
        signed = signed_of(world)
        before = everything(world, signed)
        journal = whole_journal(world)
        archive(world, folder / "club")
        with world.database.transaction(TENANT) as tx:
            accounts = next_accounts(tx, program_of(world), 0)
        with owned(world) as tx:
            count = move_some(tx, program_of(world), accounts, 17)
        between, _ = looked(world, folder)
        moved = count + move_all(world)
        back = brought_back(world, folder / "club")
        there = whole_journal(world)
        same = {table: [row for row in rows if row in there[table]] for table, rows in journal.items()}
        restored = (same == there, back, looked(world)[0])
        archive(world, folder / "club")
        assert move_all(world) == back
        after = everything(world, signed)
        again = world.ask(order)[0]
        # What is old comes back, is given back, and is spent, behind what moved.
        asked = ReturnAsked("first", "late-return", (ReturnLine("1", Decimal("0.5")),))
        assert life.say(ReturnOrder, asked=asked).problem is None
        old = list(life.issued)
        for number in old[:6]:
            life.say(CancelRedemption, redemption_id=number)
        life.live(25)
        signed_of(world)
        yield Story(life, folder, before, after, moved, between, restored, (answer, again))
        loop.stop()
    drop_database(server, "moving")


def test_what_moved_is_told_as_before(story: Story) -> None:
    assert story.moved > 50
    assert len(story.after) == len(story.before) > 200
    unlike = {key: (story.before[key], one) for key, one in story.after.items() if one != story.before[key]}
    assert unlike == {}


def test_what_is_brought_back_is_as_it_was(story: Story) -> None:
    is_same, count, found = story.restored
    assert found == []
    assert 20 < count < story.moved
    assert is_same


def test_nothing_of_a_recorded_month_is_left_in_the_journal(story: Story) -> None:
    ends = "select max(ends) from archived_months"
    rows = story.life.world.rows(
        f"select (select count(*) from transactions where booked_at < ({ends})),"  # noqa: S608 - of ours
        " (select count(*) from entries e"
        " where not exists (select from transactions t where t.account_id = e.account_id and t.seq = e.seq)),"
        " (select sum(through_seq) from moved_accounts), (select sum(transactions) from archived_months),"
        " (select count(*) from archived_months where moved_at is null)"
    )
    assert rows == [(0, 0, story.moved, story.moved, 0)]


def test_an_order_that_moved_is_answered_as_the_first_time(story: Story) -> None:
    first, again = story.first
    assert (first.status, again.status) == ("applied", "duplicate")
    assert (again.effects, again.transactions) == (first.effects, first.transactions)
    assert first.effects


def test_verify_holds_with_the_files_and_without_and_when_a_move_was_killed(story: Story) -> None:
    assert story.between == []
    for archives in (None, story.folder):
        found, counts = looked(story.life.world, archives)
        assert (found, counts.moved, counts.not_replayed) == ([], story.moved, {})
        assert {one.is_read for one in counts.archives} == {archives is not None}
        assert sum(one.recorded.transactions for one in counts.archives) == story.moved


MOVED = "moved_unlike_decisions"
DAMAGES = {
    "update moved_accounts set through_seq = through_seq + 1": "numbering",
    "update moved_accounts set last_effective_at = last_effective_at + interval '1 s'": MOVED,
    "update moved_accounts set program_id = program_id + 1": "leaf_unlike_journal",
    "delete from moved_accounts": "numbering",
    "update carried_units set amount = amount + 1": "unbalanced",
    "update carried_units set amount = amount + case book when 'member' then 5 else -5 end"
    " where book in ('member', 'issued')": MOVED,
    "update carried_units set other_account = other_account + 1": MOVED,
    "delete from carried_units where book = 'member'": "lots_unlike_entries",
    "delete from archived_months": "moved_uncovered",
    "update archived_months set transactions = 1": "moved_uncovered",
    "update log_leaves set hash = sha256(hash) where seq = 1": "leaf_hash",
    "update events set decision = convert_to(replace(convert_from(decision, 'UTF8'), '\"amount\":20', "
    "'\"amount\":30'), 'UTF8') where first_seq = 1": "leaf_hash",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_what_stays_of_moved_months_is_found(story: Story, damage: str) -> None:
    world = story.life.world
    with psycopg.connect(story.life.superuser) as intruder:
        intruder.execute("set session_replication_role = replica; set search_path = guerdon")
        assert intruder.execute(damage).rowcount > 0
        intruder.execute(f"set local role guerdon_app; set local guerdon.tenant = '{TENANT}'")
        codes = {one.code for one in Audit(intruder, Vault(MASTER_KEY, TENANT), now=world.now).run()}
        intruder.rollback()
    assert DAMAGES[damage] in codes, codes


def test_a_row_that_came_back_is_found(story: Story) -> None:
    back = """insert into transactions
        select tenant_id, l.account_id, 1, gen_random_uuid(), program_id, 'award', 'points', now(), now(),
            gen_random_uuid(), null, null, '', sha256('x')
        from moved_accounts l limit 1"""
    with psycopg.connect(story.life.superuser) as intruder:
        intruder.execute(f"set search_path = guerdon; set guerdon.tenant = '{TENANT}'")
        assert intruder.execute(back).rowcount == 1
        codes = {
            one.code for one in Audit(intruder, Vault(MASTER_KEY, TENANT), now=story.life.world.now).run()
        }
        intruder.rollback()
    assert {"numbering", "leaf_unlike_journal"} <= codes


def swap_amount(rows: list[dict[str, Any]]) -> None:
    rows[4]["amount"] += 1


def other_reason(rows: list[dict[str, Any]]) -> None:
    rows[4]["reason"] += "x"


def leave_out(rows: list[dict[str, Any]]) -> None:
    del rows[4]


@pytest.mark.parametrize("change", [swap_amount, other_reason, leave_out])
def test_a_changed_file_and_the_row_in_it_are_named(
    story: Story, tmp_path: Path, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    folder = Path(shutil.copytree(story.folder, tmp_path / "archives"))
    path = min((folder / "club").iterdir())
    table = pq.read_table(path)
    rows = table.to_pylist()
    account, seq = rows[4]["account_id"], rows[4]["seq"]
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    found, _ = looked(story.life.world, folder)
    told = [one for one in found if one.code == "archive_differs"]
    assert f"club {path.stem}" in {one.key for one in told if one.table == "archived_months"}
    named = f"{number_text('acc', account)} {seq}"
    assert any(one.key.startswith(named) or f"account {account}, number {seq}" in one.found for one in told)


def test_a_file_that_is_missing_is_named(story: Story, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(story.folder, tmp_path / "archives"))
    path = min((folder / "club").iterdir())
    path.unlink()
    found, _ = looked(story.life.world, folder)
    assert ("file_not_found", f"club {path.stem}") in {(one.code, one.key) for one in found}


RAISED = "update moved_accounts set through_seq = 1000000"
WIDE = "update archived_months set ends = ends + interval '1 year'"
NOT_COVERED = {
    "nothing is noted": ["delete from transactions"],
    "lines of what is there": ["delete from entries"],
    "noted, but no month is recorded": [RAISED, "delete from transactions"],
    "a month that says more than its file": [RAISED, WIDE, "delete from transactions"],
    "lines without their transactions": [RAISED, WIDE, "delete from entries"],
    "all at once": ["truncate transactions"],
    "changed": ["update entries set amount = amount"],
}


@pytest.mark.parametrize("way", NOT_COVERED)
def test_the_owner_removes_only_what_a_recorded_file_covers(story: Story, way: str) -> None:
    refused, statements = psycopg.errors.InsufficientPrivilege, NOT_COVERED[way]
    for role in ("owner", "superuser"):
        with psycopg.connect(story.life.superuser) as tx:
            tx.execute(f"set search_path = guerdon; set guerdon.tenant = '{TENANT}'")
            if role == "owner":
                tx.execute("set role guerdon_owner")
            with pytest.raises(refused, match=r"leave for a recorded archive only|never changed"):
                _all(tx, statements)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from transactions",
        "delete from entries",
        "insert into carried_units values (1, 1, 'points', 'member', now(), now(), 0, 5)",
        "update archived_months set file_sha256 = sha256('x')",
        "delete from moved_accounts",
    ],
)
def test_the_application_removes_nothing(story: Story, statement: str) -> None:
    with story.life.world.database.transaction(TENANT) as tx:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
            tx.execute(statement)
        tx.rollback()


def _all(tx: Tx, statements: list[str]) -> None:
    for statement in statements:
        tx.execute(statement)
