"""Signed heads of the log, and the keys that sign them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.ledger.log.growing import load_head
from guerdon.ledger.sql import log as sql
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, public_of, sign_checkpoint

_KEY_BYTES: Final = 32
_ON_DEMAND: Final = timedelta(seconds=1)
KEY_OLD_AFTER: Final = timedelta(days=365)
"""When a key should make room for another."""


class Signer(NamedTuple):
    """What a tenant signs with."""

    master_key: bytes
    tenant_id: int
    random_bytes: Callable[[int], bytes]

    def private_of(self, program_id: int, salt: bytes) -> bytes:
        """Derive the secret half of a key (HKDF-SHA-256, RFC 5869).

        Args:
            program_id: whose log it signs.
            salt: the key's own 32 bytes.

        Returns:
            32 bytes.
        """
        info = b"guerdon log key %d %d" % (self.tenant_id, program_id)
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=info).derive(self.master_key)


class LogKey(NamedTuple):
    """A key of a log."""

    number: int
    """From 1; the last one signs."""
    name: str
    salt: bytes
    public: bytes
    since: datetime

    @property
    def note_key(self) -> NoteKey:
        """The key as verifiers know it."""
        return NoteKey(self.name, self.public)


class Signed(NamedTuple):
    """A head that was signed."""

    size: int
    note: str
    signed_at: datetime


def list_keys(tx: Tx, program_id: int) -> list[LogKey]:
    """List the keys of a log.

    Args:
        tx: bound to the tenant.
        program_id: whose.

    Returns:
        All that ever signed, the present one last.
    """
    return [LogKey(*row) for row in tx.execute(sql.KEYS, (program_id,))]


def rotate(tx: Tx, signer: Signer, program_id: int, origin: str, now: datetime) -> LogKey:
    """Give a log a new key; heads that others signed stay good under theirs.

    Args:
        tx: bound to the tenant.
        signer: the tenant's.
        program_id: whose log.
        origin: the log's name, which is the key's too.
        now: since when it signs.

    Returns:
        The key that signs from now on.
    """
    known = list_keys(tx, program_id)
    salt = signer.random_bytes(_KEY_BYTES)
    public = public_of(signer.private_of(program_id, salt))
    number = known[-1].number + 1 if known else 1
    tx.execute(sql.INSERT_KEY, (program_id, number, origin, salt, public, now))
    return list_keys(tx, program_id)[-1]


def sign_head(tx: Tx, signer: Signer, program_id: int, origin: str, now: datetime) -> Signed:
    """Sign how far a log has come, where nobody signed that or more.

    Args:
        tx: bound to the tenant.
        signer: the tenant's.
        program_id: whose log.
        origin: the log's name.
        now: when it is signed.

    Returns:
        The newest signed head.

    Raises:
        Problem: `log_key_lost` where the master key is another than the one under which the key was made.
    """
    while True:
        last, head = find_last_signed(tx, program_id), load_head(tx, program_id)
        if last is not None and last.size >= head.size:
            return last
        keys = list_keys(tx, program_id)
        key = keys[-1] if keys else rotate(tx, signer, program_id, origin, now)
        private = signer.private_of(program_id, key.salt)
        if public_of(private) != key.public:
            # Nobody could check what is signed so.
            detail = f"key {key.number} of {origin} was made under another master key: rotate it"
            raise Problem("log_key_lost", detail)
        note = sign_checkpoint(Checkpoint(origin, head.size, head.root), key.name, private)
        follows = None if last is None else last.size
        if tx.execute(sql.INSERT_CHECKPOINT, (program_id, head.size, follows, note, now)).rowcount:
            return Signed(head.size, note, now)
        # Somebody else signed meanwhile, and may have seen less than is there.


def sign_on_demand(tx: Tx, signer: Signer, program_id: int, origin: str, now: datetime) -> Signed:
    """Sign how far a log has come because somebody asks, at most once a second.

    Args:
        tx: bound to the tenant.
        signer: the tenant's.
        program_id: whose log.
        origin: the log's name.
        now: by the clock on the wall, as the sequencer signs.

    Returns:
        The newest signed head, which may lack what came in the last second.

    Raises:
        Problem: `log_key_lost`.
    """
    last = find_last_signed(tx, program_id)
    if last is not None and abs(now - last.signed_at) < _ON_DEMAND:
        # Heads are kept for ever: whoever asks often must not fill the table.
        return last
    return sign_head(tx, signer, program_id, origin, now)


def find_signed(tx: Tx, program_id: int, size: int) -> Signed | None:
    """Find the signed head of a size.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        size: leaves.

    Returns:
        The head, None where none of that size was signed.
    """
    row = tx.execute(sql.CHECKPOINT_AT, (program_id, size)).fetchone()
    return None if row is None else Signed(*row)


def find_last_signed(tx: Tx, program_id: int) -> Signed | None:
    """Find the newest signed head.

    Args:
        tx: bound to the tenant.
        program_id: whose log.

    Returns:
        The head, None where none was signed.
    """
    row = tx.execute(sql.LAST_CHECKPOINT, (program_id,)).fetchone()
    return None if row is None else Signed(*row)


def list_signed(tx: Tx, program_id: int, below: int, limit: int) -> list[Signed]:
    """List signed heads, the newest first.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        below: only those of fewer leaves.
        limit: most of them.

    Returns:
        The heads.
    """
    return [Signed(*row) for row in tx.execute(sql.LIST_CHECKPOINTS, (program_id, below, limit))]
