"""Proof files out of the journal and its log."""

from __future__ import annotations

from collections.abc import Sequence

from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.ledger.leaf import Leaf, commitment_of, leaf_bytes
from guerdon.ledger.log.proving import Placed, inclusion_paths, positions_of
from guerdon.ledger.log.signing import Signed
from guerdon.ledger.sql import log as sql
from guerdon.ledger.statements import list_transactions
from guerdon.rules.proofs.statement import FORM, Line, Owner, ProofFile


def prove_transaction(tx: Tx, program_id: int, signed: Signed, placed: Placed) -> ProofFile:
    """Write the proof of one transaction; it does not tell whose it is.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        signed: the head that it is proved against.
        placed: the transaction, below that head.

    Returns:
        The file.
    """
    lines = _lines(tx, program_id, signed, placed.account_id, {placed.seq: placed.position})
    return ProofFile(FORM, signed.note, tuple(lines))


def prove_statement(
    tx: Tx, program_id: int, signed: Signed, account_id: int, part: tuple[int, int] | None = None
) -> ProofFile:
    """Write an account's statement, each line with its proof.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        signed: the head that it is proved against.
        account_id: whose.
        part: after how many of its transactions, and how many of them; None for all.

    Returns:
        The file, with what opens the account's commitment.
    """
    places = positions_of(tx, program_id, account_id, signed.size)
    after, limit = part or (0, len(places))
    places = {seq: at for seq, at in places.items() if after < seq <= after + limit}
    lines = _lines(tx, program_id, signed, account_id, places)
    owner = Owner(number_text("acc", account_id), _salt(tx, program_id, account_id).hex())
    return ProofFile(FORM, signed.note, tuple(lines), owner, whole=True, after=after)


def _lines(
    tx: Tx, program_id: int, signed: Signed, account_id: int, places: dict[int, int]
) -> Sequence[Line]:
    if not places:
        return ()
    commitment = commitment_of(_salt(tx, program_id, account_id), account_id)
    count = max(places) - min(places) + 1
    posted = {one.seq: one for one in list_transactions(tx, account_id, count, max(places) + 1)}
    positions = list(places.values())
    paths = inclusion_paths(tx, program_id, positions, signed.size)
    lines = []
    for seq, position, path in zip(places, positions, paths, strict=True):
        one = posted[seq]
        leaf = Leaf(seq, one.kind, one.wallet, one.effective_at, one.booked_at, one.entries)
        text = leaf_bytes(commitment, leaf).decode()
        lines.append(Line(text, position, tuple(step.hex() for step in path)))
    return lines


def _salt(tx: Tx, program_id: int, account_id: int) -> bytes:
    row = tx.execute(sql.SALT, (program_id, account_id)).fetchone()
    assert row is not None, "an account that has transactions exists"
    salt: bytes = row[0]
    return salt
