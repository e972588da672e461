"""Tenants: the organisations that run programs here."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx, set_tenant

_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Tenant:
    """One organisation."""

    tenant_id: int
    key: str
    name: str
    sandbox: bool
    """A sandbox honours test clocks."""


def tenant_id_of(key: str) -> int:
    """Work out a tenant's number from its key, so that nobody need look across tenants to begin.

    Args:
        key: the tenant's key, `[a-z][a-z0-9_-]*`, at most 63 letters.

    Returns:
        The number, 1 … 2**63 - 1.

    Raises:
        Problem: `tenant_key_invalid`.
    """
    if _KEY.fullmatch(key) is None:
        detail = "a tenant's key is a small letter and then up to 62 small letters, digits, `-` or `_`"
        raise Problem("tenant_key_invalid", detail)
    digest = hashlib.sha256(b"guerdon tenant\0" + key.encode("ascii")).digest()
    return int.from_bytes(digest[:8], "big") % (2**63 - 1) + 1


def ensure_tenant(tx: Tx, key: str, name: str, *, sandbox: bool, now: datetime) -> Tenant:
    """Make a tenant exist and bind the transaction to it.

    Args:
        tx: a fresh transaction, or one that is bound to this very tenant.
        key: the tenant's key.
        name: what people call it, used where it is new; up to 200 characters.
        sandbox: whether test clocks are honoured, used where it is new.
        now: when it is made.

    Returns:
        The tenant as it stands.

    Raises:
        Problem: `tenant_key_invalid`, `tenant_name_invalid`, or `tenant_key_taken` where another key has
            the same number.
    """
    tenant_id = tenant_id_of(key)
    if not 0 < len(name) <= _NAME_LENGTH or not name.isprintable():
        raise Problem("tenant_name_invalid", f"a tenant's name has 1 to {_NAME_LENGTH} printable characters")
    set_tenant(tx, tenant_id)
    tx.execute(
        "insert into tenants (tenant_id, key, name, sandbox, created_at) values (%s, %s, %s, %s, %s)"
        " on conflict do nothing",
        (tenant_id, key, name, sandbox, now),
    )
    tenant = find_tenant(tx)
    if tenant is None or tenant.key != key:
        raise Problem("tenant_key_taken", "another tenant's key leads to the same number: choose another key")
    return tenant


def find_tenant(tx: Tx) -> Tenant | None:
    """Find the tenant that a transaction is bound to.

    Args:
        tx: bound to a tenant.

    Returns:
        The tenant, None where it has not been made.
    """
    row = tx.execute("select tenant_id, key, name, sandbox from tenants").fetchone()
    return Tenant(*row) if row is not None else None


def list_tenants(lookup_tx: Tx) -> list[Tenant]:
    """List all tenants, for jobs that serve each in turn.

    Args:
        lookup_tx: a transaction under the lookup role.

    Returns:
        All tenants by key; there are few.
    """
    rows = lookup_tx.execute("select tenant_id, key, name, sandbox from tenants order by key")
    return [Tenant(*row) for row in rows]
