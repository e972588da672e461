"""The outbox is read in the order of its transactions' numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from guerdon.infra.db import Database
from guerdon.infra.outbox import relay
from guerdon.infra.outbox.relay import Consumer

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROW = """
insert into outbox (account_id, event_id, program_id, booked_at, notices, written_in)
values (1, %s, 1, %s, '{order.paid}', %s::xid8)
"""


def test_pages_follow_numbers_where_they_grow_by_a_digit(database: Database) -> None:
    with database.transaction(5) as tx:
        for number in (100, 9, 99, 10, 101, 8):
            tx.execute(ROW, (UUID(int=number), NOW, str(number)))
    consumer, found = Consumer("test"), []
    with database.transaction_as("relay") as tx:
        relay.register(tx, consumer)
    for _ in range(3):
        with database.transaction_as("relay") as tx:
            cursor = relay.lock(tx, consumer)
            assert cursor is not None
            page = relay.read(tx, cursor, 2)
            found += [one.written_in for one in page]
            relay.move(tx, cursor, page[-1].place)
    assert found == [8, 9, 10, 99, 100, 101]
