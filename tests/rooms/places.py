"""Tenants, programs and makers of ids for the tests of rooms."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime

from guerdon.base.ids import Chance, IdMaker
from guerdon.infra.db import Database
from guerdon.programs.tenants import ensure_tenant, tenant_id_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MASTER_KEY = bytes(range(32))
_MILLISECONDS = itertools.count(1_790_000_000_000)


def make_ids(seed: int = 1) -> IdMaker:
    """Make a repeatable maker of ids whose clock never stands still."""
    return IdMaker(lambda: next(_MILLISECONDS), random.Random(seed).getrandbits)


def make_chance(seed: int = 1) -> Chance:
    """Make a repeatable source of randomness."""
    return Chance(seed.to_bytes(8, "big"))


def make_tenant(database: Database, key: str = "demo", *, sandbox: bool = False) -> int:
    """Make a tenant exist and give its number."""
    tenant_id = tenant_id_of(key)
    with database.transaction(tenant_id) as tx:
        ensure_tenant(tx, key, key.title(), sandbox=sandbox, now=NOW)
    return tenant_id
