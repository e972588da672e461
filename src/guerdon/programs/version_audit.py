"""Programs and their versions are what was applied: digests, numbers, texts that say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.rules.compiling import identities_of
from guerdon.rules.definition import load_definition

_VERSIONS = """
select coalesce(p.program_id, v.program_id), p.key, p.live_version, v.version, v.definition_sha256,
    v.canonical, v.source_text, v.metrics_since
from programs p full join program_versions v on v.program_id = p.program_id
order by 1, v.version
"""
_DEFINITION = "select canonical from program_versions where program_id = %s and version = %s"
_COUNTERS = "select program_id, counter, used, bound from shared_counters order by program_id, counter"


def check_programs(tx: Tx) -> Iterator[Finding]:
    """Compare each version with its digest, its text and its neighbours.

    Args:
        tx: bound to the tenant.

    Yields:
        What does not hold.
    """
    with tx.cursor(name="check_versions") as cursor:
        cursor.itersize = 10
        for program_id, rows in groupby(cursor.execute(_VERSIONS), key=lambda row: row[0]):
            yield from _check_program(program_id, rows)


def _check_program(program_id: int, rows: Iterator[tuple[Any, ...]]) -> Iterator[Finding]:
    shown = number_text("prg", program_id)
    key, live, count = None, 0, 0
    since = _Since()
    for _, key, live, version, *rest, told in rows:  # noqa: B007 - the last row's are compared below
        if version is None:
            continue
        count += 1
        place = f"{key or shown} version {version}"
        if version != count:
            yield Finding(
                "version_number", "program_versions", place, f"version {count}", f"version {version}"
            )
            count = version
        yield from _check_text(place, key, rest)
        yield from since.check(place, version, (bytes(rest[1]), told))
    if key is None:
        yield Finding("program_missing", "programs", shown, "a program, for it has versions", "none")
    elif live != count:
        yield Finding("live_version", "programs", key, f"version {count} live", f"version {live} live")


def _check_text(place: str, key: str | None, stored: list[Any]) -> Iterator[Finding]:
    digest, canonical, text = stored
    right = hashlib.sha256(canonical).digest()
    if right != digest:
        yield Finding("definition_digest", "program_versions", place, right.hex(), digest.hex())
    try:
        definition = load_definition(canonical)
        same = load_definition(text) == definition
    except Problem as problem:
        yield Finding("definition_text", "program_versions", place, "a definition", problem.code)
        return
    if not same:
        detail = "a text that says something else"
        yield Finding("definition_text", "program_versions", place, "the text of the definition", detail)
    if key is not None and definition.program != key:
        yield Finding("program_key", "programs", place, definition.program, key)


class _Since:
    """Follows from which version on metrics were counted as events came."""

    def __init__(self) -> None:
        self._known: frozenset[str] | None = None
        self._since = 0

    def check(self, place: str, version: int, said: tuple[bytes, int]) -> Iterator[Finding]:
        """Compare what a version says of it with its text and those before it."""
        canonical, told = said
        try:
            names = identities_of(load_definition(canonical))
        except Problem:
            # That the text is none is told beside.
            return
        if self._known is None or not names <= self._known:
            self._since = version
        self._known = names
        if told != self._since:
            yield Finding("metrics_since", "program_versions", place, str(self._since), str(told))


def list_counters(tx: Tx) -> Iterator[tuple[Any, ...]]:
    """Stream the counters that accounts share.

    Args:
        tx: bound to the tenant.

    Yields:
        Program, counter, how much is used, and the bound or None.
    """
    with tx.cursor(name="check_counters") as cursor:
        yield from cursor.execute(_COUNTERS)


def find_definition(tx: Tx, program_id: int, version: int) -> bytes | None:
    """Find the text by which a version decided.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        version: which one.

    Returns:
        Canonical bytes, None where there is no such version.
    """
    row = tx.execute(_DEFINITION, (program_id, version)).fetchone()
    return bytes(row[0]) if row is not None else None
