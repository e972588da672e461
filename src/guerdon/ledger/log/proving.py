"""Proofs: that a transaction is in the log, and that a later log begins with an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from guerdon.infra.arrays import bigints, columns, smallints
from guerdon.infra.tx import Tx
from guerdon.ledger.log.growing import LEVELS_APART
from guerdon.ledger.sql import log as sql
from guerdon.rules.proofs.merkle import (
    Span,
    Subtree,
    complete_parts,
    consistency_spans,
    hash_spans,
    inclusion_spans,
    node_hash,
)

_Stored = dict[tuple[int, int], bytes]


class Placed(NamedTuple):
    """A transaction in the log."""

    position: int
    """From 0."""
    account_id: int
    seq: int
    """Its place in the account's journal, from 1."""


def find_placed(tx: Tx, program_id: int, transaction_id: UUID) -> Placed | None:
    """Find a transaction in the log.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        transaction_id: which transaction.

    Returns:
        Where it stands; None where it is not logged, perhaps not yet.
    """
    row = tx.execute(sql.FIND_LEAF, (program_id, transaction_id)).fetchone()
    return None if row is None else Placed(*row)


def positions_of(tx: Tx, program_id: int, account_id: int, size: int) -> dict[int, int]:
    """Find all of an account's transactions in the log.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        account_id: whose transactions.
        size: leaves that the log had.

    Returns:
        Positions by their place in the account's journal, in its order.
    """
    return dict(tx.execute(sql.LEAVES_OF, (program_id, account_id, size)).fetchall())


def inclusion_paths(tx: Tx, program_id: int, positions: Sequence[int], size: int) -> list[list[bytes]]:
    """Prove that leaves are in the log.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        positions: of the leaves, from 0, each below `size`.
        size: leaves of the log that the proofs are about.

    Returns:
        A path for each, as RFC 9162 has it.
    """
    wanted = [inclusion_spans(position, size) for position in positions]
    stored = _load(tx, program_id, [span for spans in wanted for span in spans])
    return [hash_spans(spans, stored.hash_of) for spans in wanted]


def consistency_proof(tx: Tx, program_id: int, old: int, size: int) -> list[bytes]:
    """Prove that the log of one size begins with that of another.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        old: leaves of the earlier one.
        size: leaves of the later one, at most as many as there are.

    Returns:
        The proof as RFC 9162 has it.
    """
    spans = consistency_spans(old, size)
    return hash_spans(spans, _load(tx, program_id, spans).hash_of)


def root_at(tx: Tx, program_id: int, size: int) -> bytes:
    """Work out the root that the log had, or has.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        size: leaves, at most as many as there are.

    Returns:
        32 bytes.
    """
    spans = [Span(0, size)]
    return hash_spans(spans, _load(tx, program_id, spans).hash_of)[0]


class _Nodes:
    """Nodes as stored, of every sixth level, and those between as they follow from them."""

    def __init__(self, stored: _Stored) -> None:
        # Paths of many leaves meet: what was worked out once is kept.
        self._known = dict(stored)

    def hash_of(self, subtree: Subtree) -> bytes:
        found = self._known.get(subtree)
        if found is None:
            assert subtree.level % LEVELS_APART, "what is stored was loaded"
            left = Subtree(subtree.level - 1, subtree.place * 2)
            found = node_hash(self.hash_of(left), self.hash_of(Subtree(left.level, left.place + 1)))
            self._known[subtree] = found
        return found


def _load(tx: Tx, program_id: int, spans: Iterable[Span]) -> _Nodes:
    leaves: set[tuple[int, int]] = set()
    nodes: set[tuple[int, int, int]] = set()
    for subtree in {part for span in spans for part in complete_parts(span)}:
        below = subtree.level % LEVELS_APART
        level, first, past = subtree.level - below, subtree.place << below, (subtree.place + 1) << below
        if level:
            nodes.add((level, first, past))
        else:
            leaves.add((first, past))
    stored: _Stored = {}
    if leaves:
        rows = tx.execute(sql.LEAVES_IN, (*columns(sorted(leaves), (bigints, bigints)), program_id))
        stored.update(((0, position), found) for position, found in rows)
    if nodes:
        packed = columns(sorted(nodes), (smallints, bigints, bigints))
        rows = tx.execute(sql.NODES_IN, (*packed, program_id))
        stored.update(((level, place), found) for level, place, found in rows)
    return _Nodes(stored)
