"""Doors: where another system leaves its orders, with its signature and mapping."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from psycopg.types.json import Jsonb

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.connect.hooks.mapping import OrderMapping, check_mapping
from guerdon.connect.hooks.signature import Signature
from guerdon.infra.tx import Tx

DOORS_AT_MOST: Final = 100
_COLUMNS: Final = "hook_id, tenant_id, program, description, mapping, signature, enrol, secret, created_at"
_SELECT: Final = f"select {_COLUMNS} from order_hooks"  # noqa: S608 - a list of columns of ours
_INSERT: Final = """
insert into order_hooks (hook_id, program_id, program, description, mapping, signature, enrol, secret,
    created_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_PREFIX: Final = "hook"


class NewDoor(NamedTuple):
    """What a door is made with."""

    hook_id: int
    program_id: int
    program: str
    mapping: OrderMapping
    signature: Signature
    sealed: bytes
    """Its secret, sealed for `owner_of`."""
    now: datetime
    description: str = ""
    enrol: bool = False
    """Whether a subject that is not known yet is enrolled."""


class Door(NamedTuple):
    """A door."""

    hook_id: int
    tenant_id: int
    program: str
    description: str
    mapping: OrderMapping
    signature: Signature
    enrol: bool
    sealed: bytes
    created_at: datetime


def owner_of(hook_id: int) -> str:
    """Name a door for the sealing of its secret.

    Args:
        hook_id: which.

    Returns:
        A text of its own.
    """
    return f"hook:{hook_id}"


def shown_id(hook_id: int) -> str:
    """Write a door's id as people see it.

    Args:
        hook_id: which.

    Returns:
        Text such as `hook_01h8xj3q0abcd`.
    """
    return number_text(_PREFIX, hook_id)


def parse_id(text: str) -> int:
    """Read back what `shown_id` wrote.

    Args:
        text: what was typed.

    Returns:
        The id.

    Raises:
        Problem: `hook_not_found`.
    """
    number = parse_number(_PREFIX, text)
    if number is None:
        raise Problem("hook_not_found", "there is no such hook")
    return number


def add_door(tx: Tx, new: NewDoor) -> None:
    """Store a door.

    Args:
        tx: bound to the tenant.
        new: what it is made with.

    Raises:
        Problem: `mapping_invalid` or `too_many_hooks`.
    """
    check_mapping(new.mapping)
    row = tx.execute("select count(*) from order_hooks").fetchone()
    if row is not None and row[0] >= DOORS_AT_MOST:
        raise Problem("too_many_hooks", f"a tenant has at most {DOORS_AT_MOST} hooks: delete one")
    mapping, signature = (Jsonb(msgspec.to_builtins(one)) for one in (new.mapping, new.signature))
    values = (new.hook_id, new.program_id, new.program, new.description, mapping, signature)
    tx.execute(_INSERT, (*values, new.enrol, new.sealed, new.now))


def find_door(lookup_tx: Tx, hook_id: int) -> Door | None:
    """Find a door before its tenant is known.

    Args:
        lookup_tx: a transaction under the lookup role.
        hook_id: which.

    Returns:
        The door, None where there is none.
    """
    row = lookup_tx.execute(f"{_SELECT} where hook_id = %s", (hook_id,)).fetchone()
    return _door(row) if row is not None else None


def get_door(tx: Tx, hook_id: int) -> Door:
    """Give one door.

    Args:
        tx: bound to the tenant.
        hook_id: which.

    Returns:
        The door.

    Raises:
        Problem: `hook_not_found`.
    """
    found = find_door(tx, hook_id)
    if found is None:
        raise Problem("hook_not_found", "there is no such hook")
    return found


def list_doors(tx: Tx, limit: int, after: int = 0) -> list[Door]:
    """Give a page of a tenant's doors, oldest first.

    Args:
        tx: bound to the tenant.
        limit: most doors.
        after: the last one of the page before.

    Returns:
        The doors.
    """
    rows = tx.execute(f"{_SELECT} where hook_id > %s order by hook_id limit %s", (after, limit))
    return [_door(row) for row in rows]


def remove_door(tx: Tx, hook_id: int) -> None:
    """Delete a door; what came through it stays.

    Args:
        tx: bound to the tenant.
        hook_id: which.

    Raises:
        Problem: `hook_not_found`.
    """
    if tx.execute("delete from order_hooks where hook_id = %s", (hook_id,)).rowcount == 0:
        raise Problem("hook_not_found", "there is no such hook")


def _door(row: tuple[Any, ...]) -> Door:
    mapping, signature = msgspec.convert(row[4], OrderMapping), msgspec.convert(row[5], Signature)
    return Door._make((*row[:4], mapping, signature, row[6], bytes(row[7]), row[8]))
