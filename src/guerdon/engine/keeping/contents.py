"""What is in a database, as its backup tells it: tenants, programs, and how far each log has come."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from guerdon.infra.roles import ROLES, SCHEMA, RoleName
from guerdon.infra.tx import Tx, set_tenant
from guerdon.ledger.log import find_last_signed, load_head, origin_of
from guerdon.programs.programs import list_programs
from guerdon.programs.tenants import list_tenants


def read_contents(tx: Tx) -> list[dict[str, Any]]:
    """Read what is in a database, each tenant under its own fence.

    Args:
        tx: repeatable read, of a login that may become Guerdon's roles; it is that login again afterwards.

    Returns:
        By tenant its key, name and programs; by program its live version, and its log's size, root and newest
        signed head.
    """
    tx.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(SCHEMA)))
    _become(tx, "lookup")
    found = []
    for tenant in list_tenants(tx):
        _become(tx, "app")
        set_tenant(tx, tenant.tenant_id)
        programs = []
        for live in list_programs(tx):
            head, signed = load_head(tx, live.program_id), find_last_signed(tx, live.program_id)
            log = {
                "origin": origin_of(tx, live.key),
                "size": head.size,
                "root": head.root.hex(),
                "checkpoint": None if signed is None else signed.note,
            }
            programs.append({"program": live.key, "version": live.version, "log": log})
        found.append({"tenant": tenant.key, "name": tenant.name, "programs": programs})
    tx.execute("reset role")
    return found


def _become(tx: Tx, role: RoleName) -> None:
    tx.execute("reset role")
    tx.execute(sql.SQL("set local role {}").format(sql.Identifier(ROLES[role])))
