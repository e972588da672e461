"""Whom a body means that names a member by what they are called elsewhere, such as a handle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.rules.program import Program

PREFIX: Final = "attribute:"
"""A subject `attribute:instagram:ananya` is the member whose attribute `instagram` is `ananya`."""
_FIND: Final = """
select member_id from members
where program_id = %s and attributes @> any(%s::jsonb[]) and erased_at is null limit 2
"""
_LONGEST: Final = 200
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def name_members(tx: Tx, where: tuple[int, Program], raws: Sequence[bytes]) -> list[bytes]:
    """Put members' ids where a mapping said an attribute of theirs.

    Args:
        tx: bound to the tenant.
        where: the program's number and its live version, whose attributes are meant.
        raws: CloudEvents in JSON, as a mapping made them.

    Returns:
        The events; those with any other subject as they were.

    Raises:
        Problem: `reference_invalid`, `attribute_personal`, `member_not_found` or `member_ambiguous`; nothing
            is taken in then.
    """
    return [_named(tx, where, raw) for raw in raws]


def _named(tx: Tx, where: tuple[int, Program], raw: bytes) -> bytes:
    if PREFIX.encode() not in raw:
        return raw
    event: Any = _DECODER.decode(raw)
    subject = event.get("subject")
    if not isinstance(subject, str) or not subject.startswith(PREFIX):
        return raw
    name, colon, value = subject.removeprefix(PREFIX).partition(":")
    if not colon or not 0 < len(value) <= _LONGEST:
        detail = "expected `attribute:<name>:<value>`, such as attribute:instagram:ananya"
        raise Problem.at("/subject", "reference_invalid", detail)
    return _ENCODER.encode({**event, "subject": number_text("mem", _find(tx, where, name, value))})


def _find(tx: Tx, where: tuple[int, Program], name: str, value: str) -> int:
    program_id, program = where
    declared = program.definition.attributes.get(name)
    if declared is None:
        raise Problem.at("/subject", "reference_invalid", f"the program declares no attribute {name[:60]!r}")
    if declared.personal:
        detail = f"the attribute {name!r} is personal: it is sealed, and nobody is found by it"
        raise Problem.at("/subject", "attribute_personal", detail)
    # Handles are written with and without their sign, and in any case.
    plain = value.strip().removeprefix("@")
    meant = {value, plain, plain.casefold(), f"@{plain}", f"@{plain.casefold()}"}
    rows = tx.execute(_FIND, (program_id, [json.dumps({name: one}) for one in sorted(meant)])).fetchall()
    if not rows:
        raise Problem.at("/subject", "member_not_found", "nobody here is meant by this reference")
    if len(rows) > 1:
        raise Problem.at("/subject", "member_ambiguous", f"several members have this {name}")
    return int(rows[0][0])
