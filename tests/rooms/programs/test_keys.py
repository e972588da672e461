"""API keys: shown once, stored as hashes, ended at once."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.programs.keys import (
    NewKey,
    Rotation,
    create_key,
    ensure_key,
    find_key,
    get_key,
    list_keys,
    note_use,
    revoke_key,
    rotate_key,
)
from tests.rooms.places import NOW, make_ids, make_tenant

NEW = NewKey("Shop", ("events:write", "members:read"), "system", NOW)
BITS = random.Random(7).getrandbits


def test_a_key_leads_to_its_tenant(database: Database) -> None:
    tenant_id = make_tenant(database, sandbox=True)
    with database.transaction(tenant_id) as tx:
        presented, made = create_key(tx, NEW, make_ids(), BITS)
    with database.transaction_as("lookup") as tx:
        found = find_key(tx, presented)
        assert found == made
        assert find_key(tx, presented[:-1] + "x") is None
        assert find_key(tx, "gk_") is None
        assert find_key(tx, "gk_" + "é" * 30) is None
    assert (made.tenant_id, made.sandbox) == (tenant_id, True)
    assert presented.startswith(made.prefix)
    assert len(presented) - len(made.prefix) == 34, "what is shown gives nothing away"
    assert made.allows("events:write")
    assert not made.allows("events:read")


def test_the_key_itself_is_nowhere(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        presented, made = create_key(tx, NEW, make_ids(), BITS)
        stored = tx.execute("select k::text from api_keys k").fetchall()
    secret = presented.removeprefix(made.prefix)
    assert len(stored) == 1
    assert secret not in stored[0][0]
    assert secret.encode().hex() not in stored[0][0]


def test_ended_keys_open_nothing(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        expiring, _ = create_key(tx, replace(NEW, expires_at=NOW + timedelta(days=1)), make_ids(), BITS)
        revoked, record = create_key(tx, NEW, make_ids(2), BITS)
        revoke_key(tx, record.key_id, NOW)
        revoke_key(tx, record.key_id, NOW + timedelta(days=1))
        assert [key.revoked_at for key in list_keys(tx)] == [None, NOW], "the first time counts"
        with pytest.raises(Problem, match="key_not_found"):
            revoke_key(tx, 1, NOW)
    with database.transaction_as("lookup") as tx:
        found = find_key(tx, expiring)
        assert found is not None
        assert not found.has_expired(NOW + timedelta(hours=23))
        assert found.has_expired(NOW + timedelta(days=1))
        assert find_key(tx, revoked) is None


def test_a_given_key_is_made_to_exist_once(database: Database) -> None:
    tenant_id = make_tenant(database)
    key = "gk_local-demo"
    with database.transaction(tenant_id) as tx:
        first = ensure_key(tx, key, replace(NEW, scopes=("all",)), make_ids())
        again = ensure_key(tx, key, NEW, make_ids(2))
        assert first == again
        assert first.allows("members:write")
        assert len(list_keys(tx)) == 1
    with database.transaction_as("lookup") as tx:
        assert find_key(tx, key) == first


def test_one_key_cannot_belong_to_two_tenants(database: Database) -> None:
    one, two = make_tenant(database, "one"), make_tenant(database, "two")
    with database.transaction(one) as tx:
        ensure_key(tx, "gk_0123456789abcdef", NEW, make_ids())
    with database.transaction(two) as tx:
        with pytest.raises(Problem, match="key_taken"):
            ensure_key(tx, "gk_0123456789abcdef", NEW, make_ids(2))
        assert list_keys(tx) == []


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (replace(NEW, scopes=("events:wrote",)), "scope_unknown"),
        (replace(NEW, scopes=()), "scope_unknown"),
        (replace(NEW, name=""), "key_name_invalid"),
        (replace(NEW, name="a\nb"), "key_name_invalid"),
        (replace(NEW, expires_at=NOW), "key_expiry_invalid"),
        (replace(NEW, rate_limit=-1), "rate_limit_invalid"),
        (replace(NEW, rate_limit=1_000_001), "rate_limit_invalid"),
    ],
)
def test_wrong_keys_are_not_made(database: Database, new: NewKey, code: str) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx, pytest.raises(Problem, match=code):
        create_key(tx, new, make_ids(), BITS)


@pytest.mark.parametrize(
    "presented", ["", "gk_abc", "sk_0123456789abcdef", "gk_0123456789 bcdef", "gk_" + "a" * 121]
)
def test_malformed_keys_are_not_made(database: Database, presented: str) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx, pytest.raises(Problem, match="key_malformed"):
        ensure_key(tx, presented, NEW, make_ids())


def test_a_rotated_key_and_its_heir_open_side_by_side_for_a_while(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        first, old = create_key(tx, replace(NEW, rate_limit=7), make_ids(), BITS)
        wanted = Rotation(old.key_id, "key:gk_x", NOW, timedelta(hours=24))
        second, heir = rotate_key(tx, wanted, make_ids(2), BITS)
        with pytest.raises(Problem, match="key_ended"):
            rotate_key(tx, wanted, make_ids(3), BITS)
    assert (heir.name, heir.scopes, heir.rate_limit, heir.expires_at) == (old.name, old.scopes, 7, None)
    with database.transaction_as("lookup") as tx:
        found, after = find_key(tx, first), find_key(tx, second)
    assert found is not None
    assert after == heir
    assert (found.replaced_by, found.expires_at) == (heir.key_id, NOW + timedelta(hours=24))


def test_rotation_never_lengthens_a_key(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        _, old = create_key(tx, replace(NEW, expires_at=NOW + timedelta(hours=1)), make_ids(), BITS)
        rotate_key(tx, Rotation(old.key_id, "system", NOW, timedelta(days=1)), make_ids(2), BITS)
        assert get_key(tx, old.key_id).expires_at == NOW + timedelta(hours=1)
        for overlap in (timedelta(days=31), timedelta(seconds=-1)):
            with pytest.raises(Problem, match="key_overlap_invalid"):
                rotate_key(tx, Rotation(old.key_id, "system", NOW, overlap), make_ids(3), BITS)
        with pytest.raises(Problem, match="key_not_found"):
            rotate_key(tx, Rotation(1, "system", NOW, timedelta()), make_ids(3), BITS)


def test_use_is_noted_to_the_minute(database: Database) -> None:
    tenant_id = make_tenant(database)
    with database.transaction(tenant_id) as tx:
        _, made = create_key(tx, NEW, make_ids(), BITS)
        assert made.last_used_at is None
        note_use(tx, made, NOW)
        used = get_key(tx, made.key_id)
        assert used.last_used_at == NOW
        note_use(tx, used, NOW + timedelta(seconds=59))
        assert get_key(tx, made.key_id).last_used_at == NOW
        note_use(tx, used, NOW + timedelta(minutes=1))
        assert get_key(tx, made.key_id).last_used_at == NOW + timedelta(minutes=1)
