"""A witness on its own: what it signs, what it refuses, and what it remembers of both."""

from __future__ import annotations

import hashlib
import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest

from guerdon.base.errors import Problem
from guerdon.connect.witness import watching
from guerdon.connect.witness.telling import write_request
from guerdon.connect.witness.watching import Asked, Pen, Said, read_request
from guerdon.infra.db import Database
from guerdon.rules.proofs.cosigned import read_cosignature
from guerdon.rules.proofs.merkle import Edge, Subtree, consistency_spans, hash_spans
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, public_of, sign_checkpoint
from tests.rooms.places import MASTER_KEY, make_tenant

ORIGIN = "guerdon/shop/club"
SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))
KEY = NoteKey(ORIGIN, public_of(SECRET))
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


class Log:
    """A log of somebody else, as long as it is asked to be."""

    def __init__(self, word: str = "a", forked_at: int = 10**9) -> None:
        self._edge, self._stored = Edge(), dict[Subtree, bytes]()
        self._roots = [self._edge.root]
        for number in range(200):
            said = word if number >= forked_at else "a"
            leaf = hashlib.sha256(f"{said} {number}".encode()).digest()
            self._stored.update(self._edge.append(leaf))
            self._roots.append(self._edge.root)

    def asked(self, old: int, size: int, secret: bytes = SECRET) -> Asked:
        note = sign_checkpoint(Checkpoint(ORIGIN, size, self._roots[size]), ORIGIN, secret)
        proof = hash_spans(consistency_spans(old, size), self._stored.__getitem__)
        return Asked(old, proof, note)


class Watcher:
    """The witness of one tenant."""

    def __init__(self, database: Database, tenant: str = "witness") -> None:
        self.database, self.tenant_id = database, make_tenant(database, tenant)
        self._numbers = itertools.count(1)
        with database.transaction(self.tenant_id) as tx:
            self.pen: Pen = watching.pen_of(tx, MASTER_KEY, self.tenant_id)

    def trust(self, key: NoteKey = KEY) -> bool:
        with self.database.transaction(self.tenant_id) as tx:
            return watching.trust(tx, key, NOW)

    def ask(self, asked: Asked) -> Said:
        with self.database.transaction(self.tenant_id) as tx:
            return watching.add_checkpoint(tx, asked, self.pen, NOW, lambda: next(self._numbers))

    def alarms(self) -> list[tuple[str, int]]:
        with self.database.transaction(self.tenant_id) as tx:
            return [(one.kind, one.seen_size) for one in watching.list_alarms(tx, 2**62, 50)]

    def sizes(self) -> list[int]:
        with self.database.transaction(self.tenant_id) as tx:
            return [row[0] for row in tx.execute("select size from witness_heads order by 1")]


@pytest.fixture
def watcher(database: Database) -> Watcher:
    made = Watcher(database)
    assert made.trust()
    assert not made.trust()
    return made


def test_what_grew_is_signed_and_what_is_asked_again_is_signed_again(watcher: Watcher) -> None:
    log = Log()
    for old, size in ((0, 3), (3, 4), (4, 64), (64, 64), (64, 199)):
        asked = log.asked(old, size)
        said = watcher.ask(asked)
        assert read_cosignature(asked.note, said.line, watcher.pen.key) == int(NOW.timestamp())
    assert watcher.sizes() == [3, 4, 64, 199]
    assert watcher.alarms() == []


def test_whoever_asks_from_the_wrong_size_is_told_the_right_one(watcher: Watcher) -> None:
    log = Log()
    assert watcher.ask(log.asked(2, 5)) == Said(size=0)
    watcher.ask(log.asked(0, 5))
    assert watcher.ask(log.asked(0, 9)) == Said(size=5)
    assert watcher.ask(log.asked(5, 9)).line
    # What was signed before is nothing new, and nobody's fault.
    assert watcher.ask(log.asked(0, 5)) == Said(size=9)
    assert watcher.alarms() == []


def test_another_head_of_the_same_size_is_a_fork(watcher: Watcher) -> None:
    watcher.ask(Log().asked(0, 50))
    other = Log("b", forked_at=20)
    for _ in range(3):
        assert watcher.ask(other.asked(50, 50)) == Said(size=50, alarm="forked")
    assert watcher.alarms() == [("forked", 50)], "the same evidence is kept once"
    # An earlier size counts as well, whatever came after it.
    watcher.ask(Log().asked(50, 60))
    assert watcher.ask(other.asked(0, 50)).alarm == "forked"


def test_a_log_that_does_not_begin_with_what_was_seen_is_rewritten(watcher: Watcher) -> None:
    watcher.ask(Log().asked(0, 50))
    assert watcher.ask(Log("b", forked_at=49).asked(50, 90)) == Said(size=50, alarm="rewritten")
    good = Log().asked(50, 90)
    assert watcher.ask(good._replace(proof=good.proof[:-1])).alarm == "rewritten"
    assert watcher.sizes() == [50]
    assert watcher.ask(good).line, "the true log goes on"


def test_a_log_that_shrank_is_seen(watcher: Watcher) -> None:
    watcher.ask(Log().asked(0, 50))
    assert watcher.ask(Log().asked(0, 40)) == Said(size=50, alarm="shrunk")
    assert watcher.alarms() == [("shrunk", 50)]


def test_only_trusted_keys_are_heard_and_others_leave_nothing_behind(watcher: Watcher) -> None:
    with pytest.raises(Problem) as caught:
        watcher.ask(Log().asked(0, 5, OTHER))
    assert caught.value.code == "checkpoint_not_signed"
    stranger = Log().asked(0, 5)
    with pytest.raises(Problem) as caught:
        watcher.ask(stranger._replace(note=stranger.note.replace(ORIGIN, "guerdon/shop/other")))
    assert caught.value.code == "log_not_found"
    assert (watcher.sizes(), watcher.alarms()) == ([], [])
    # A log that changed its key is known by both.
    assert watcher.trust(NoteKey(ORIGIN, public_of(OTHER)))
    assert watcher.ask(Log().asked(0, 5)).line
    assert watcher.ask(Log().asked(5, 6, OTHER)).line


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 3",
        b"old -1\n\nx\n1\n",
        b"old 03\n\n",
        b"old 3\nAAAA\n\n",
        b"old 3\n!\n\n",
        b"new 3\n\n",
        b"old 99999999999999999999\n\n",
        b"\xff\xfe",
        b"old 3\n" + b"A" * 20_000 + b"\n\n",
        b"old 3\n" + (b"A" * 43 + b"=\n") * 64 + b"\n",
        b"old \xd9\xa3\n\n",
    ],
)
def test_a_request_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        read_request(body)
    assert caught.value.code == "checkpoint_invalid"


def test_a_request_is_read_as_it_was_written() -> None:
    asked = Log().asked(3, 100)
    assert read_request(write_request(asked.old, asked.proof, asked.note)) == asked


def test_of_two_who_ask_at_once_each_is_held_against_the_other(watcher: Watcher) -> None:
    log = Log()
    watcher.ask(log.asked(0, 10))
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(watcher.ask, [log.asked(10, size) for size in range(11, 43)]))
    signed = [one for one in said if one.line]
    assert len(watcher.sizes()) == 1 + len(signed)
    assert signed
    assert {alarm[0] for alarm in watcher.alarms()} <= {"shrunk"}
    with watcher.database.transaction(watcher.tenant_id) as tx:
        chain = tx.execute("select size, follows from witness_heads order by size").fetchall()
    assert [row[1] for row in chain[1:]] == [row[0] for row in chain[:-1]]


def test_what_was_seen_cannot_be_changed(watcher: Watcher) -> None:
    watcher.ask(Log().asked(0, 10))
    for statement in ("update witness_heads set size = 9", "delete from witness_heads"):
        with pytest.raises(psycopg.Error), watcher.database.transaction(watcher.tenant_id) as tx:
            tx.execute(statement)


def test_tenants_watch_apart(watcher: Watcher, database: Database) -> None:
    watcher.ask(Log().asked(0, 10))
    other = Watcher(database, "other")
    assert other.pen.key != watcher.pen.key
    with pytest.raises(Problem, match="no log of this name"):
        other.ask(Log().asked(0, 5))
    other.trust()
    assert other.ask(Log("b", forked_at=0).asked(0, 5)).line
    assert other.alarms() == []


def test_an_alarm_is_settled_once_by_somebody(watcher: Watcher) -> None:
    watcher.ask(Log().asked(0, 50))
    watcher.ask(Log().asked(0, 40))
    with watcher.database.transaction(watcher.tenant_id) as tx:
        assert watching.look(tx).alarms == 1
        assert watching.find_watched(tx, ORIGIN).alarms == 1
        watching.settle_alarm(tx, 1, "key:gk_1", NOW)
        assert watching.look(tx).alarms == 0
        assert watching.list_alarms(tx, 2**62, 5)[0].settled_by == "key:gk_1"
        with pytest.raises(Problem) as caught:
            watching.settle_alarm(tx, 1, "key:gk_1", NOW)
    assert caught.value.code == "alarm_not_found"
