"""Keys: nothing opens with another master key, tenant, member or purpose."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guerdon.base.errors import Problem
from guerdon.members.crypto import Vault
from tests.rooms.places import MASTER_KEY

VAULT = Vault(MASTER_KEY, 1)


def test_what_is_sealed_opens_again() -> None:
    wrapped, key = VAULT.make_key(7)
    sealed = key.seal("profile", b"Ada Lovelace")
    assert VAULT.open_key(7, wrapped).open("profile", sealed) == b"Ada Lovelace"
    assert b"Ada" not in sealed
    assert (len(wrapped), len(sealed)) == (60, 12 + 28)
    assert key.seal("profile", b"Ada Lovelace") != sealed, "equal people look different"


def test_nothing_else_opens_it() -> None:
    wrapped, key = VAULT.make_key(7)
    sealed = key.seal("profile", b"Ada")
    attempts: list[Callable[[], object]] = [
        lambda: key.open("event:1", sealed),
        lambda: key.open("profile", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        lambda: key.open("profile", b""),
        lambda: VAULT.make_key(7)[1].open("profile", sealed),
        lambda: VAULT.open_key(8, wrapped),
        lambda: Vault(MASTER_KEY, 2).open_key(7, wrapped),
        lambda: Vault(bytes(32), 1).open_key(7, wrapped),
    ]
    for attempt in attempts:
        with pytest.raises(Problem, match="sealed_data_unreadable"):
            attempt()


def test_hashes_for_lookup_differ_by_kind_tenant_and_master_key() -> None:
    digests = {
        VAULT.digest("email", "a@b.c"),
        VAULT.digest("external", "a@b.c"),
        VAULT.digest("email", "a@b.d"),
        Vault(MASTER_KEY, 2).digest("email", "a@b.c"),
        Vault(bytes(32), 1).digest("email", "a@b.c"),
    }
    assert len(digests) == 5
    assert VAULT.digest("email", "a@b.c") == Vault(MASTER_KEY, 1).digest("email", "a@b.c")
    pinned = "2710b851ed1dbd21e43722cfd3bd5f2950290e9bc253bafb07afc5fabbe52cc7"
    assert VAULT.digest("email", "a@b.c").hex() == pinned, "it is in databases: it never changes"


def test_a_short_master_key_is_refused() -> None:
    with pytest.raises(Problem, match="master_key_invalid"):
        Vault(b"short", 1)
