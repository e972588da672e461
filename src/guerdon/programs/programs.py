"""Programs and their versions: which definition is live, and all that were."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record
from guerdon.programs.changes import InUse, check_change, retired_in
from guerdon.rules.compiling import compile_program, identities_of
from guerdon.rules.definition import Definition, canonical_bytes, definition_text, load_definition


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """Which version of a program is live; enough where the definition itself is in a cache."""

    program_id: int
    key: str
    version: int


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a program's definition."""

    program_id: int
    key: str
    version: int
    live: bool
    canonical: bytes
    """The definition's canonical bytes, JSON in UTF-8."""
    source_text: str
    """The document as it was sent."""
    applied_by: str
    applied_at: datetime
    metrics_since: int
    """The earliest version since which all of its metrics are counted as events come."""


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version without its text, for lists."""

    version: int
    sha256: str
    applied_by: str
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class NewDefinition:
    """A definition that somebody applies."""

    definition: Definition
    source_text: str
    actor: str
    now: datetime
    in_use: InUse = field(default_factory=InUse)
    back_to: int | None = None
    """The version whose text this is, where it is had back."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AppliedVersion:
    """What became of applying a definition."""

    program_id: int
    key: str
    version: int
    changed: bool
    """False where the live version says the same already."""


_VERSION = """
select p.program_id, p.key, v.version, v.version = p.live_version, v.canonical, v.source_text,
    v.applied_by, v.applied_at, v.metrics_since
from programs p join program_versions v on v.program_id = p.program_id
where p.key = %s and v.version = coalesce(%s, p.live_version)
"""


def apply_definition(tx: Tx, new: NewDefinition, ids: IdMaker) -> AppliedVersion:
    """Make a definition live: the program's first version, or its next.

    Args:
        tx: bound to the tenant, which exists.
        new: the definition, its text, who applies it and what is held.
        ids: maker of identifiers.

    Returns:
        The live version; no new one where the live one says the same.

    Raises:
        Problem: what `check_change` raises.
    """
    key = new.definition.program
    canonical = canonical_bytes(new.definition)
    tx.execute(
        "insert into programs (program_id, key, live_version, created_at) values (%s, %s, 0, %s)"
        " on conflict (tenant_id, key) do nothing",
        (ids.number(), key, new.now),
    )
    # The row is the lock under which versions are numbered.
    locking = "select program_id, live_version from programs where key = %s for update"
    row = tx.execute(locking, (key,)).fetchone()
    assert row is not None
    program_id, live = int(row[0]), int(row[1])
    # What people hold is judged when nobody is deciding by the version that knew it (`hold_version`).
    tx.execute("select pg_advisory_xact_lock(%s)", (program_id,))
    version, metrics_since = live + 1, live + 1
    if live:
        standing = get_version(tx, key, live)
        if standing.canonical == canonical:
            return AppliedVersion(program_id, key, live, changed=False)
        check_change(standing.canonical, canonical, new.in_use)
        if identities_of(new.definition) <= identities_of(load_definition(standing.canonical)):
            metrics_since = standing.metrics_since
    digest = hashlib.sha256(canonical).digest()
    tx.execute(
        "insert into program_versions"
        " (program_id, version, definition_sha256, canonical, source_text, applied_by, applied_at,"
        " metrics_since) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (program_id, version, digest, canonical, new.source_text, new.actor, new.now, metrics_since),
    )
    tx.execute("update programs set live_version = %s where program_id = %s", (version, program_id))
    detail: dict[str, Any] = {"version": version, "sha256": digest.hex()}
    if new.reason:
        detail["reason"] = new.reason
    action = "program.applied"
    if new.back_to is not None:
        action, detail["back_to"] = "program.rolled_back", new.back_to
    record(tx, Act(new.now, new.actor, action, f"program:{key}", program_id, detail), ids)
    return AppliedVersion(program_id, key, version, changed=True)


@dataclass(frozen=True, slots=True)
class RollingBack:
    """Somebody wants an earlier version back."""

    key: str
    """The program's key."""
    version: int
    """The version whose text is to be live again."""
    actor: str
    now: datetime
    in_use: InUse = field(default_factory=InUse)
    reason: str = ""
    """Kept in the audit trail."""


def roll_back(tx: Tx, wanted: RollingBack, ids: IdMaker) -> AppliedVersion:
    """Make an earlier text live again, as a new version: the history of versions only grows.

    Args:
        tx: bound to the tenant.
        wanted: which version, and who wants it.
        ids: maker of identifiers.

    Returns:
        The live version; no new one where the live one says the same.

    Raises:
        Problem: `program_version_not_found`, and what `check_change` raises: people may hold what the earlier
            text did not know.
    """
    found = get_version(tx, wanted.key, wanted.version)
    definition = load_definition(found.canonical)
    # What was accepted then must compile now as well.
    compile_program(definition, 0)
    new = NewDefinition(
        definition,
        found.source_text,
        wanted.actor,
        wanted.now,
        wanted.in_use,
        back_to=wanted.version,
        reason=wanted.reason,
    )
    return apply_definition(tx, new, ids)


def exported_text(version: Version) -> str:
    """Give the text from which a version can be applied again.

    Args:
        version: the version.

    Returns:
        YAML: the very document where YAML was sent, with its comments; else the definition as YAML.
    """
    return readable_text(version.source_text)


def readable_text(source_text: str) -> str:
    """Give a definition's document as YAML.

    Args:
        source_text: a document that loads.

    Returns:
        The very document where it is YAML, with its comments; else the definition as YAML.
    """
    if source_text.lstrip()[:1] not in ("{", "["):
        return source_text
    return definition_text(load_definition(source_text))


def check_definition(tx: Tx, definition: Definition, in_use: InUse) -> AppliedVersion | None:
    """Tell what applying a definition would come to, without doing it.

    Args:
        tx: bound to the tenant.
        definition: the definition.
        in_use: what is held.

    Returns:
        The version that would be live then; None where the program would be new.

    Raises:
        Problem: what `check_change` raises.
    """
    live = find_live(tx, definition.program)
    if live is None:
        return None
    canonical = canonical_bytes(definition)
    changed = live.canonical != canonical
    if changed:
        check_change(live.canonical, canonical, in_use)
    return AppliedVersion(live.program_id, live.key, live.version + changed, changed)


def ask_live(tx: Tx, key: str) -> Callable[[], LiveVersion | None]:
    """Ask which version of a program is live.

    Args:
        tx: bound to the tenant.
        key: the program's key.

    Returns:
        What reads the answer, None for an unknown program. In a pipeline it may be called later.
    """
    query = "select program_id, key, live_version from programs where key = %s and live_version > 0"
    cursor = tx.execute(query, (key,))

    def read() -> LiveVersion | None:
        row = cursor.fetchone()
        return LiveVersion(*row) if row is not None else None

    return read


def hold_version(tx: Tx, program_id: int) -> None:
    """Keep a program's version from changing until the transaction ends; others may hold it as well.

    Args:
        tx: bound to the tenant, perhaps in pipeline mode; it asks for the live version afterwards.
        program_id: which program.
    """
    tx.execute("select pg_advisory_xact_lock_shared(%s)", (program_id,))


def await_holders(tx: Tx, program_id: int) -> None:
    """Wait until every transaction that holds a program's version now has ended.

    Args:
        tx: bound to the tenant; it keeps others from holding the version until it ends.
        program_id: which program.
    """
    tx.execute("select pg_advisory_xact_lock(%s)", (program_id,))


def find_live(tx: Tx, key: str) -> Version | None:
    """Find a program's live definition.

    Args:
        tx: bound to the tenant.
        key: the program's key.

    Returns:
        The live version, None for an unknown program.
    """
    return _find(tx, key, None)


def get_live(tx: Tx, key: str) -> Version:
    """Get a program's live definition.

    Args:
        tx: bound to the tenant.
        key: the program's key.

    Returns:
        The live version.

    Raises:
        Problem: `program_not_found`.
    """
    live = _find(tx, key, None)
    if live is None:
        raise Problem("program_not_found", "there is no such program")
    return live


def get_version(tx: Tx, key: str, version: int) -> Version:
    """Get one version of a program's definition.

    Args:
        tx: bound to the tenant.
        key: the program's key.
        version: its number, from 1.

    Returns:
        The version.

    Raises:
        Problem: `program_version_not_found`.
    """
    found = _find(tx, key, version)
    if found is None:
        raise Problem("program_version_not_found", "there is no such version of a program")
    return found


def list_versions(tx: Tx, key: str) -> list[VersionLine]:
    """List all versions of a program.

    Args:
        tx: bound to the tenant.
        key: the program's key.

    Returns:
        All its versions, newest first, without their texts.
    """
    rows = tx.execute(
        "select v.version, encode(v.definition_sha256, 'hex'), v.applied_by, v.applied_at"
        " from programs p join program_versions v on v.program_id = p.program_id"
        " where p.key = %s order by v.version desc",
        (key,),
    )
    return [VersionLine(*row) for row in rows]


def key_of(tx: Tx, program_id: int) -> str:
    """Tell the key of a program that is known by its number.

    Args:
        tx: bound to the tenant.
        program_id: which.

    Returns:
        The key.

    Raises:
        Problem: `program_not_found`.
    """
    row = tx.execute("select key from programs where program_id = %s", (program_id,)).fetchone()
    if row is None:
        raise Problem("program_not_found", "there is no such program")
    return str(row[0])


def list_programs(tx: Tx) -> list[LiveVersion]:
    """List a tenant's programs.

    Args:
        tx: bound to the tenant.

    Returns:
        All its programs by key.
    """
    query = "select program_id, key, live_version from programs where live_version > 0 order by key"
    rows = tx.execute(query)
    return [LiveVersion(*row) for row in rows]


def list_retired(tx: Tx, live: LiveVersion) -> tuple[str, ...]:
    """List the wallets that a version gives up, whether or not anybody still holds units of them.

    Args:
        tx: bound to the tenant.
        live: which version of which program.

    Returns:
        Their keys in order.
    """
    canonical = get_version(tx, live.key, live.version).canonical
    return tuple(sorted(retired_in(canonical)))


def _find(tx: Tx, key: str, version: int | None) -> Version | None:
    row = tx.execute(_VERSION, (key, version)).fetchone()
    return Version(*row) if row is not None else None
