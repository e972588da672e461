"""Proof files: lines of an account's journal with their way up to a signed head, for anybody to check."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.rules.proofs.merkle import HASH_BYTES, is_included
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, read_checkpoint

FORM: Final = "guerdon.proof.v1"
LEAF_FORM: Final = "guerdon.leaf.v1"
_MEMBER: Final = "member"
_LEAF_PREFIX: Final = b"\x00"
_PATH_AT_MOST: Final = 64

_SALT: Final = re.compile(r"([0-9a-f]{2})+")

Hexed = Annotated[str, msgspec.Meta(pattern=rf"\A[0-9a-f]{{{2 * HASH_BYTES}}}\Z")]
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""What the database's own integers hold."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One transaction and the proof that it is in the log."""

    leaf: str
    """The canonical bytes that are hashed, which are JSON."""
    position: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    """Its place in the log, from 0."""
    path: Annotated[tuple[Hexed, ...], msgspec.Meta(max_length=_PATH_AT_MOST)]
    """Hashes beside the way from the leaf to the root, RFC 9162."""


class Owner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose the transactions are: what opens the commitment in their leaves."""

    id: str
    """The account, `acc_…`."""
    salt: str
    """The account's own random bytes, in hex; whoever has them can tell that a leaf is this account's."""


class ProofFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member takes along."""

    format: str
    checkpoint: str
    """The signed head."""
    lines: tuple[Line, ...]
    account: Owner | None = None
    whole: bool = False
    """Whether they leave none out, from the account's first transaction on or from behind `after`."""
    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    """How many of the account's transactions stand before these, in other files."""


class _Leaf(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    form: str
    commitment: str
    seq: Whole
    kind: str
    wallet: str
    effective_at: Whole
    booked_at: Whole
    entries: tuple[tuple[str, Whole, Whole | None, Whole | None, str], ...]


class Proved(msgspec.Struct, frozen=True):
    """One transaction that was proved."""

    seq: int
    kind: str
    wallet: str
    effective_at: int
    """Microseconds since 1970, UTC."""
    amount: int
    """What the member got or gave, in the wallet's scale."""
    position: int


class Checked(msgspec.Struct, frozen=True):
    """What a proof file proves."""

    checkpoint: Checkpoint
    lines: tuple[Proved, ...]
    account: str
    """Whose they are, empty where the file does not open that."""
    balances: Mapping[str, int]
    """By wallet, in its scale, after the last line of a whole statement; nothing for parts of one."""
    after: int = 0
    """How many of the account's transactions stand before these."""


def check_proof(data: bytes, keys: Sequence[NoteKey]) -> Checked:
    """Check a proof file with nothing but the file and the log's public keys.

    Args:
        data: the file.
        keys: that are trusted to have signed the head.

    Returns:
        What it proves.

    Raises:
        Problem: `proof_invalid` for what is no proof file; `proof_fails` naming the line that is not in the
            log, or not this account's, or that leaves a gap; `checkpoint_invalid`, `checkpoint_not_signed`.
    """
    file = _read(data)
    checkpoint = read_checkpoint(file.checkpoint, keys)
    commitment = _commitment(file.account)
    leaves = [_proved(f"/lines/{place}", line, checkpoint) for place, line in enumerate(file.lines)]
    for place, leaf in enumerate(leaves):
        at = f"/lines/{place}/leaf"
        if commitment and leaf.commitment != commitment:
            raise Problem.at(at, "proof_fails", "this transaction is not the account's")
        if file.whole and leaf.seq != file.after + place + 1:
            number = file.after + place + 1
            raise Problem.at(at, "proof_fails", f"transaction {number} of the account was expected here")
    lines = tuple(
        Proved(leaf.seq, leaf.kind, leaf.wallet, leaf.effective_at, _gained(leaf), line.position)
        for leaf, line in zip(leaves, file.lines, strict=True)
    )
    account = file.account.id if file.account is not None else ""
    is_sum = file.whole and account and not file.after
    return Checked(checkpoint, lines, account, _balances(lines) if is_sum else {}, file.after)


def _read(data: bytes) -> ProofFile:
    try:
        text = data.decode()
        file = msgspec.json.decode(text, type=ProofFile)
        json.loads(text, object_pairs_hook=_without_twins)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Problem("proof_invalid", f"this is no proof file: {error}") from None
    if file.format != FORM:
        raise Problem.at("/format", "proof_invalid", f"expected {FORM!r}, not {file.format[:40]!r}")
    if file.whole and file.account is None:
        raise Problem.at("/account", "proof_invalid", "a whole statement says whose it is")
    return file


def _without_twins(pairs: Sequence[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        # Readers differ in which of two they take.
        raise ValueError("a key stands twice in one object")


def _commitment(account: Owner | None) -> str:
    if account is None:
        return ""
    number = parse_number("acc", account.id)
    if number is None or not _SALT.fullmatch(account.salt):
        raise Problem.at("/account", "proof_invalid", "expected an account's id and its salt in hex")
    return hashlib.sha256(bytes.fromhex(account.salt) + number.to_bytes(8, "big")).hexdigest()


def _proved(at: str, line: Line, checkpoint: Checkpoint) -> _Leaf:
    leaf_hash = hashlib.sha256(_LEAF_PREFIX + line.leaf.encode()).digest()
    path = [bytes.fromhex(step) for step in line.path]
    if not is_included(leaf_hash, (line.position, checkpoint.size), path, checkpoint.root):
        raise Problem.at(at, "proof_fails", "this transaction is not in the log that was signed")
    try:
        leaf = msgspec.json.decode(line.leaf, type=_Leaf)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Problem.at(f"{at}/leaf", "proof_invalid", f"this is no transaction: {error}") from None
    if leaf.form != LEAF_FORM:
        raise Problem.at(f"{at}/leaf", "proof_invalid", f"expected {LEAF_FORM!r}")
    return leaf


def _gained(leaf: _Leaf) -> int:
    return sum(amount for book, amount, *_ in leaf.entries if book == _MEMBER)


def _balances(lines: Sequence[Proved]) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        found[line.wallet] = found.get(line.wallet, 0) + line.amount
    return found


def write_proof(file: ProofFile) -> dict[str, Any]:
    """Write a proof file as it is sent.

    Args:
        file: what is proved.

    Returns:
        Plain data for JSON.
    """
    found: dict[str, Any] = msgspec.to_builtins(file)
    return found
