"""An operator with every key in hand rewrites the past so that it fits: only a head kept elsewhere tells."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import psycopg
import pytest
from psycopg import sql as words

from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.ledger import log
from guerdon.ledger.leaf import Leaf, commitment_of, leaf_hash
from guerdon.ledger.log.audit import check_covered, check_logs
from guerdon.ledger.log.growing import LEVELS_APART
from guerdon.ledger.sql import reading
from guerdon.rules.decision import Entry
from guerdon.rules.proofs.merkle import Edge
from guerdon.rules.proofs.notes import Checkpoint, read_checkpoint
from tests.databases import superuser
from tests.rooms.engine.conftest import NOW, TENANT, World, world
from tests.rooms.ledger.test_log import busy, program_of, sequencer, settle, signer

__all__ = ["world"]

Tx = psycopg.Connection[tuple[Any, ...]]
ORIGIN = "guerdon/test/club"
FORGOTTEN = ["checkpoint_missing"]
"""The log is as it was, and only the head itself was thrown away with all others."""
SOMEBODY = "(select account_id from guerdon.transactions order by 1 limit 1)"
KINDS = {
    "a transaction too much": """
        update entries set seq = seq + 3000 where account_id = {somebody} and seq > 1;
        update transactions set seq = seq + 3000 where account_id = {somebody} and seq > 1;
        update entries set seq = seq - 2999 where seq > 3000;
        update transactions set seq = seq - 2999 where seq > 3000;
        insert into transactions (tenant_id, {columns}) select tenant_id, {values} from transactions
        where account_id = {somebody} and seq = 1
    """,
    "a transaction is gone": """
        delete from entries where account_id = {somebody} and seq = 1;
        delete from transactions where account_id = {somebody} and seq = 1;
        update entries set seq = seq + 3000 where account_id = {somebody};
        update transactions set seq = seq + 3000 where account_id = {somebody};
        update entries set seq = seq - 3001 where seq > 3000;
        update transactions set seq = seq - 3001 where seq > 3000
    """,
    "an account is gone": """
        delete from entries where account_id = {somebody};
        delete from transactions where account_id = {somebody}
    """,
    "two in each other's place": """
        update entries set line = line + 100 where account_id = {somebody} and seq = 1;
        update entries set seq = 1 where account_id = {somebody} and seq = 2;
        update entries set seq = 2, line = line - 100 where line >= 100;
        update transactions set seq = 3000 - seq where account_id = {somebody} and seq in (1, 2);
        update transactions set seq = seq - 2997 where seq > 2000
    """,
    "an account's salt is another": "update accounts set salt = sha256(salt) where account_id = {somebody}",
    "everything is gone": "truncate transactions, entries",
    "leaves in another order": "update log_leaves set position = 1000000 - position",
}
AFTERWARDS = """
update transactions t set booked_at = booked_at + interval '1 second' from log_leaves l
where l.account_id = t.account_id and l.seq = t.seq and l.position >= %s
"""
NOT_HASHED = {
    "tenant_id": "everything is one tenant's",
    "program_id": "a log is one program's",
    "account_id": "an account's rows are told by its commitment",
    "transaction_id": "what it is called, not what it is",
    "event_id": "events are decided anew",
    "redemption_id": "redemptions are worked out anew",
    "other_account": "transfers are matched",
    "reason": "may be personal",
    "leaf_hash": "is the hash",
    "line": "the order of the entries says it",
    "entries.wallet": "is its transaction's, and sums by wallet say so",
}
CHANGED = {
    "bigint": "coalesce({0}, 0) + 1",
    "smallint": "{0} + 1",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 second'",
    "text": "{0} || 'x'",
}
CHANGED_OF = {
    "transactions.kind": "case kind when 'award' then 'adjust' else 'award' end",
    "transactions.seq": "seq",
    "entries.seq": "seq",
    "entries.book": "case book when 'issued' then 'adjusted' else 'issued' end",
}


def columns_of(tx: Tx, table: str) -> dict[str, str]:
    query = "select column_name, data_type from information_schema.columns where table_name = %s"
    return dict(tx.execute(query, (table,)).fetchall())


def columns(tx: Tx) -> list[tuple[str, str, str]]:
    """Every column of the journal that a leaf covers, from the catalogue."""
    return [
        (table, name, CHANGED_OF.get(f"{table}.{name}", CHANGED.get(kind, "{0}")).format(name))
        for table in ("transactions", "entries")
        for name, kind in columns_of(tx, table).items()
        if not {name, f"{table}.{name}"} & NOT_HASHED.keys() and name != "seq"
    ]


def rows_at_all(tx: Tx) -> dict[str, str]:
    """Rows deleted, added, moved, and everything forgotten."""
    names = [name for name in columns_of(tx, "transactions") if name != "tenant_id"]
    values = {"seq": "seq + 1", "transaction_id": "gen_random_uuid()"}
    more = {
        "columns": ", ".join(names),
        "values": ", ".join(values.get(name, name) for name in names),
    }
    return {kind: change.format(somebody=SOMEBODY, **more) for kind, change in KINDS.items()}


def forge(tx: Tx, program_id: int) -> None:
    """Hash the journal as it is now and log it in the old order, as if it had always been so."""
    lines = tx.execute(reading.ALL_LEAVES).fetchall()
    for _, group in groupby(lines, key=lambda row: (row[0], row[2])):
        some = list(group)
        account, salt, seq, kind, wallet, effective_at, booked_at = some[0][:7]
        entries = tuple(Entry(*row[8:]) for row in some if row[8] is not None)
        leaf = Leaf(seq, kind, wallet, effective_at, booked_at, entries)
        hashed = leaf_hash(commitment_of(salt, account), leaf)
        tx.execute(
            "update transactions set leaf_hash = %s where account_id = %s and seq = %s",
            (hashed, account, seq),
        )
    rows = tx.execute(
        "select t.account_id, t.seq, t.transaction_id, t.leaf_hash from transactions t left join log_leaves l"
        " on l.account_id = t.account_id and l.seq = t.seq"
        " order by l.position nulls last, t.account_id, t.seq"
    ).fetchall()
    tx.execute("truncate log_leaves, log_nodes, log_batches, log_checkpoints cascade")
    edge = Edge()
    for position, row in enumerate(rows):
        placed = (TENANT, program_id, position, *row)
        tx.execute("insert into log_leaves values (%s, %s, %s, %s, %s, %s, %s)", placed)
        for part, found in edge.append(row[3]):
            if part.level and part.level % LEVELS_APART == 0:
                node = (TENANT, program_id, part.level, part.place, found)
                tx.execute("insert into log_nodes values (%s, %s, %s, %s, %s)", node)
    if rows:
        batch = (TENANT, program_id, edge.size, None, edge.root, b"".join(edge.hashes), NOW)
        tx.execute("insert into log_batches values (%s, %s, %s, %s, %s, %s, %s)", batch)


@pytest.fixture
def kept(world: World) -> Checkpoint:
    """A head that somebody has; since then more happened."""
    one = sequencer(world.database)
    for _ in range(2):
        busy(world, people=4, orders=9)
        settle(one, world)
    with world.database.transaction(TENANT) as tx:
        signed = log.sign_head(tx, signer(TENANT), program_of(world), ORIGIN, NOW)
        keys = [key.note_key for key in log.list_keys(tx, program_of(world))]
    busy(world, people=4, orders=4)
    settle(one, world)
    return read_checkpoint(signed.note, keys)


def attack(
    world: World, server: EmbeddedPostgres, head: Checkpoint, change: Callable[[Tx], object]
) -> tuple[list[str], list[str]]:
    """Change the past, forge what hangs on it, and tell what the log alone says, and what the head says."""
    program_id = program_of(world)
    with superuser(server, world.database.name) as tx:
        tx.autocommit = False
        tx.execute("set local search_path = guerdon; set local session_replication_role = replica")
        change(tx)
        forge(tx, program_id)
        tx.execute(f"set local role guerdon_app; set local guerdon.tenant = '{TENANT}'")
        tx.execute(f"set local guerdon.tenant = '{TENANT}'")
        log.sign_head(tx, signer(TENANT), program_id, ORIGIN, NOW)
        alone = [one.code for one in check_logs(tx)]
        told = [one.code for one in check_covered(tx, program_id, head)]
        tx.rollback()
    return alone, told


def saying(statement: words.Composed | bytes) -> Callable[[Tx], object]:
    return lambda tx: tx.execute(statement)


def test_a_forged_log_of_the_same_past_is_no_other(
    world: World, server: EmbeddedPostgres, kept: Checkpoint
) -> None:
    """Otherwise a forger would be found by clumsiness."""
    assert attack(world, server, kept, lambda _: None) == ([], FORGOTTEN)


def test_each_covered_column_and_row_is_found_by_the_head(
    world: World, server: EmbeddedPostgres, kept: Checkpoint
) -> None:
    with superuser(server, world.database.name) as tx:
        tx.execute("set search_path = guerdon")
        changed, kinds = columns(tx), rows_at_all(tx)
    assert len(changed) == 9
    missed = []
    for table, name, value in changed:
        line = "" if table == "transactions" else f" and line = {int(name == 'book')}"
        statement = words.SQL("update {} set {} = {} where account_id = {} and seq = 1{}").format(
            words.Identifier(table), words.Identifier(name), *map(words.SQL, (value, SOMEBODY, line))
        )
        verdict = attack(world, server, kept, saying(statement))
        if verdict != ([], ["log_rewritten"]):
            missed.append((table, name, verdict))
    for kind, change in kinds.items():
        verdict = attack(world, server, kept, saying(change.encode()))
        if verdict != ([], ["log_rewritten"]):
            missed.append(("", kind, verdict))
    assert not missed, "\n".join(map(str, missed))


def test_what_came_after_the_head_is_not_covered_by_it(
    world: World, server: EmbeddedPostgres, kept: Checkpoint
) -> None:
    def change(tx: Tx) -> object:
        return tx.execute(AFTERWARDS, (kept.size,))

    assert attack(world, server, kept, change) == ([], FORGOTTEN)
