"""What was seen of logs of others, and what witnesses signed of ours, agrees with what was signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.infra.walks import read_every_instant
from guerdon.rules.proofs.cosigned import read_cosignature, signer_of
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, read_checkpoint

_PAGE: Final = 200
_OWN: Final = "a head that its log signed"
_KEYS: Final = "select origin, key from witness_logs order by 1, 2"
_HEADS: Final = """
select origin, size, follows, root, note, seen_at from witness_heads order by origin, size
"""
_ALARMS: Final = """
select a.alarm_id, a.origin, a.kind, a.seen_size, a.digest, a.note, a.settled_at, a.settled_by,
    exists (select from witness_heads h where h.origin = a.origin and h.size = a.seen_size)
from witness_alarms a order by a.alarm_id
"""
_COSIGNED: Final = """
select s.program_id, s.size, s.witness, s.line, c.note from log_cosignatures s
left join log_checkpoints c on c.program_id = s.program_id and c.size = s.size
order by s.program_id, s.size, s.witness
"""
_Keys = Mapping[str, Sequence[NoteKey]]


def check_witnessed(tx: Tx, known: Sequence[NoteKey] = ()) -> Iterator[Finding]:
    """Check all that a tenant has seen and signed as a witness, and what witnesses signed of its logs.

    Args:
        tx: bound to the tenant, repeatable read where others are writing.
        known: public keys of witnesses, where the settings tell them; of what another key signed only the
            form is checked.

    Yields:
        What does not hold, in order of log and size.
    """
    keys: dict[str, list[NoteKey]] = {}
    for origin, text in tx.execute(_KEYS):
        try:
            key = NoteKey.read(text)
        except Problem as problem:
            yield _finding("witness_logs", f"{origin} {text[:60]}", ("a public key", problem.detail))
            continue
        if key.name != origin:
            yield _finding("witness_logs", f"{origin} {text[:60]}", (f"a key of {origin}", key.name))
        keys.setdefault(origin, []).append(key)
    yield from _check_heads(tx, keys)
    yield from _check_alarms(tx, keys)
    yield from _check_cosigned(tx, known)


def _check_heads(tx: Tx, keys: _Keys) -> Iterator[Finding]:
    with tx.cursor(name="check_witness_heads") as cursor:
        cursor.itersize = _PAGE
        read_every_instant(cursor)
        for origin, rows in groupby(cursor.execute(_HEADS), key=lambda row: row[0]):
            last: tuple[int, datetime] | None = None
            for _, size, follows, root, note, seen_at in rows:
                key = f"{origin} size {size}"
                before = None if last is None else last[0]
                if follows != before:
                    yield _finding("witness_heads", f"{key} follows", (before, follows))
                if last is not None and seen_at < last[1]:
                    yield _finding("witness_heads", f"{key} seen_at", (f"not before {last[1]}", seen_at))
                last = (size, seen_at)
                told = _signed(note, keys.get(origin, ()))
                if isinstance(told, Problem):
                    yield _finding("witness_heads", f"{key} note", (_OWN, told.detail))
                elif told != (origin, size, root):
                    yield _finding("witness_heads", key, (_shown(*told), _shown(origin, size, root)))


def _check_alarms(tx: Tx, keys: _Keys) -> Iterator[Finding]:
    with tx.cursor(name="check_witness_alarms") as cursor:
        cursor.itersize = _PAGE
        read_every_instant(cursor)
        for alarm_id, origin, kind, seen, digest, note, settled_at, by, is_seen in cursor.execute(_ALARMS):
            key = f"{number_text('alm', alarm_id)} {origin}"
            told = _signed(note, keys.get(origin, ()))
            if isinstance(told, Problem):
                yield _finding("witness_alarms", f"{key} note", (_OWN, told.detail))
                continue
            body = note.partition("\n\n")[0] + "\n"
            wanted = hashlib.sha256(f"{kind}\n{body}".encode()).digest()
            if (told[0], wanted) != (origin, digest):
                yield _finding("witness_alarms", f"{key} digest", (wanted.hex(), digest.hex()))
            # Nothing was seen yet where an empty log comes with another root than that of nothing.
            if not is_seen and seen:
                yield _finding("witness_alarms", f"{key} seen_size", ("a size that was seen", seen))
            if (settled_at is None) != (by == ""):
                yield _finding("witness_alarms", f"{key} settled_by", ("somebody, where it is settled", by))


def _check_cosigned(tx: Tx, known: Sequence[NoteKey]) -> Iterator[Finding]:
    keys = {(one.name, one.key_id): one for one in known}
    with tx.cursor(name="check_cosignatures") as cursor:
        cursor.itersize = _PAGE
        for program_id, size, witness, line, note in cursor.execute(_COSIGNED):
            key = f"{number_text('prg', program_id)} size {size} {witness}"
            if note is None:
                yield _finding("log_cosignatures", key, ("a head that was signed", "none"))
                continue
            try:
                signer = keys.get(signer_of(line))
                if signer is not None:
                    read_cosignature(note, line, signer)
            except Problem as problem:
                yield _finding("log_cosignatures", key, ("a signature of this head", problem.detail))


def _signed(note: str, keys: Sequence[NoteKey]) -> Checkpoint | Problem:
    try:
        return read_checkpoint(note, keys)
    except Problem as problem:
        return problem


def _shown(origin: str, size: int, root: bytes) -> str:
    return f"{size} leaves of {origin} of the root {root.hex()}"


def _finding(table: str, key: str, said: tuple[Any, Any]) -> Finding:
    return Finding("witnessed_unlike_signed", table, key, str(said[0]), str(said[1]))
