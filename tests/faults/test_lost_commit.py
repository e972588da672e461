"""A connection is lost while the server still works at the commit: the engine waits for what comes of it."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command, IssueCards
from tests.faults.holding import SECONDS, Pair, running_pair
from tests.faults.quarrel import NOW
from tests.faults.test_overtaken import about, holds_together, read, told
from tests.world.driver import TENANT
from tests.world.places import Ground


class LostCommit:
    """A connection that is gone for the engine, while the server has yet to commit."""

    def __init__(self, tx: Any) -> None:
        self._tx = tx
        self.is_lost = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    @property
    def closed(self) -> bool:
        return self.is_lost.is_set() or self._tx.closed

    def commit(self) -> None:
        self.is_lost.set()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    def close(self) -> None:
        """The server does not know yet."""

    def arrive(self) -> None:
        """Let the server come to the commit."""
        self._tx.commit()
        self._tx.close()


def lose(pair: Pair, command: Command) -> Answer:
    """Lose the connection in a command's commit, and let that commit be done while the engine asks for it."""
    pair.second.loop.submit(pair.command(about("enrol", who="first"))).result(SECONDS)
    writer = pair.second.loop._writer
    lost = LostCommit(writer._tx)
    writer._tx = lost  # type: ignore[assignment]
    asked = pair.second.loop.submit(command)
    assert lost.is_lost.wait(SECONDS)
    pair.wait_until(asked)
    lost.arrive()
    return asked.result(SECONDS)


@pytest.mark.parametrize("who", [None, "first"])
def test_an_order_is_there_once(ground: Ground, who: str | None) -> None:
    with ground.fresh() as database, running_pair(database) as pair:
        answer = lose(pair, pair.command(told(who)))
        assert answer.problem is None
        assert read(pair, "select count(*) from events where type = 'order.paid'") == [(1,)]
        holds_together(pair)


def test_gift_cards_are_issued_once(ground: Ground) -> None:
    """Nothing that was there before is locked for them: their own accounts are seen by nobody else yet."""
    with ground.fresh() as database, running_pair(database) as pair:
        base: dict[str, Any] = {"tenant_id": TENANT, "program": "store", "received_at": NOW}
        answer = lose(pair, IssueCards(amount=2500, reason="sold", **base))
        assert answer.status == "applied"
        assert read(pair, "select count(*) from gift_cards") == [(1,)]
        holds_together(pair)


def test_a_lock_that_somebody_keeps_is_waited_for_and_then_told(ground: Ground) -> None:
    with ground.fresh() as database, running_pair(database) as pair:
        pair.say(about("enrol", who="m1"))
        tx = pair.second.loop._writer._connected()
        tx.execute("set lock_timeout = '100ms'")
        tx.commit()
        with database.transaction(TENANT) as other:
            assert len(other.execute("select from accounts for update").fetchall()) == 1
            refused = pair.say(told("m1"))
        assert refused.problem is not None
        assert refused.problem.code == "database_unavailable"
        assert pair.say(told("m1")).status == "applied"
        holds_together(pair)
