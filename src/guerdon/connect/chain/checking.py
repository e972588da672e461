"""Holding logs against what was anchored of them on a chain."""

from __future__ import annotations

from collections.abc import Iterator

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.connect.chain import stored
from guerdon.connect.chain.contract import Contract, OnChain, log_id_of
from guerdon.connect.chain.places import Chain
from guerdon.connect.chain.rpc import Node
from guerdon.infra.tx import Tx
from guerdon.ledger.log import load_head, origin_of, root_at
from guerdon.ledger.log.audit import check_covered
from guerdon.programs.programs import list_programs
from guerdon.rules.proofs.notes import Checkpoint

_FINAL = "final"


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
            if row.state == _FINAL and row.size not in found:
                said = (f"{row.size} leaves on the chain, as was seen {row.final_at}", "none")
                yield _finding("anchor_missing", "anchors", program_id, row.size, said)


def _finding(code: str, table: str, program_id: int, size: int, said: tuple[str, str]) -> Finding:
    return Finding(code, table, f"{number_text('prg', program_id)} size {size}", *said)
