"""What a transaction's hash covers: canonical bytes that anybody can write down again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from guerdon.rules.decision import Entry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FORM = "guerdon.leaf.v1"
_LEAF_PREFIX = b"\x00"  # RFC 6962, 2.1: leaves and nodes of a Merkle tree must not look alike


class Leaf(NamedTuple):
    """One transaction as it is hashed."""

    seq: int
    """Place in the account's journal, from 1 without gaps."""
    kind: str
    wallet: str
    effective_at: datetime
    booked_at: datetime
    entries: Sequence[Entry]


def commitment_of(salt: bytes, account_id: int) -> bytes:
    """Give the value that stands for an account in hashes, so that a leaf does not tell whose it is.

    Args:
        salt: the account's own random bytes.
        account_id: the account.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(salt + account_id.to_bytes(8, "big")).digest()


def leaf_bytes(commitment: bytes, leaf: Leaf) -> bytes:
    """Write a transaction as canonical bytes: a JSON array, instants in microseconds since 1970 UTC.

    Args:
        commitment: 32 bytes of `commitment_of`.
        leaf: the transaction.

    Returns:
        The bytes that `leaf_hash` covers.
    """
    lines = [
        (entry.book, entry.amount, _micros(entry.available_at), _micros(entry.expires_at), entry.source)
        for entry in leaf.entries
    ]
    return msgspec.json.encode(
        (
            _FORM,
            commitment.hex(),
            leaf.seq,
            leaf.kind,
            leaf.wallet,
            _micros(leaf.effective_at),
            _micros(leaf.booked_at),
            lines,
        )
    )


def leaf_hash(commitment: bytes, leaf: Leaf) -> bytes:
    """Hash a transaction as a leaf of RFC 6962.

    Args:
        commitment: 32 bytes of `commitment_of`.
        leaf: the transaction.

    Returns:
        32 bytes of SHA-256.
    """
    return hashlib.sha256(_LEAF_PREFIX + leaf_bytes(commitment, leaf)).digest()


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - _EPOCH) // _MICROSECOND
