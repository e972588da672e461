"""Signed heads of logs that somebody kept elsewhere, for `guerdon verify --checkpoint`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.cli.showing import read_document
from guerdon.infra.tx import Tx
from guerdon.ledger.log.audit import check_covered
from guerdon.programs.programs import list_programs
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, read_checkpoint

_PARTS = 3


class KeptHead(NamedTuple):
    """A head, and where it says that it is from."""

    tenant: str
    program: str
    checkpoint: Checkpoint
    is_signed: bool = True
    """False of the head that a backup notes of itself."""


def read_heads(files: Sequence[str], keys: Sequence[str]) -> list[KeptHead]:
    """Read signed heads and check their signatures.

    Args:
        files: with a signed note each.
        keys: public keys of logs, as published.

    Returns:
        The heads.

    Raises:
        Problem: `file_not_found`, `file_unreadable`, `log_key_invalid`, `log_key_missing`,
            `checkpoint_invalid` or `checkpoint_not_signed`.
    """
    if files and not keys:
        detail = "a head is worth as much as the key that signed it: give the key as well, with --log-key"
        raise Problem("log_key_missing", detail)
    trusted = [NoteKey.read(text) for text in keys]
    return [_read(name, trusted) for name in files]


def refuse_strangers(heads: Sequence[KeptHead], tenants: Sequence[str]) -> None:
    """Make sure that heads are of tenants that are here.

    Args:
        heads: as read.
        tenants: the keys of all tenants.

    Raises:
        Problem: `log_not_found`.
    """
    for one in heads:
        if one.tenant not in tenants:
            raise Problem("log_not_found", f"there is no log {one.checkpoint.origin} here")


def check_heads(tx: Tx, heads: Sequence[KeptHead]) -> Iterator[Finding]:
    """Hold a tenant's logs against heads that were kept elsewhere.

    Args:
        tx: bound to the tenant, repeatable read where others are writing.
        heads: of this tenant.

    Yields:
        What does not hold.

    Raises:
        Problem: `log_not_found`.
    """
    numbers = {one.key: one.program_id for one in list_programs(tx)}
    for one in heads:
        if one.program not in numbers:
            raise Problem("log_not_found", f"there is no log {one.checkpoint.origin} here")
        yield from check_covered(tx, numbers[one.program], one.checkpoint, was_signed=one.is_signed)


def _read(name: str, keys: Sequence[NoteKey]) -> KeptHead:
    try:
        note = read_document(name).decode()
    except UnicodeDecodeError:
        raise Problem("checkpoint_invalid", f"{name} is no text") from None
    return kept_head(read_checkpoint(note, keys))


def kept_head(checkpoint: Checkpoint) -> KeptHead:
    """Tell which log a head is of.

    Args:
        checkpoint: the head; its signature was checked.

    Returns:
        The head, and its log.

    Raises:
        Problem: `checkpoint_invalid` where it is of no log of Guerdon.
    """
    parts = checkpoint.origin.split("/")
    if len(parts) != _PARTS or parts[0] != "guerdon":
        raise Problem("checkpoint_invalid", f"{checkpoint.origin} is no log of Guerdon")
    return KeptHead(parts[1], parts[2], checkpoint)
