"""Whatever is changed in the tables behind the engine's back, verify finds it and names the row."""

from __future__ import annotations

import contextlib
import random
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from guerdon.base.findings import Finding
from guerdon.engine.audit import Audit
from guerdon.engine.commands import AdjustBalance, ConfirmCheckout, RedeemReward
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.members.crypto import Vault
from guerdon.members.identities import parse_ref
from tests.rooms.audit.conftest import PROGRAM, Life, audited
from tests.rooms.conftest import create_database, drop_database, superuser
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids, prepare
from tests.rooms.ledger.test_log import keep_log

Tx = psycopg.Connection[tuple[Any, ...]]

# Each covered table, and how a row that should not be there gets another key.
COVERED = {
    "programs": "program_id = program_id + 1, key = key || 'x'",
    "program_versions": "version = version + 100",
    "shared_counters": "counter = counter || 'x'",
    "accounts": "account_id = account_id + 1000003",
    "members": "member_id = member_id + 1",
    "identities": "digest = sha256(digest)",
    "name_words": "digest = sha256(digest)",
    "metric_buckets": "bucket_on = bucket_on + 4000",
    "account_counters": "counter = counter || 'x'",
    "tiers": "ladder = ladder || 'x'",
    "badges": "badge = badge || 'x'",
    "transactions": "seq = seq + 100000",
    "entries": "line = line + 100",
    "lots": "available_at = available_at + interval '1 second'",
    "wallets": "wallet = wallet || 'x'",
    "event_keys": "id = id || 'x', order_id = null",
    "events": "event_id = gen_random_uuid()",
    "redemptions": "redemption_id = redemption_id + 1",
    "coupon_codes": "code = code || 'x'",
    "outbox": "event_id = gen_random_uuid()",
    "checkouts": "id = id || 'x', checkout_id = gen_random_uuid()",
    "account_holds": "checkout_id = gen_random_uuid()",
    "shared_holds": "checkout_id = gen_random_uuid()",
    "order_returns": "number = number + 100",
    "gift_cards": "digest = sha256(digest)",
    "log_leaves": "position = position + 100000, seq = seq + 100000, transaction_id = gen_random_uuid()",
    "log_nodes": "place = place + 1000",
    "log_batches": "size = size + 100000, follows = 77",
    "log_checkpoints": "size = size + 100000, follows = 77",
    "log_keys": "number = number + 100",
}
CHANGES = {
    "bigint": "{0} + 100003",
    "integer": "{0} + 1003",
    "smallint": "({0} + 103)::smallint",
    "numeric": "coalesce({0}, 0) + 1",
    "text": "{0} || 'x'",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 second'",
    "date": "{0} + 1",
    "boolean": "not {0}",
    "uuid": "gen_random_uuid()",
    "bytea": "set_byte({0}, length({0}) / 2, (get_byte({0}, length({0}) / 2) + 1) % 256)",
    "jsonb": """{0} || '{{"x": 1}}'""",
    "ARRAY": "{0} || {0}[1:1]",
}
# Where a check of the table would refuse anything else.
CHANGES_OF = {
    "transactions.kind": "case kind when 'award' then 'adjust' else 'award' end",
    "entries.book": "case book when 'issued' then 'adjusted' else 'issued' end",
    "redemptions.status": "case status when 'issued' then 'used' else 'issued' end",
    "members.role": "'buyer'",
    "checkouts.status": "case status when 'open' then 'cancelled' else 'open' end",
    "account_holds.kind": "case kind when 'units' then 'use' else 'units' end",
    "members.erased_at": "erased_at + interval '1 second'",
    "log_nodes.level": "level + 6",
    "log_batches.follows": "follows - 1",
    "log_checkpoints.follows": "follows - 1",
}
# Tables that say the same from the other side.
OTHER_SIDE = {
    "accounts": ("transactions", "events"),
    "program_versions": ("programs", "events"),
    "members": ("accounts",),
    "events": ("transactions", "event_keys"),
    "event_keys": ("events",),
    "outbox": ("events",),
    "shared_holds": ("shared_counters",),
    "checkouts": ("account_holds", "shared_holds"),
    "log_keys": ("log_checkpoints",),
}
# Unique together with others: two of them never are in each other's place.
UNIQUE = {
    "log_leaves": {"account_id", "seq", "transaction_id"},
    "log_batches": {"follows"},
    "log_checkpoints": {"follows"},
}


def uncovered() -> dict[str, str]:
    lines = (Path(__file__).parent / "uncovered.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" # ") for line in lines if line and not line.startswith("#"))
    return {name: reason for name, _, reason in pairs}


class Intruder:
    """A superuser in a transaction that is always rolled back, and what verify says within it."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self.tx, self.now = tx, now

    def columns(self) -> list[tuple[str, str, str]]:
        return self.tx.execute(
            "select table_name, column_name, data_type from information_schema.columns"
            " where table_schema = 'guerdon' order by 1, 2"
        ).fetchall()

    def after(self, statement: sql.Composed) -> tuple[int, list[Finding]]:
        """Do damage, look, and undo it."""
        try:
            # No triggers and no foreign keys, as whoever has the server's files has none.
            self.tx.execute("set local session_replication_role = replica; set local search_path = guerdon")
            count = self.tx.execute(statement).rowcount
            self.tx.execute(f"set local role guerdon_app; set local guerdon.tenant = '{TENANT}'")
            audit = Audit(self.tx, Vault(MASTER_KEY, TENANT), now=self.now)
            return count, list(audit.run())
        finally:
            self.tx.rollback()

    def pads(self, event: int, place: int, bit: int) -> bool:
        """Tell whether a bit of a body is one that no text hangs on: a compressed stream ends with a byte."""
        query = "select body from guerdon.events order by event_id offset %s limit 1"
        body = bytearray(self.tx.execute(query, (event,)).fetchall()[0][0])
        self.tx.rollback()
        told = zlib.decompress(bytes(body))
        body[place % len(body)] ^= bit
        with contextlib.suppress(zlib.error):
            return zlib.decompress(bytes(body)) == told
        return False

    def keys(self, table: str) -> list[str]:
        rows = self.tx.execute(
            "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid"
            " and a.attnum = any(i.indkey) where i.indisprimary and i.indrelid = %s::regclass",
            (f"guerdon.{table}",),
        ).fetchall()
        return [row[0] for row in rows]


@pytest.fixture(scope="module")
def intruder(server: EmbeddedPostgres, template: str) -> Iterator[Intruder]:
    """One world for all damage: nothing of it is ever committed."""
    create_database(server, "tampered", template)
    with Database(server.dsn(database="tampered"), pool_size=4) as database:
        prepare(database, PROGRAM)
        loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
        loop.start()
        life = Life(World(database, loop), 5)
        life.begin()
        life.live(170)
        keep_log(life.world)
        life.apply(PROGRAM.replace("stock: 40", "stock: 50").replace('amount: "7"', 'amount: "8"'))
        life.live(20)
        life.join("gwen")
        life.order("gwen")
        life.erase("gwen")
        for number, name in enumerate(life.accounts):
            # Carts that stay open, with a coupon, units and a reward, and one that is paid last of all.
            life.say(AdjustBalance, account_id=life.accounts[name], wallet="cash", amount=900, reason="x")
            life.say(AdjustBalance, account_id=life.accounts[name], wallet="points", amount=300, reason="x")
            code = life.say(RedeemReward, member=parse_ref(name), reward="voucher").redemptions[0]["code"]
            more = {"spend": {"points": "9"}, "rewards": ["mug"], "coupons": [code]}
            opened = life.cart(name, f"open-{number}", **more)
            assert opened is not None
            assert opened.problem is None
        life.pay_with_cards()
        opened = life.cart("anna", "paid", spend={"points": "5"})
        assert opened is not None
        assert opened.problem is None
        paid = life.end_cart("paid", ConfirmCheckout)
        assert paid is not None
        assert paid.problem is None
        keep_log(life.world)
        for name in life.accounts:
            # A tick that only made units available leaves no event, so that nothing tells its instant.
            life.order(name)
        loop.stop()
        found, counts = audited(life.world)
        assert (found, counts.not_replayed) == ([], {})
        connection = superuser(server, "tampered")
        connection.autocommit = False
        with connection:
            yield Intruder(connection, life.world.now)
    drop_database(server, "tampered")


def test_every_table_is_covered_or_has_a_reason(intruder: Intruder) -> None:
    names = {(table, column) for table, column, _ in intruder.columns()}
    tables = {table for table, _ in names if table != "alembic_version"}
    excused = uncovered()
    whole = {name.removesuffix(".*") for name in excused if name.endswith(".*")}
    assert tables - whole == set(COVERED)
    assert all(len(reason) > 9 for reason in excused.values())
    single = {tuple(name.split(".")) for name in excused if not name.endswith(".*")}
    assert single <= names
    assert {table for table, _ in single} <= set(COVERED)


@pytest.mark.parametrize("table", COVERED)
def test_a_changed_column_is_found(intruder: Intruder, table: str) -> None:
    excused, missed = uncovered(), []
    for name, column, kind in intruder.columns():
        place = f"{table}.{column}"
        if name != table or place in excused:
            continue
        change = sql.SQL(CHANGES_OF.get(place, CHANGES[kind]).format(column))
        finite = (
            sql.SQL(" and isfinite({})").format(sql.Identifier(column)) if "time" in kind else sql.SQL("")
        )
        statement = sql.SQL(
            "update {0} set {1} = {2} where ctid = (select ctid from {0} where {1} is not null{3}"
            " order by ctid limit 1)"
        )
        count, found = intruder.after(
            statement.format(sql.Identifier(table), sql.Identifier(column), change, finite)
        )
        if count != 1:
            missed.append(f"{place}: the world has no row with it")
        elif not _names(found, table):
            missed.append(f"{place}: {[one.detail for one in found]}")
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("column", ["decision", "body"])
def test_any_flipped_byte_of_an_event_is_found(intruder: Intruder, column: str) -> None:
    chance, missed = random.Random(3), []
    statement = sql.SQL(
        "update events set {0} = set_byte({0}, {1} % length({0}), (get_byte({0}, {1} % length({0})) # {2}))"
        " where event_id = (select event_id from events order by event_id offset {3} limit 1)"
    )
    for _ in range(30):
        place, bit, event = chance.randrange(5_000), 1 << chance.randrange(7), chance.randrange(100)
        count, found = intruder.after(
            statement.format(sql.Identifier(column), *(sql.Literal(one) for one in (place, bit, event)))
        )
        assert count == 1
        if not _names(found, "events") and not (column == "body" and intruder.pads(event, place, bit)):
            missed.append(f"byte {place} of event {event}, bit {bit}: {found}")
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("table", COVERED)
def test_a_row_too_much_is_found(intruder: Intruder, table: str) -> None:
    columns = [column for name, column, _ in intruder.columns() if name == table]
    changed = dict(part.split(" = ", 1) for part in COVERED[table].split(", "))
    values = sql.SQL(", ").join(sql.SQL(changed.get(column, column)) for column in columns)
    used = sql.SQL(" where used > 0") if table == "shared_counters" else sql.SQL("")
    statement = sql.SQL("insert into {0} ({1}) select {2} from {0}{3} order by ctid limit 1").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)), values, used
    )
    count, found = intruder.after(statement)
    assert count == 1
    assert _names(found, table), found


@pytest.mark.parametrize("table", [table for table in COVERED if table != "outbox"])
def test_a_row_that_is_gone_is_found(intruder: Intruder, table: str) -> None:
    # A row of the outbox goes once everybody was told.
    # After the last head of a log stands nothing that says so.
    places = {
        "shared_counters": " where used > 0",
        "log_checkpoints": " where size < (select max(size) from log_checkpoints)",
    }
    used = sql.SQL(places.get(table, ""))
    statement = sql.SQL("delete from {0} where ctid = (select ctid from {0}{1} order by ctid desc limit 1)")
    count, found = intruder.after(statement.format(sql.Identifier(table), used))
    assert count == 1
    assert _names(found, table), found


# A cart that holds nothing is a price that somebody was told, and one that was cancelled is nothing any more.
FOR_NOTHING = """
checkout_id not in
    (select checkout_id from guerdon.account_holds union select checkout_id from guerdon.shared_holds)
    and status <> 'confirmed'
"""


@pytest.mark.parametrize(
    ("table", "matters"),
    [
        ("account_holds", "true"),
        ("shared_holds", "true"),
        ("order_returns", "true"),
        ("coupon_codes", "true"),
        ("redemptions", "true"),
        ("checkouts", f"not ({FOR_NOTHING})"),
    ],
)
def test_whichever_row_is_gone_is_found(intruder: Intruder, table: str, matters: str) -> None:
    rows = intruder.tx.execute(f"select ctid::text from guerdon.{table} where {matters}").fetchall()  # noqa: S608 - tables and conditions of ours
    intruder.tx.rollback()
    assert len(rows) >= 3
    chance, missed = random.Random(4), []
    for (place,) in chance.sample(rows, min(len(rows), 20)):
        statement = sql.SQL("delete from {0} where ctid = {1}::tid")
        count, found = intruder.after(statement.format(sql.Identifier(table), sql.Literal(place)))
        assert count == 1
        if not _names(found, table):
            missed.append(f"{place}: {found}")
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("kind", ["units", "use", "redemption"])
def test_all_holds_of_a_kind_that_are_gone_are_found(intruder: Intruder, kind: str) -> None:
    statement = sql.SQL(
        "delete from account_holds where (account_id, checkout_id) ="
        " (select account_id, checkout_id from account_holds where kind = {0} order by 1, 2 limit 1)"
    )
    count, found = intruder.after(statement.format(sql.Literal(kind)))
    assert count >= 1
    missing = [one for one in found if one.table == "account_holds" and f" {kind} " in one.key]
    assert missing, found
    assert {one.found for one in missing} == {"none"}


@pytest.mark.parametrize("table", [table for table in COVERED if table not in {"programs", "name_words"}])
def test_two_rows_in_each_others_place_are_found(intruder: Intruder, table: str) -> None:
    excused, keys = uncovered(), intruder.keys(table)
    columns = [
        column
        for name, column, _ in intruder.columns()
        if name == table
        and column not in {*keys, "tenant_id", "program_id", "order_id", *UNIQUE.get(table, ())}
        and f"{table}.{column}" not in excused
    ]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    theirs = sql.SQL(", ").join(sql.SQL("b.{}").format(sql.Identifier(column)) for column in columns)
    mine = sql.SQL(", ").join(sql.SQL("a.{}").format(sql.Identifier(column)) for column in columns)
    statement = sql.SQL(
        "with pair as (select a.ctid as one, b.ctid as other from {0} a join {0} b"
        " on a.ctid < b.ctid and ({2}) is distinct from ({3}) limit 1)"
        " update {0} as t set ({1}) = (select {3} from {0} b, pair"
        " where b.ctid = case when t.ctid = pair.one then pair.other else pair.one end)"
        " from pair where t.ctid in (pair.one, pair.other)"
    ).format(sql.Identifier(table), names, mine, theirs)
    count, found = intruder.after(statement)
    assert count == 2
    assert _names(found, table), found


def _names(found: list[Finding], table: str) -> bool:
    """Tell whether a finding names the table, or the one that says the same from the other side."""
    return any(one.table in (table, *OTHER_SIDE.get(table, ())) and one.key for one in found)
