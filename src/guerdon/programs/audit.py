"""The audit trail: who did what, when and to what; rows are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from guerdon.base.ids import IdMaker
from guerdon.infra.tx import Tx


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody did."""

    at: datetime
    actor: str
    """Who: `key:<prefix>`, `staff:<id>` or `system`; never a member's name."""
    action: str
    """A dotted word such as `program.applied`."""
    object: str
    """What it was done to, as people see it: `program:backpack-club`, `mem_…`."""
    program_id: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Figures and keys that explain it; nothing that names a person."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An act as it was written down."""

    audit_id: UUID
    act: Act


def record(tx: Tx, act: Act, ids: IdMaker) -> UUID:
    """Write down an act, in the transaction that does it.

    Args:
        tx: bound to the tenant.
        act: who did what.
        ids: maker of identifiers.

    Returns:
        The row's identifier.
    """
    audit_id = ids.uuid()
    tx.execute(
        "insert into audit (audit_id, program_id, at, actor, action, object, detail)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (audit_id, act.program_id, act.at, act.actor, act.action, act.object, Jsonb(dict(act.detail))),
    )
    return audit_id


def list_acts(tx: Tx, *, about: str = "", before: UUID | None = None, limit: int = 100) -> list[AuditRow]:
    """List acts, newest first.

    Args:
        tx: bound to the tenant.
        about: only acts on this object; empty for all.
        before: only acts older than this row, the last one of the page before.
        limit: how many rows at most.

    Returns:
        A page of rows.
    """
    rows = tx.execute(
        "select audit_id, at, actor, action, object, program_id, detail from audit"
        " where (%(about)s = '' or object = %(about)s)"
        " and (%(before)s::uuid is null or audit_id < %(before)s)"
        " order by audit_id desc limit %(limit)s",
        {"about": about, "before": before, "limit": limit},
    )
    return [AuditRow(audit_id, Act(*rest)) for audit_id, *rest in rows]


def list_acts_of(tx: Tx, action: str) -> list[Act]:
    """List all acts of one kind, the oldest first.

    Args:
        tx: bound to the tenant.
        action: its dotted word.

    Returns:
        The acts.
    """
    rows = tx.execute(
        "select at, actor, action, object, program_id, detail from audit where action = %s order by audit_id",
        (action,),
    )
    return [Act(*row) for row in rows]
