"""The audit trail: added to, never changed."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from guerdon.infra.db import Database
from guerdon.programs.audit import Act, list_acts, record
from tests.rooms.places import NOW, make_ids, make_tenant


def test_acts_are_listed_newest_first_by_page_and_object(database: Database) -> None:
    tenant_id, ids = make_tenant(database), make_ids()
    acts = [
        Act(NOW + timedelta(minutes=place), "key:gk_a", "member.erased", f"mem_{place % 2}", 7, {"n": place})
        for place in range(5)
    ]
    with database.transaction(tenant_id) as tx:
        for act in acts:
            record(tx, act, ids)
        first = list_acts(tx, limit=2)
        rest = list_acts(tx, before=first[-1].audit_id)
        assert [row.act for row in (*first, *rest)] == acts[::-1]
        assert [row.act.detail["n"] for row in list_acts(tx, about="mem_0")] == [4, 2, 0]


def test_an_act_cannot_be_changed_or_deleted_by_the_app_nor_by_the_owner(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        record(tx, Act(NOW, "system", "x.done", "x"), make_ids())
    for statement in ("update audit set actor = 'nobody'", "delete from audit", "truncate audit"):
        with database.transaction(tenant_id) as tx, pytest.raises(psycopg.errors.InsufficientPrivilege):
            tx.execute(statement)
    with database.transaction_as("owner") as tx:
        tx.execute("alter table audit no force row level security")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
            tx.execute("update audit set actor = 'nobody'")
        tx.rollback()
