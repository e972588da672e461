"""Holding anchors against the log by themselves, and logs against what was anchored of them on a chain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.connect.chain import stored
from guerdon.connect.chain.contract import Contract, OnChain, anchor_data, log_id_of
from guerdon.connect.chain.keccak import keccak256
from guerdon.connect.chain.places import Chain
from guerdon.connect.chain.rpc import Node
from guerdon.connect.chain.signing import read_address, read_sent
from guerdon.connect.chain.stored import Anchor
from guerdon.infra.tx import Tx
from guerdon.infra.walks import read_every_instant
from guerdon.ledger.log import load_head, origin_of, root_at
from guerdon.ledger.log.audit import check_covered
from guerdon.programs.programs import list_programs
from guerdon.rules.proofs.notes import Checkpoint, read_unsigned

_FINAL = "final"
_PAGE: Final = 200
_CHAIN: Final = re.compile(r"eip155:(0|[1-9][0-9]{0,30}):(0x[0-9a-fA-F]{40})")
_AUTHORITY: Final = re.compile(r"rfc3161:[^\s/]+(/\S*)?")
_ON_CHAIN: Final = ("sender", "nonce", "fee", "tip", "raw", "block_number", "block_hash")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_Difference = tuple[str, Any, Any]
"""What it is about, what it should be, what it is."""


def check_anchors(tx: Tx) -> Iterator[Finding]:
    """Hold every anchor against the signed head that it tells of, and against itself.

    Nobody outside is asked: that a chain or an authority has it as well is for `Checker`.

    Args:
        tx: bound to the tenant, repeatable read where others are writing.

    Yields:
        What does not hold, by log, place and size.
    """
    origins = {one.program_id: origin_of(tx, one.key) for one in list_programs(tx)}
    before: tuple[int, str, datetime] | None = None
    with tx.cursor(name="check_anchors") as cursor:
        cursor.itersize = _PAGE
        read_every_instant(cursor)
        for *fields, note in cursor.execute(stored.WITH_HEADS):
            row = Anchor(*fields)
            place = (row.program_id, row.place)
            if before is not None and before[:2] == place and row.asked_at < before[2]:
                yield _unlike(row, ("asked_at", f"not before {before[2]}", row.asked_at))
            before = (*place, row.asked_at)
            for difference in _differences(row, origins.get(row.program_id), note):
                yield _unlike(row, difference)


def _differences(row: Anchor, origin: str | None, note: str | None) -> Iterator[_Difference]:
    if origin is None or note is None:
        yield ("size", "a head that was signed", "none")
        return
    try:
        head = read_unsigned(note)
    except Problem:
        # The audit of the log tells of it.
        return
    if row.root != head.root:
        yield ("root", head.root.hex(), row.root.hex())
    yield from _of_state(row)
    chain = _CHAIN.fullmatch(row.place)
    if chain is not None:
        yield from _on_chain(row, origin, (int(chain[1]), chain[2]))
    elif _AUTHORITY.fullmatch(row.place):
        yield from _stamped(row, Checkpoint(origin, row.size, head.root))
    else:
        yield ("place", "a contract or an authority", row.place)


def _of_state(row: Anchor) -> Iterator[_Difference]:
    is_final, is_lost = row.state == _FINAL, row.state == "lost"
    is_there = row.block_number is not None or row.token is not None
    wanted = {
        "final_at": (is_final, row.final_at is not None),
        "stamped_at": (is_there, row.stamped_at is not None),
        "block_hash": (row.block_number is not None, row.block_hash is not None),
        "sent_at": (row.raw is not None, row.sent_at is not None),
        "failed_at": (bool(row.fault), row.failed_at is not None),
    }
    for name, (expected, found) in wanted.items():
        if expected != found:
            yield (name, "an instant" if expected else "none", "one" if found else "none")
    if is_there != (row.state in ("mined", _FINAL)) and not (row.state == "passed" and is_there):
        yield ("state", "mined or final" if is_there else "not yet on its place", row.state)
    if is_lost and not row.times_lost:
        yield ("times_lost", "more than 0", 0)
    if row.times_sent < max(len(row.sent), row.token is not None):
        yield ("times_sent", f"at least {max(len(row.sent), 1)}", row.times_sent)
    for name, at in (("sent_at", row.sent_at), ("final_at", row.final_at)):
        if at is not None and at < row.asked_at:
            yield (name, f"not before {row.asked_at}", at)


def _on_chain(row: Anchor, origin: str, place: tuple[int, str]) -> Iterator[_Difference]:
    chain_id, text = place
    try:
        contract = read_address(text)
    except ValueError as error:
        yield ("place", "an address", str(error))
        return
    if row.token is not None:
        yield ("token", "none, for chains give none", "one")
    if row.raw is None:
        found = (row.sender, row.nonce, row.fee, row.tip, row.sent)
        if found != (None, None, None, None, []):
            yield ("raw", "a transaction", "none")
        return
    try:
        said, sender = read_sent(row.raw)
    except ValueError as error:
        yield ("raw", "a signed transaction", str(error))
        return
    for name, expected, there in (
        ("place", (said.chain_id, said.to.hex()), (chain_id, contract.hex())),
        ("raw", anchor_data(log_id_of(origin), row.size, row.root).hex(), said.data.hex()),
        ("sender", sender.hex(), row.sender.hex() if row.sender is not None else None),
        ("nonce", said.nonce, row.nonce),
        ("fee", said.fee, row.fee),
        ("tip", said.tip, row.tip),
        ("sent", keccak256(row.raw).hex(), row.sent[-1].hex() if row.sent else None),
    ):
        if expected != there:
            yield (name, expected, there)


def _stamped(row: Anchor, head: Checkpoint) -> Iterator[_Difference]:
    for name in _ON_CHAIN:
        if getattr(row, name) is not None:
            yield (name, "none, for authorities have none", "one")
    if row.sent:
        yield ("sent", "none, for authorities have none", "some")
    if row.token is None:
        return
    # Late, as it takes longer to import than most commands run, and few have to do with stamps.
    from guerdon.connect.chain import stamps

    try:
        stamp = stamps.read(row.token, head.body.encode())
    except Problem as problem:
        yield ("token", "a stamp of this head", problem.detail)
        return
    if stamp.at != row.stamped_at:
        yield ("stamped_at", stamp.at, row.stamped_at)


def _unlike(row: Anchor, difference: _Difference) -> Finding:
    name, expected, found = difference
    key = f"{number_text('prg', row.program_id)} size {row.size} {row.place} {name}"
    return Finding("anchor_unlike_head", "anchors", key, str(expected), str(found))


class Checker:
    """Asks a contract for all anchors of a tenant's logs, and holds the logs against them."""

    def __init__(self, tx: Tx, node: Node, chain: Chain) -> None:
        """Describe it.

        Args:
            tx: bound to the tenant, repeatable read where others are writing.
            node: of the chain.
            chain: where the contract stands.
        """
        self._tx = tx
        self._chain = chain
        self._contract = Contract(node, chain.contract)
        self.anchors = 0
        """That were held against the logs."""

    def run(self) -> Iterator[Finding]:
        """Check all logs of the tenant.

        Yields:
            What does not hold: a log that is not what was anchored of it, or an anchor that was final and is
            not on the chain.

        Raises:
            Problem: `chain_unreachable`, `chain_refused` or `chain_contract_missing`.
        """
        for program in list_programs(self._tx):
            origin = origin_of(self._tx, program.key)
            found = self._anchors_of(log_id_of(origin))
            self.anchors += len(found)
            yield from self._against_log(program.program_id, origin, found)
            yield from self._against_rows(program.program_id, found)

    def _anchors_of(self, log_id: bytes) -> dict[int, OnChain]:
        found: dict[int, OnChain] = {}
        size = self._contract.last_size(log_id)
        while size:
            one = self._contract.find(log_id, size)
            if one is None:
                break
            found[size] = one
            size = one.follows
        return found

    def _against_log(self, program_id: int, origin: str, found: dict[int, OnChain]) -> Iterator[Finding]:
        if not found:
            return
        newest = max(found)
        # The newest covers every leaf, and the tree's nodes are those of its leaves: see `check_logs`.
        yield from check_covered(self._tx, program_id, Checkpoint(origin, newest, found[newest].root))
        reached = load_head(self._tx, program_id).size
        for size, one in sorted(found.items()):
            if size < newest and size <= reached:
                root = root_at(self._tx, program_id, size)
                if root != one.root:
                    said = (f"{size} leaves of the root {one.root.hex()}", f"the root {root.hex()}")
                    yield _finding("log_rewritten", "log_leaves", program_id, size, said)

    def _against_rows(self, program_id: int, found: dict[int, OnChain]) -> Iterator[Finding]:
        for row in stored.list_all(self._tx, program_id, self._chain.place):
            there = found.get(row.size)
            if row.state != _FINAL:
                continue
            if there is None:
                said = (f"{row.size} leaves on the chain, as was seen {row.final_at}", "none")
                yield _finding("anchor_missing", "anchors", program_id, row.size, said)
                continue
            seen = (row.block_number, row.stamped_at)
            block = (there.block_number, _EPOCH + timedelta(seconds=there.timestamp))
            if seen != block:
                said = (f"block {block[0]} at {block[1]}", f"block {seen[0]} at {seen[1]}")
                yield _finding("anchor_differs", "anchors", program_id, row.size, said)


def _finding(code: str, table: str, program_id: int, size: int, said: tuple[str, str]) -> Finding:
    return Finding(code, table, f"{number_text('prg', program_id)} size {size}", *said)
