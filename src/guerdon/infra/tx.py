"""A transaction, and how one begins."""

from __future__ import annotations

from typing import Any

import psycopg

Tx = psycopg.Connection[tuple[Any, ...]]
"""A connection inside a transaction: the first argument of whatever touches the database."""

_MAX_TENANT = 2**63 - 1


def set_tenant(tx: Tx, tenant_id: int) -> None:
    """Make a transaction see one tenant's rows only; must be its first statement.

    Args:
        tx: a connection outside of a transaction, or at its beginning.
        tenant_id: the tenant, 1 … 2**63 - 1.

    Raises:
        ValueError: for a number that no tenant has.
    """
    tx.execute(tenant_statement(tenant_id))


def tenant_statement(tenant_id: int) -> bytes:
    """Write the statement that binds a transaction to a tenant, for use in a pipeline.

    Args:
        tenant_id: the tenant, 1 … 2**63 - 1.

    Returns:
        One SQL statement.

    Raises:
        ValueError: for a number that no tenant has.
    """
    # SET takes no parameters, so the number goes into the text: as an int, checked.
    if type(tenant_id) is not int or not 0 < tenant_id <= _MAX_TENANT:
        raise ValueError(f"not a tenant id: {tenant_id!r}")
    return b"set local guerdon.tenant = '%d'" % tenant_id
