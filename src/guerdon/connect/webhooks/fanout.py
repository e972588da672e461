"""From the outbox to the queue: each notice once, and a row for each endpoint that wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from guerdon.base.errors import Problem
from guerdon.connect.webhooks.endpoints import wants
from guerdon.connect.webhooks.notices import (
    Message,
    Notice,
    load_balances_after,
    load_named,
    message_id_of,
    told,
    write_message,
)
from guerdon.engine.compiled import CompiledPrograms
from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.infra.arrays import bigints, byteas, columns, texts, uuids
from guerdon.infra.db import Database
from guerdon.infra.outbox import relay
from guerdon.infra.outbox.relay import Consumer, Parcel
from guerdon.infra.tx import Tx
from guerdon.programs.programs import list_programs
from guerdon.rules.program import Program

_LOG = structlog.get_logger(__name__)
CONSUMER: Final = Consumer("webhooks")
PARCELS: Final = 200
GIVE_UP_AFTER: Final = timedelta(days=3)
_ENDPOINTS: Final = "select webhook_id, tenant_id, program_id, types, since::text from webhooks where enabled"
_MESSAGES: Final = """
insert into webhook_messages (tenant_id, message_id, account_id, program_id, event_id, type, body, made_at)
select *, %s::timestamptz
from unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::bigint[], %s::uuid[], %s::text[], %s::bytea[])
on conflict do nothing
"""
_DELIVERIES: Final = """
insert into webhook_deliveries (tenant_id, webhook_id, message_id, account_id, type, state, made_at, next_at,
    give_up_at)
select tenant_id, webhook_id, message_id, account_id, type, 'waiting', %s, %s, %s
from unnest(%s::bigint[], %s::bigint[], %s::uuid[], %s::bigint[], %s::text[])
    as d (tenant_id, webhook_id, message_id, account_id, type)
on conflict do nothing
"""


class Listener(NamedTuple):
    """An endpoint as far as this matters."""

    webhook_id: int
    tenant_id: int
    program_id: int | None
    types: Sequence[str]
    since: int
    """The transaction that made it (xid8)."""

    def hears(self, parcel: Parcel, notice: str) -> bool:
        """Tell whether it is to be told a notice.

        Args:
            parcel: of the outbox.
            notice: one of its names.

        Returns:
            Whether tenant, program, time and types fit.
        """
        return (
            self.tenant_id == parcel.tenant_id
            and self.program_id in (None, parcel.program_id)
            and self.since <= parcel.written_in
            and wants(self.types, notice)
        )


Wanted = list[tuple[Parcel, str, list[int]]]
"""Parcel, notice, and the endpoints that want it."""


class FanOut:
    """Carries parcels of the outbox over to the queue of deliveries."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Begin with nothing compiled.

        Args:
            database: where outbox and queue are.
            clock: tells the time.
        """
        self._database = database
        self._clock = clock
        self._programs = CompiledPrograms(database)

    def register(self) -> None:
        """Have the outbox keep what is not carried over yet."""
        with self._database.transaction_as("relay") as tx:
            relay.register(tx, CONSUMER)

    def carry(self) -> bool:
        """Carry one page over, in one transaction: told by a row, and gone from the outbox.

        Returns:
            Whether there may be more at once.

        Raises:
            Problem: `database_unavailable`.
        """
        with self._database.transaction_as("relay") as tx:
            cursor = relay.lock(tx, CONSUMER)
            if cursor is None:
                return False
            parcels = relay.read(tx, cursor, PARCELS)
            if not parcels:
                if not cursor.place.is_between:
                    relay.move(tx, cursor, cursor.horizon)
                    relay.prune(tx)
                return False
            # Read after the parcels: an endpoint that is not seen now was made after all of them.
            listeners = [Listener._make((*row[:4], int(row[4]))) for row in tx.execute(_ENDPOINTS)]
            if listeners:
                self._tell(tx, parcels, listeners)
                relay.move(tx, cursor, parcels[-1].place)
            else:
                relay.move(tx, cursor, cursor.horizon)
            relay.prune(tx)
        return len(parcels) == PARCELS

    def _tell(self, tx: Tx, parcels: Sequence[Parcel], listeners: Sequence[Listener]) -> None:
        wanted: Wanted = []
        for parcel in parcels:
            for notice in told(parcel.notices):
                hearing = [one.webhook_id for one in listeners if one.hears(parcel, notice)]
                if hearing:
                    wanted.append((parcel, notice, hearing))
        if not wanted:
            return
        written: list[tuple[int, Message]] = []
        for tenant_id in dict.fromkeys(parcel.tenant_id for parcel, _, _ in wanted):
            ours = [one for one in wanted if one[0].tenant_id == tenant_id]
            written += [(tenant_id, message) for message in self._write(tenant_id, ours)]
        self._queue(tx, wanted, written)

    def _write(self, tenant_id: int, wanted: Wanted) -> list[Message]:
        accounts = {parcel.account_id for parcel, _, _ in wanted}
        with self._database.transaction(tenant_id) as tx:
            stored = ask_stored(tx, accounts, {parcel.event_id for parcel, _, _ in wanted})()
            held = load_balances_after(tx, list(stored.values()))
            named = load_named(tx, list(stored.values()))
            keys = {line.program_id: line.key for line in list_programs(tx)}
        programs = {
            program_id: self._program(tenant_id, keys[program_id])
            for program_id in {parcel.program_id for parcel, _, _ in wanted}
        }
        messages = []
        for parcel, notice, _ in wanted:
            program, event = programs[parcel.program_id], stored.get(parcel.event_id)
            if program is None or event is None:
                # What cannot be written is told in the log and holds nobody else up.
                _LOG.error("notice_not_written", event=str(parcel.event_id), notice=notice)
                continue
            body = write_message(program, event, held.get(parcel.event_id, {}), Notice(notice, named))
            messages.append(_message(parcel, event, notice, body))
        return messages

    def _program(self, tenant_id: int, key: str) -> Program | None:
        try:
            return self._programs.load((tenant_id, key)).program
        except Problem as problem:
            if problem.code == "database_unavailable":
                raise
            _LOG.error("program_not_compiled", program=key, code=problem.code)
            return None

    def _queue(self, tx: Tx, wanted: Wanted, written: Sequence[tuple[int, Message]]) -> None:
        if not written:
            return
        now = self._clock()
        rows = [(tenant_id, *message) for tenant_id, message in written]
        packers = (bigints, uuids, bigints, bigints, uuids, texts, byteas)
        tx.execute(_MESSAGES, (now, *columns(rows, packers)))
        made = {(message.event_id, message.account_id, message.type): message for _, message in written}
        deliveries = []
        for parcel, notice, hearing in wanted:
            message = made.get((parcel.event_id, parcel.account_id, notice))
            if message is not None:
                deliveries += [
                    (parcel.tenant_id, webhook_id, message.message_id, parcel.account_id, notice)
                    for webhook_id in hearing
                ]
        packed = columns(deliveries, (bigints, bigints, uuids, bigints, texts))
        tx.execute(_DELIVERIES, (now, now, now + GIVE_UP_AFTER, *packed))


def _message(parcel: Parcel, event: StoredEvent, notice: str, body: bytes) -> Message:
    message_id = message_id_of(event.event_id, parcel.account_id, notice)
    return Message(message_id, parcel.account_id, parcel.program_id, event.event_id, notice, body)
