"""The audit of the log: the tree is worked out anew, and its leaves are held against the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding, Progress, unheard
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.ledger.log.growing import LEVELS_APART, load_head
from guerdon.ledger.log.signing import list_keys
from guerdon.ledger.sql import log as sql
from guerdon.rules.proofs.merkle import EMPTY_ROOT, Edge, Subtree
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, read_signed

_LEAVES_AT_ONCE: Final = 1 << (2 * LEVELS_APART)
_PART: Final = "log"
_LEVELS: Final = range(LEVELS_APART, 60, LEVELS_APART)


def check_logs(tx: Tx, told: Progress = unheard) -> Iterator[Finding]:
    """Work every log of a tenant out again, in bounded memory.

    Args:
        tx: bound to the tenant, repeatable read where others are writing.
        told: hears how far it is.

    Yields:
        What does not hold, for each log from its beginning on.
    """
    for (program_id,) in tx.execute(sql.LOGS).fetchall():
        size = load_head(tx, program_id).size
        told(_PART, 0, size)
        yield from _against_journal(tx, program_id)
        yield from _Tree(tx, program_id, _telling(told, size)).check()


def _telling(told: Progress, size: int) -> Callable[[int], None]:
    return lambda done: told(_PART, done, size)


def check_covered(
    tx: Tx, program_id: int, checkpoint: Checkpoint, *, was_signed: bool = True
) -> Iterator[Finding]:
    """Hold a log against a head that was kept elsewhere.

    Args:
        tx: bound to the tenant, repeatable read where others are writing.
        program_id: whose log.
        checkpoint: the head.
        was_signed: whether its signature was checked; the head that a backup notes of itself has none.

    Yields:
        What does not hold: a log that is shorter now, or does not begin with what was signed; a head that
        was signed and is not here.
    """
    edge = Edge()
    while edge.size < checkpoint.size:
        past = min(edge.size + _LEAVES_AT_ONCE, checkpoint.size)
        rows = tx.execute(sql.LEAVES_FROM, (program_id, edge.size, past)).fetchall()
        for row in rows:
            edge.append(row[-1])
        if len(rows) < _LEAVES_AT_ONCE:
            break
    if (edge.size, edge.root) != (checkpoint.size, checkpoint.root):
        expected = f"{checkpoint.size} leaves of the root {checkpoint.root.hex()}"
        said = (expected, f"{edge.size} of {edge.root.hex()}")
        yield _finding(program_id, "log_rewritten", "log_leaves", said)
    elif was_signed and tx.execute(sql.CHECKPOINT_AT, (program_id, checkpoint.size)).fetchone() is None:
        # None that was signed is ever forgotten.
        said = ("the head that was kept elsewhere", "none")
        yield _finding(
            program_id, "checkpoint_missing", "log_checkpoints", said, (f"size {checkpoint.size}",)
        )


def _against_journal(tx: Tx, program_id: int) -> Iterator[Finding]:
    with tx.cursor(name="log_journal") as cursor:
        for position, account_id, seq, is_missing in cursor.execute(sql.LEAVES_UNLIKE_JOURNAL, (program_id,)):
            row = (f"position {position}", number_text("acc", account_id), seq)
            said = ("the transaction that was logged", "none" if is_missing else "another")
            told = _finding(program_id, "leaf_unlike_journal", "log_leaves", said, row)
            yield told._replace(account_id=account_id)
    with tx.cursor(name="log_skipped") as cursor:
        for account_id, first, last, count in cursor.execute(sql.SKIPPED, (program_id,)):
            said = ("its transactions without a gap", f"{count} of them, from {first} to {last}")
            key = number_text("acc", account_id)
            told = _finding(program_id, "leaf_skipped", "log_leaves", said, (key,))
            yield told._replace(account_id=account_id)


class _Tree:
    """One log's tree as it grows from its leaves, beside what is stored of it."""

    def __init__(self, tx: Tx, program_id: int, told: Callable[[int], None]) -> None:
        self._tx = tx
        self._told = told
        self._program_id = program_id
        self._edge = Edge()
        self._follows = 0
        self._signed = -1
        self._signer = 0
        known = list_keys(tx, program_id)
        self._numbers = [key.number for key in known]
        self._keys: list[NoteKey] = [key.note_key for key in known]

    def check(self) -> Iterator[Finding]:
        yield from self._keys_and_empty_heads()
        while True:
            start = self._edge.size
            rows = self._rows(sql.LEAVES_FROM, start, start + _LEAVES_AT_ONCE)
            if rows and rows[0][0] != start:
                yield self._found("leaf_missing", "log_leaves", (f"position {start}",), ("a leaf", "none"))
                return
            yield from self._grow(rows)
            self._told(self._edge.size)
            if len(rows) < _LEAVES_AT_ONCE:
                break
        yield from self._beyond()

    def _keys_and_empty_heads(self) -> Iterator[Finding]:
        for place, number in enumerate(self._numbers, 1):
            if number != place:
                yield self._found("key_number", "log_keys", (number,), (str(place), str(number)))
        yield from self._heads({0: EMPTY_ROOT}, -1, 0)

    def _grow(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[Finding]:
        start = self._edge.size
        nodes: dict[Subtree, bytes] = {}
        edges: dict[int, tuple[bytes, bytes]] = {}
        batches = {row[0]: row[1:] for row in self._rows(sql.BATCHES_IN, start, start + len(rows))}
        signed = {row[0] for row in self._rows(sql.CHECKPOINTS_IN, start, start + len(rows))}
        for position, *_, leaf in rows:
            if position != self._edge.size:
                key = (f"position {self._edge.size}",)
                yield self._found("leaf_missing", "log_leaves", key, ("a leaf", "none"))
                return
            nodes.update((part, found) for part, found in self._edge.append(leaf) if _is_stored(part))
            size = self._edge.size
            if size in batches or size in signed:
                edges[size] = (self._edge.root, b"".join(self._edge.hashes))
        yield from self._batches(batches, edges)
        yield from self._heads({size: one[0] for size, one in edges.items()}, start, self._edge.size)
        yield from self._nodes(nodes, start)

    def _batches(
        self, batches: dict[int, tuple[Any, ...]], edges: dict[int, tuple[bytes, bytes]]
    ) -> Iterator[Finding]:
        for size, (follows, root, edge) in sorted(batches.items()):
            key = (f"size {size}",)
            if follows != self._follows:
                yield self._found("batch_chain", "log_batches", key, (f"after {self._follows}", str(follows)))
            if (root, edge) != edges[size]:
                yield self._found(
                    "batch_root", "log_batches", key, (edges[size][0].hex(), f"{root.hex()} or another edge")
                )
            self._follows = size

    def _heads(self, roots: dict[int, bytes], after: int, size: int) -> Iterator[Finding]:
        for at, follows, note in self._rows(sql.CHECKPOINTS_IN, after, size):
            key = (f"size {at}",)
            if follows != self._signed:
                said = (f"after {self._signed}", f"after {follows}")
                yield self._found("checkpoint_chain", "log_checkpoints", key, said)
            self._signed = at
            try:
                signed, signer = read_signed(note, self._keys)
            except Problem as problem:
                yield self._found(problem.code, "log_checkpoints", key, ("a signed head", problem.detail))
                continue
            if (signed.size, signed.root) != (at, roots[at]):
                expected = f"{at} leaves of the root {roots[at].hex()}"
                found = f"{signed.size} of {signed.root.hex()}"
                yield self._found("checkpoint_root", "log_checkpoints", key, (expected, found))
            if signer < self._signer:
                said = (f"key {self._numbers[self._signer]} or a later one", f"key {self._numbers[signer]}")
                yield self._found("key_order", "log_keys", (*key, "was signed"), said)
            self._signer = max(self._signer, signer)

    def _nodes(self, nodes: dict[Subtree, bytes], start: int) -> Iterator[Finding]:
        for level in _LEVELS:
            first, past = start >> level, self._edge.size >> level
            if first == past:
                break
            stored = {Subtree(*row[:2]): row[2] for row in self._rows(sql.NODES_BELOW, level, first, past)}
            for part in sorted({*stored, *(one for one in nodes if one.level == level)}):
                if stored.get(part) != nodes.get(part):
                    key = (f"level {level}", f"place {part.place}")
                    found = "none" if part not in stored else stored[part].hex()
                    yield self._found("node_hash", "log_nodes", key, (nodes[part].hex(), found))

    def _beyond(self) -> Iterator[Finding]:
        size = self._edge.size
        if size != self._follows:
            said = (f"a batch up to {size}", str(self._follows))
            yield self._found("batch_chain", "log_batches", (f"size {size}",), said)
        beyond = self._rows(sql.BATCHES_BEYOND, size)
        if beyond:
            yield self._found("leaf_missing", "log_leaves", (f"position {size}",), ("a leaf", "none"))
        for (at,) in beyond:
            yield self._found("batch_root", "log_batches", (f"size {at}",), (f"at most {size}", str(at)))
        for level, place in self._rows(sql.NODES_BEYOND, size):
            node = (f"level {level}", f"place {place}")
            yield self._found("node_hash", "log_nodes", node, ("none", "one beyond the log"))
        for at, *_ in self._rows(sql.CHECKPOINTS_IN, size, 2**62):
            said = (f"at most {size}", str(at))
            yield self._found("checkpoint_root", "log_checkpoints", (f"size {at}",), said)

    def _rows(self, statement: str, *arguments: int) -> list[tuple[Any, ...]]:
        return self._tx.execute(statement, (self._program_id, *arguments)).fetchall()

    def _found(self, code: str, table: str, key: tuple[object, ...], said: tuple[str, str]) -> Finding:
        return _finding(self._program_id, code, table, said, key)


def _is_stored(part: Subtree) -> bool:
    return part.level > 0 and part.level % LEVELS_APART == 0


def _finding(
    program_id: int, code: str, table: str, said: tuple[str, str], key: tuple[object, ...] = ()
) -> Finding:
    shown = " ".join([number_text("prg", program_id), *map(str, key)])
    return Finding(code, table, shown, *said)
