"""Tenants: made once, found by key without looking at others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.programs.tenants import ensure_tenant, find_tenant, list_tenants, tenant_id_of
from tests.rooms.places import NOW, make_tenant


def test_a_tenant_is_made_once(database: Database) -> None:
    with database.transaction_as("app") as tx:
        first = ensure_tenant(tx, "acme", "Acme", sandbox=True, now=NOW)
    with database.transaction(first.tenant_id) as tx:
        again = ensure_tenant(tx, "acme", "Another name", sandbox=False, now=NOW)
        assert find_tenant(tx) == first
    assert first == again
    assert (first.key, first.name, first.sandbox) == ("acme", "Acme", True)


def test_the_number_comes_from_the_key() -> None:
    assert tenant_id_of("demo") == 8419798883473181229, "it is in databases: it never changes"
    assert tenant_id_of("demo") != tenant_id_of("demo2")


@pytest.mark.parametrize("key", ["", "Demo", "1demo", "a b", "a" * 64, "démo", "demo\n"])
def test_a_malformed_key_is_refused(key: str) -> None:
    with pytest.raises(Problem, match="tenant_key_invalid"):
        tenant_id_of(key)


@pytest.mark.parametrize("name", ["", "x" * 201, "a\x00b"])
def test_a_malformed_name_is_refused(database: Database, name: str) -> None:
    with database.transaction_as("app") as tx, pytest.raises(Problem, match="tenant_name_invalid"):
        ensure_tenant(tx, "acme", name, sandbox=False, now=NOW)


def test_two_keys_of_one_number_are_told_apart(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tenant(database, "acme")
    monkeypatch.setattr("guerdon.programs.tenants.tenant_id_of", lambda _: tenant_id_of("acme"))
    with database.transaction_as("app") as tx, pytest.raises(Problem, match="tenant_key_taken"):
        ensure_tenant(tx, "other", "Other", sandbox=False, now=NOW)


def test_the_lookup_role_sees_all_tenants_and_the_app_its_own(database: Database) -> None:
    one, two = make_tenant(database, "one"), make_tenant(database, "two")
    with database.transaction_as("lookup") as tx:
        tenants = list_tenants(tx)
    assert [(tenant.tenant_id, tenant.key) for tenant in tenants] == [(one, "one"), (two, "two")]
    with database.transaction(two) as tx:
        assert list_tenants(tx) == [replace(tenants[1])]
