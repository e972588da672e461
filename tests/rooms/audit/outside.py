"""What a tenant told others about its logs, and what it saw of theirs, as chain and witnesses leave it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import partial

from guerdon.connect.chain import stored
from guerdon.connect.chain.contract import anchor_data, log_id_of
from guerdon.connect.chain.places import Chain
from guerdon.connect.chain.signing import Key, Wish
from guerdon.connect.witness import pushes, watching
from guerdon.infra.tx import Tx
from guerdon.ledger import log
from guerdon.rules.proofs.cosigned import cosign, witness_key
from guerdon.rules.proofs.merkle import Edge, Subtree, consistency_spans, hash_spans
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, public_of, sign_checkpoint
from tests.rooms.chain.anvil import CHAIN_ID, OWNER
from tests.rooms.engine.conftest import MASTER_KEY, TENANT

CHAIN = Chain("", CHAIN_ID, bytes(range(20)))
THEIRS, SECRET = "guerdon/shop/club", bytes(range(32))
WITNESS, PEN = "berlin", bytes(range(3, 35))
KNOWN = (witness_key("guerdon-witness/berlin", PEN),)
EVERY = timedelta(0)


def anchor_next(tx: Tx, program_id: int, origin: str, now: datetime, state: str) -> None:
    """Let the newest head be anchored, as far as a chain that nobody asks would have come with it."""
    assert stored.ask_due(tx, CHAIN.place, EVERY, now) == 1
    if state == "asked":
        return
    key, row = Key.read(OWNER), stored.find_last(tx, program_id, CHAIN.place)
    assert row is not None
    data = anchor_data(log_id_of(origin), row.size, row.root)
    wish = Wish(CHAIN_ID, row.size, 10**9, 2 * 10**9, 90_000, CHAIN.contract, data)
    assert stored.note_sent(tx, row, wish, key.sign(wish), (key.address, now))
    if state == "lost":
        stored.note_lost(tx, row)
    if state in ("mined", "final"):
        mined = stored.Mined(row.size, hashlib.sha256(b"%d" % row.size).digest(), now)
        stored.note_mined(tx, row, mined, now if state == "final" else None)


def cosign_all(tx: Tx, program_id: int, now: datetime) -> None:
    """Let a witness have signed every head."""
    for one in log.list_signed(tx, program_id, 2**62, 100):
        line = cosign(one.note, KNOWN[0].name, PEN, int(now.timestamp()))
        head = pushes.Head(program_id, one.size, one.note, None, None, 0)
        pushes.keep_cosignature(tx, WITNESS, head, line, now)


class Others:
    """A log of somebody else that is watched, with a head that does not fit."""

    def __init__(self) -> None:
        self._edge, self._stored = Edge(), dict[Subtree, bytes]()
        self._roots = [self._edge.root]
        for number in range(60):
            self._stored.update(self._edge.append(hashlib.sha256(b"%d" % number).digest()))
            self._roots.append(self._edge.root)

    def asked(self, old: int, size: int, root: bytes | None = None) -> watching.Asked:
        head = Checkpoint(THEIRS, size, root or self._roots[size])
        proof = hash_spans(consistency_spans(old, size), self._stored.__getitem__)
        return watching.Asked(old, proof, sign_checkpoint(head, THEIRS, SECRET))

    def watch(self, tx: Tx, now: datetime) -> None:
        """See it grow, then shrink and fork."""
        watching.trust(tx, NoteKey(THEIRS, public_of(SECRET)), now)
        pen = watching.pen_of(tx, MASTER_KEY, TENANT)
        for number, (old, size) in enumerate(((0, 5), (5, 9), (9, 40), (40, 60))):
            at = now + timedelta(minutes=number)
            assert watching.add_checkpoint(tx, self.asked(old, size), pen, at, lambda: 1).line
        for number, (asked, kind) in enumerate(
            ((self.asked(0, 7), "shrunk"), (self.asked(9, 9, bytes(32)), "forked")), 1
        ):
            said = watching.add_checkpoint(tx, asked, pen, now, partial(int, number))
            assert said.alarm == kind
        watching.settle_alarm(tx, 1, "staff:1", now)
