"""The Merkle log of a program: each transaction of the journal, in an order that nobody changes unseen."""

from guerdon.ledger.log.files import prove_statement, prove_transaction
from guerdon.ledger.log.growing import Head, load_head
from guerdon.ledger.log.proving import (
    Placed,
    consistency_proof,
    find_placed,
    inclusion_paths,
    positions_of,
    root_at,
)
from guerdon.ledger.log.sequencer import Sequencer, origin_of
from guerdon.ledger.log.signing import (
    KEY_OLD_AFTER,
    LogKey,
    Signed,
    Signer,
    find_last_signed,
    find_signed,
    list_keys,
    list_signed,
    rotate,
    sign_head,
    sign_on_demand,
)

__all__ = [
    "KEY_OLD_AFTER",
    "Head",
    "LogKey",
    "Placed",
    "Sequencer",
    "Signed",
    "Signer",
    "consistency_proof",
    "find_last_signed",
    "find_placed",
    "find_signed",
    "inclusion_paths",
    "list_keys",
    "list_signed",
    "load_head",
    "origin_of",
    "positions_of",
    "prove_statement",
    "prove_transaction",
    "root_at",
    "rotate",
    "sign_head",
    "sign_on_demand",
]
