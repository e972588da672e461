"""Whoever may do anything to the tables, and what verify says of what they did."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from guerdon.base.findings import Finding
from guerdon.connect.chain.checking import check_anchors
from guerdon.connect.witness.audit import check_witnessed
from guerdon.engine.audit import Audit
from guerdon.engine.commands import AdjustBalance, ConfirmCheckout, MergeAccounts, RedeemReward
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.members.crypto import Vault
from guerdon.members.identities import parse_ref
from tests.databases import create_database, drop_database, superuser
from tests.rooms.audit.conftest import PROGRAM, Life, audited
from tests.rooms.audit.outside import KNOWN, Others, anchor_next, cosign_all
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids, prepare
from tests.rooms.ledger.test_log import keep_log, program_of

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
    "account_merges": "account_id = account_id + 1000003",
    "member_moves": "event_id = gen_random_uuid()",
    "log_leaves": "position = position + 100000, seq = seq + 100000, transaction_id = gen_random_uuid()",
    "log_nodes": "place = place + 1000",
    "log_batches": "size = size + 100000, follows = 77",
    "log_checkpoints": "size = size + 100000, follows = 77",
    "log_keys": "number = number + 100",
    "anchors": "size = size + 100000",
    "log_cosignatures": "size = size + 100000",
    "witness_logs": "key = key || 'x'",
    "witness_heads": "size = size + 100000, follows = 77",
    "witness_alarms": "alarm_id = alarm_id + 1000, digest = sha256(digest)",
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
    "member_moves.role": "'buyer'",
    "checkouts.status": "case status when 'open' then 'cancelled' else 'open' end",
    "account_holds.kind": "case kind when 'units' then 'use' else 'units' end",
    "members.erased_at": "erased_at + interval '1 second'",
    "log_nodes.level": "level + 6",
    "log_batches.follows": "follows - 1",
    "log_checkpoints.follows": "follows - 1",
    "anchors.state": "'passed'",
    "witness_heads.follows": "follows - 1",
    "witness_alarms.kind": "'rewritten'",
}
# Tables that say the same from the other side.
OTHER_SIDE = {
    "accounts": ("transactions", "events"),
    "program_versions": ("programs", "events"),
    "members": ("accounts", "member_moves"),
    "member_moves": ("events",),
    "account_merges": ("accounts",),
    "events": ("transactions", "event_keys"),
    "event_keys": ("events",),
    "outbox": ("events",),
    "shared_holds": ("shared_counters",),
    "checkouts": ("account_holds", "shared_holds"),
    "log_keys": ("log_checkpoints",),
    "witness_logs": ("witness_heads", "witness_alarms"),
}
# Unique together with others: two of them never are in each other's place.
UNIQUE = {
    "log_leaves": {"account_id", "seq", "transaction_id"},
    "log_batches": {"follows"},
    "log_checkpoints": {"follows"},
    "witness_heads": {"follows"},
    "witness_alarms": {"digest"},
    "anchors": {"state"},
}
OUTSIDE = ("anchors", "log_cosignatures", "witness_logs", "witness_heads", "witness_alarms")
"""Nothing that is decided hangs on them: only what looks at them needs to look."""
NEVER_SWAPPED = ("programs", "name_words", "witness_logs", "account_merges", "member_moves")
"""Tables that have nothing but keys, or one row."""
# Of which it is found that one is gone only where another follows it, or not at all.
GONE_UNSEEN = {
    "outbox": "a row goes once everybody was told",
    "anchors": "that it was told to a chain is known to the chain: verify --anchor chain",
    "log_cosignatures": "that a witness signed is known to the witness",
    "witness_alarms": "that a head did not fit is known to whoever was told of it",
}


def anchor(world: World, state: str) -> None:
    """Anchor the newest head, so far; the second time witnesses come in as well."""
    with world.database.transaction(TENANT) as tx:
        anchor_next(tx, program_of(world), "guerdon/test/club", world.now, state)
        if state == "sent":
            cosign_all(tx, program_of(world), world.now)
            Others().watch(tx, world.now)
        assert [*check_anchors(tx), *check_witnessed(tx, KNOWN)] == []


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

    def after(
        self, statement: sql.Composed, table: str = "", *, whole: bool = True
    ) -> tuple[int, list[Finding]]:
        """Do damage, look, and undo it; `whole` looks on when the table has been named."""
        try:
            count = self.damage(statement)
            return count, self.look(deep=table not in OUTSIDE, until="" if whole else table)
        finally:
            self.tx.rollback()

    def damage(self, statement: sql.Composed) -> int:
        """Do it without triggers and foreign keys, as whoever has the server's files has none."""
        self.tx.execute("set local session_replication_role = replica; set local search_path = guerdon")
        count = self.tx.execute(statement).rowcount
        self.tx.execute(f"set local role guerdon_app; set local guerdon.tenant = '{TENANT}'")
        return count

    def look(self, *, deep: bool = True, until: str = "") -> list[Finding]:
        """Verify, as the application, to the end or until a finding names a table."""
        found: list[Finding] = []
        audit = Audit(self.tx, Vault(MASTER_KEY, TENANT), now=self.now)
        for one in audit.run() if deep else ():
            found.append(one)
            if until and names([one], until):
                return found
        return [*found, *check_anchors(self.tx), *check_witnessed(self.tx, KNOWN)]

    def change(self, table: str, column: str, kind: str) -> sql.Composed:
        """Change one value of a column, to what its table's checks allow."""
        change = sql.SQL(CHANGES_OF.get(f"{table}.{column}", CHANGES[kind]).format(column))
        finite = (
            sql.SQL(" and isfinite({})").format(sql.Identifier(column)) if "time" in kind else sql.SQL("")
        )
        statement = sql.SQL(
            "update {0} set {1} = {2} where ctid = (select ctid from {0} where {1} is not null{3}"
            " order by ctid limit 1)"
        )
        return statement.format(sql.Identifier(table), sql.Identifier(column), change, finite)

    def add(self, table: str) -> sql.Composed:
        """Copy a row under another key."""
        columns = [column for name, column, _ in self.columns() if name == table]
        changed = dict(part.split(" = ", 1) for part in COVERED[table].split(", "))
        values = sql.SQL(", ").join(sql.SQL(changed.get(column, column)) for column in columns)
        used = sql.SQL(" where used > 0") if table == "shared_counters" else sql.SQL("")
        return sql.SQL("insert into {0} ({1}) select {2} from {0}{3} order by ctid limit 1").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)), values, used
        )

    def delete(self, table: str) -> sql.Composed:
        """Let a row go; after the last head of a log stands nothing that says that there was one."""
        places = {
            "shared_counters": " where used > 0",
            "log_checkpoints": " where size < (select max(size) from log_checkpoints)",
            "witness_heads": " where size < (select max(size) from witness_heads)",
        }
        used = sql.SQL(places.get(table, ""))
        statement = "delete from {0} where ctid = (select ctid from {0}{1} order by ctid desc limit 1)"
        return sql.SQL(statement).format(sql.Identifier(table), used)

    def swap(self, table: str) -> sql.Composed:
        """Put what two rows say in each other's place."""
        excused, keys = uncovered(), self.keys(table)
        columns = [
            column
            for name, column, _ in self.columns()
            if name == table
            and column not in {*keys, "tenant_id", "program_id", "order_id", *UNIQUE.get(table, ())}
            and f"{table}.{column}" not in excused
        ]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        theirs = sql.SQL(", ").join(sql.SQL("b.{}").format(sql.Identifier(column)) for column in columns)
        mine = sql.SQL(", ").join(sql.SQL("a.{}").format(sql.Identifier(column)) for column in columns)
        return sql.SQL(
            "with pair as (select a.ctid as one, b.ctid as other from {0} a join {0} b"
            " on a.ctid < b.ctid and ({2}) is distinct from ({3}) limit 1)"
            " update {0} as t set ({1}) = (select {3} from {0} b, pair"
            " where b.ctid = case when t.ctid = pair.one then pair.other else pair.one end)"
            " from pair where t.ctid in (pair.one, pair.other)"
        ).format(sql.Identifier(table), names, mine, theirs)

    @staticmethod
    def empty(table: str) -> sql.Composed:
        """Let all rows go."""
        return sql.SQL("delete from {0}").format(sql.Identifier(table))

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


@contextmanager
def tampered(server: EmbeddedPostgres, template: str) -> Iterator[Intruder]:
    """Make one world for all damage: nothing of it is ever committed."""
    create_database(server, "tampered", template)
    with Database(server.dsn(database="tampered"), pool_size=4) as database:
        prepare(database, PROGRAM)
        loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
        loop.start()
        life = Life(World(database, loop), 5)
        life.begin()
        life.live(170)
        keep_log(life.world)
        anchor(life.world, "final")
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
        # Two people who were one all along: their accounts become one.
        for name in ("iris", "ines"):
            life.join(name)
            life.order(name)
        assert life.say(RedeemReward, member=parse_ref("iris"), reward="voucher").problem is None
        both = {"account_id": life.accounts["iris"], "into_account": life.accounts["ines"]}
        assert life.say(MergeAccounts, **both).problem is None
        keep_log(life.world)
        anchor(life.world, "sent")
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


def names(found: list[Finding], table: str) -> bool:
    """Tell whether a finding names the table, or the one that says the same from the other side."""
    return any(one.table in (table, *OTHER_SIDE.get(table, ())) and one.key for one in found)
