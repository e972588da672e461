"""The journal cannot be edited, and the audit finds whatever was edited all the same."""

from __future__ import annotations

import psycopg
import pytest

from guerdon.ledger.audit import verify
from tests.rooms.conftest import superuser
from tests.rooms.engine.conftest import TENANT, World, world

__all__ = ["world"]


@pytest.mark.parametrize("table", ["transactions", "entries"])
@pytest.mark.parametrize("statement", ["delete from {}", "update {} set wallet = 'x'", "truncate {}"])
@pytest.mark.parametrize("role", ["app", "owner"])
def test_the_journal_is_written_once(world: World, table: str, statement: str, role: str) -> None:
    world.enrol("anna")
    with world.database.connect(role) as tx:  # type: ignore[arg-type]
        tx.execute(f"set guerdon.tenant = '{TENANT}'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tx.execute(statement.format(table))


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("update entries set amount = amount + 1 where book = 'member'", "unbalanced"),
        ("delete from transactions where seq = 2", "numbering"),
        ("update lots set remaining = remaining - 1", "lots_unlike_entries"),
        ("delete from lots", "lots_unlike_entries"),
        ("update wallets set available = available + 1", "wallets_unlike_lots"),
        ("update wallets set pending = pending + 1", "wallets_unlike_lots"),
        ("update wallets set changes_at = null", "wallets_unlike_lots"),
        ("update transactions set kind = 'adjust'", "leaf_hash"),
        ("update transactions set effective_at = effective_at - interval '1 second'", "leaf_hash"),
        ("update entries set source = 'x'", "leaf_hash"),
        ("update accounts set next_seq = next_seq + 1", "numbering"),
    ],
)
def test_damage_is_found(world: World, server: object, damage: str, code: str) -> None:
    world.enrol("anna")
    world.ask(world.order("10.00"))
    world.verify()
    name = world.rows("select current_database()")[0][0]
    with superuser(server, name) as intruder:  # type: ignore[arg-type]
        intruder.execute("set session_replication_role = replica; set search_path = guerdon")
        intruder.execute(damage)
    with world.database.transaction(TENANT) as tx:
        assert code in {finding.code for finding in verify(tx)}
