"""Watching logs of others: a head is signed here only where it fits what was seen of its log before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.programs.tenants import find_tenant
from guerdon.rules.proofs.cosigned import cosign, witness_key
from guerdon.rules.proofs.merkle import EMPTY_ROOT, HASH_BYTES, is_consistent
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, decoded, read_checkpoint, read_unsigned

_STEPS_AT_MOST: Final = 63
_REQUEST_AT_MOST: Final = 16_000
LOGS_AT_MOST: Final = 1_000
_KEYS_OF: Final = "select key from witness_logs where origin = %s order by trusted_at, key"
_TRUST: Final = (
    "insert into witness_logs (origin, key, trusted_at) values (%s, %s, %s) on conflict do nothing"
)
_LAST: Final = """
select size, root, seen_at from witness_heads where origin = %s order by size desc limit 1
"""
_AT: Final = "select root from witness_heads where origin = %s and size = %s"
_INSERT: Final = """
insert into witness_heads (origin, size, follows, root, note, seen_at) values (%s, %s, %s, %s, %s, %s)
on conflict do nothing
"""
_ALARM: Final = """
insert into witness_alarms (alarm_id, origin, kind, seen_size, digest, note, raised_at)
values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing
"""
_LOG: Final = """
select l.origin, array_agg(l.key order by l.trusted_at, l.key), h.size, h.note, h.seen_at,
    (select count(*) from witness_alarms a where a.origin = l.origin and a.settled_at is null)
from witness_logs l
left join lateral (
    select size, note, seen_at from witness_heads w where w.origin = l.origin order by w.size desc limit 1
) h on true
where {where} group by l.origin, h.size, h.note, h.seen_at order by l.origin limit %s
"""
_LOGS: Final = _LOG.format(where="l.origin > %s")
_ONE_LOG: Final = _LOG.format(where="l.origin = %s")
_ALARMS: Final = """
select alarm_id, origin, kind, seen_size, note, raised_at, settled_at, settled_by from witness_alarms
where alarm_id < %s order by alarm_id desc limit %s
"""
_SETTLE: Final = """
update witness_alarms set settled_at = %s, settled_by = %s where alarm_id = %s and settled_at is null
"""
Kind = Literal["forked", "shrunk", "rewritten"]
"""Another head of the same size; fewer transactions than were seen; one that does not begin with these."""


class Pen(NamedTuple):
    """What a witness signs with."""

    name: str
    private: bytes

    @property
    def key(self) -> NoteKey:
        """The public half."""
        return witness_key(self.name, self.private)


class Asked(NamedTuple):
    """What a witness is asked to sign."""

    old: int
    """Size of the head that it is thought to have signed last."""
    proof: list[bytes]
    note: str


class Said(NamedTuple):
    """What a witness answers."""

    line: str = ""
    """Its signature; empty where it does not sign."""
    size: int = 0
    """Of the head that it signed last, where it does not sign."""
    alarm: Kind | None = None
    """What is wrong with the head, where it cannot be of the log that was seen."""


class Watched(NamedTuple):
    """A log that is watched."""

    origin: str
    keys: Sequence[str]
    size: int | None
    """Of its newest head; None where none was seen."""
    note: str | None
    seen_at: datetime | None
    alarms: int
    """That nobody has settled."""


class Alarm(NamedTuple):
    """A head that does not fit what was seen before."""

    alarm_id: int
    origin: str
    kind: Kind
    seen_size: int
    """Of the newest head that was seen before."""
    note: str
    """The head, signed by the log itself."""
    raised_at: datetime
    settled_at: datetime | None
    settled_by: str


def pen_of(tx: Tx, master_key: bytes, tenant_id: int) -> Pen:
    """Give what a tenant signs with as a witness: derived from the master key (HKDF-SHA-256, RFC 5869).

    Args:
        tx: bound to the tenant.
        master_key: 32 bytes.
        tenant_id: whose.

    Returns:
        Name and secret half.
    """
    info = b"guerdon witness key %d" % tenant_id
    private = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master_key)
    tenant = find_tenant(tx)
    return Pen(f"guerdon-witness/{tenant.key if tenant is not None else ''}", private)


def trust(tx: Tx, key: NoteKey, now: datetime) -> bool:
    """Watch a log from now on, or trust a further key of one that is watched.

    Args:
        tx: bound to the tenant.
        key: that its heads are signed with; its name is the log's.
        now: when.

    Returns:
        Whether it was not trusted before.

    Raises:
        Problem: `too_many_logs`.
    """
    row = tx.execute("select count(*) from witness_logs").fetchone()
    if row is not None and row[0] >= LOGS_AT_MOST:
        raise Problem("too_many_logs", f"a witness watches at most {LOGS_AT_MOST} logs")
    return tx.execute(_TRUST, (key.name, key.text, now)).rowcount == 1


def read_request(body: bytes) -> Asked:
    """Read what a witness is asked to sign (C2SP tlog-witness, add-checkpoint).

    Args:
        body: of the request.

    Returns:
        What is asked.

    Raises:
        Problem: `checkpoint_invalid`.
    """
    try:
        head, gap, note = body[: _REQUEST_AT_MOST + 1].decode().partition("\n\n")
    except UnicodeDecodeError:
        head, gap, note = "", "", ""
    first, *steps = head.split("\n")
    word, _, number = first.partition(" ")
    proof = [decoded(step) for step in steps]
    is_size = number.isascii() and number.isdigit() and len(number) < 19 and str(int(number)) == number
    if not gap or len(body) > _REQUEST_AT_MOST or word != "old" or not is_size or len(proof) > _STEPS_AT_MOST:
        detail = (
            "expected `old` and a size, a proof with a hash in base64 on a line, an empty line, and a head"
        )
        raise Problem("checkpoint_invalid", detail)
    if any(step is None or len(step) != HASH_BYTES for step in proof):
        raise Problem("checkpoint_invalid", "a line of the proof is no hash in base64")
    return Asked(int(number), [step for step in proof if step is not None], note)


def add_checkpoint(tx: Tx, asked: Asked, pen: Pen, now: datetime, number: Callable[[], int]) -> Said:
    """Sign a head, where it fits what was seen of its log before; raise an alarm where it cannot.

    Args:
        tx: bound to the tenant.
        asked: the head, and a proof that it begins with the last one.
        pen: what is signed with.
        now: when.
        number: gives an alarm its identifier.

    Returns:
        The signature, or why there is none.

    Raises:
        Problem: `log_not_found`, `checkpoint_invalid`, `checkpoint_not_signed`.
    """
    head = _trusted(tx, asked)
    while True:
        last = tx.execute(_LAST, (head.origin,)).fetchone()
        size, root = (last[0], last[1]) if last is not None else (0, EMPTY_ROOT)
        wrong = _against_seen(tx, head, size)
        if wrong is None and asked.old == size and not is_consistent((size, root), head[1:], asked.proof):
            wrong = "rewritten"
        if wrong is not None:
            digest = hashlib.sha256(f"{wrong}\n{head.body}".encode()).digest()
            tx.execute(_ALARM, (number(), head.origin, wrong, size, digest, asked.note, now))
            return Said(size=size, alarm=wrong)
        if asked.old != size:
            return Said(size=size)
        follows = None if last is None else size
        values = (head.origin, head.size, follows, head.root, asked.note, now)
        if (last is not None and head.size == size) or tx.execute(_INSERT, values).rowcount:
            return Said(cosign(asked.note, pen.name, pen.private, int(now.timestamp())), head.size)
        # Somebody else signed another head meanwhile: this one is held against that.


def _trusted(tx: Tx, asked: Asked) -> Checkpoint:
    origin = read_unsigned(asked.note).origin
    keys = [NoteKey.read(row[0]) for row in tx.execute(_KEYS_OF, (origin,))]
    if not keys:
        raise Problem("log_not_found", "no log of this name is witnessed here")
    head = read_checkpoint(asked.note, keys)
    if asked.old > head.size:
        raise Problem("checkpoint_invalid", f"a log of {head.size} does not begin with one of {asked.old}")
    return head


def _against_seen(tx: Tx, head: Checkpoint, size: int) -> Kind | None:
    seen = tx.execute(_AT, (head.origin, head.size)).fetchone()
    if seen is not None:
        return None if seen[0] == head.root else "forked"
    return "shrunk" if head.size < size else None


def list_watched(tx: Tx, after: str, limit: int) -> list[Watched]:
    """List the logs that are watched.

    Args:
        tx: bound to the tenant.
        after: the last one of the page before.
        limit: most of them.

    Returns:
        By name.
    """
    return [Watched(*row) for row in tx.execute(_LOGS, (after, limit))]


def find_watched(tx: Tx, origin: str) -> Watched:
    """Give a log that is watched.

    Args:
        tx: bound to the tenant.
        origin: its name.

    Returns:
        The log.

    Raises:
        Problem: `log_not_found`.
    """
    row = tx.execute(_ONE_LOG, (origin, 1)).fetchone()
    if row is None:
        raise Problem("log_not_found", "no log of this name is witnessed here")
    return Watched(*row)


def list_alarms(tx: Tx, below: int, limit: int) -> list[Alarm]:
    """List alarms, the newest first.

    Args:
        tx: bound to the tenant.
        below: only those of a smaller number.
        limit: most of them.

    Returns:
        The alarms, settled ones too.
    """
    return [Alarm(*row) for row in tx.execute(_ALARMS, (below, limit))]


def settle_alarm(tx: Tx, alarm_id: int, actor: str, now: datetime) -> None:
    """Write down that somebody has looked into an alarm; the log is refused as before.

    Args:
        tx: bound to the tenant.
        alarm_id: which.
        actor: who.
        now: when.

    Raises:
        Problem: `alarm_not_found`.
    """
    if not tx.execute(_SETTLE, (now, actor, alarm_id)).rowcount:
        raise Problem("alarm_not_found", "there is no such alarm, or it was settled")


class Watch(NamedTuple):
    """What needs a look, of one tenant."""

    alarms: int
    """About logs of others that nobody has settled."""
    refusals: int
    """By witnesses of our own logs."""
    behind_since: datetime | None
    """Since when the witness that is furthest behind could not be told."""


def look(tx: Tx) -> Watch:
    """Tell what needs a look.

    Args:
        tx: bound to the tenant.

    Returns:
        Figures for doctor and metrics.
    """
    row = tx.execute(
        "select (select count(*) from witness_alarms where settled_at is null),"
        " (select count(*) from witness_pushes where refused_at is not null),"
        " (select min(coalesce(told_at, tried_at)) from witness_pushes where problem <> '')"
    ).fetchone()
    assert row is not None, "an aggregate gives a row"
    return Watch(*row)
