"""What is changed in the log by a hand that may do anything is found, and named."""

from __future__ import annotations

import pytest

from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.ledger import log
from guerdon.ledger.log.audit import check_covered, check_logs
from guerdon.rules.proofs.notes import read_checkpoint
from tests.databases import superuser
from tests.rooms.engine.conftest import NOW, TENANT, World, world
from tests.rooms.ledger.test_log import busy, program_of, sequencer, settle, signer

__all__ = ["world"]


def found(world: World) -> list[tuple[str, str]]:
    with world.database.transaction(TENANT) as tx:
        return [(one.code, one.table) for one in check_logs(tx)]


def build(world: World) -> None:
    one = sequencer(world.database)
    for _ in range(3):
        busy(world, people=4, orders=6)
        settle(one, world)
        with world.database.transaction(TENANT) as tx:
            log.sign_head(tx, signer(TENANT), program_of(world), "guerdon/test/club", NOW)


CHANGES = {
    "update log_leaves set hash = sha256('x') where position = 60": {"leaf_unlike_journal", "node_hash"},
    "update log_leaves set seq = seq + 1000 where position = 70": {"leaf_unlike_journal", "leaf_skipped"},
    "update log_leaves set account_id = account_id + 1000 where position = 70": {"leaf_unlike_journal"},
    "update log_leaves set transaction_id = gen_random_uuid() where position = 3": {"leaf_unlike_journal"},
    "update log_leaves set position = 1000 where position = 70": {"leaf_missing"},
    "delete from log_leaves where position = 0": {"leaf_missing"},
    "delete from log_leaves where position = (select max(position) from log_leaves)": {"batch_chain"},
    "truncate log_leaves": {"batch_root", "checkpoint_root"},
    "update log_batches set root = sha256('x') where follows is null": {"batch_root"},
    "update log_batches set edge = sha256('x') where follows is null": {"batch_root"},
    "delete from log_nodes": {"node_hash"},
    "update log_nodes set hash = sha256('x')": {"node_hash"},
    "update log_nodes set place = place + 500": {"node_hash"},
    "update log_nodes set level = 12": {"node_hash"},
    "update log_checkpoints set size = size + 1": {"checkpoint_root"},
    "update log_checkpoints set note = replace(note, 'club', 'klub')": {"checkpoint_not_signed"},
    "update log_keys set public_key = sha256('x')": {"checkpoint_not_signed"},
    "update log_keys set name = 'somebody'": {"checkpoint_not_signed"},
    "update transactions set leaf_hash = sha256('x') where seq = 2": {"leaf_unlike_journal"},
    "delete from transactions where seq = 2": {"leaf_unlike_journal"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found(world: World, server: EmbeddedPostgres, change: str) -> None:
    build(world)
    assert found(world) == []
    with superuser(server, world.database.name) as connection:
        connection.execute("set search_path = guerdon")
        connection.execute("set session_replication_role = replica")
        connection.execute(change.encode())
    assert {code for code, _ in found(world)} >= CHANGES[change]


def test_a_log_that_was_rewritten_whole_is_found_by_a_head_kept_elsewhere(
    world: World, server: EmbeddedPostgres
) -> None:
    build(world)
    program_id = program_of(world)
    with world.database.transaction(TENANT) as tx:
        kept = log.find_last_signed(tx, program_id)
        keys = [key.note_key for key in log.list_keys(tx, program_id)]
        assert kept is not None
        head = read_checkpoint(kept.note, keys)
        assert list(check_covered(tx, program_id, head)) == []
    with superuser(server, world.database.name) as connection:
        connection.execute("set search_path = guerdon")
        connection.execute("set session_replication_role = replica")
        connection.execute("update transactions set leaf_hash = sha256('x') where seq = 2")
        connection.execute("truncate log_leaves, log_nodes, log_batches, log_checkpoints, log_begun cascade")
    settle(sequencer(world.database), world)
    assert found(world) == [], "the log itself is one again"
    with world.database.transaction(TENANT) as tx:
        assert [one.code for one in check_covered(tx, program_id, head)] == ["log_rewritten"]
