"""Events as they are summed: read from the tables, their orders worked out once more."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from guerdon.base.calendar import Zone
from guerdon.infra.arrays import bigints, uuids
from guerdon.infra.tx import Tx
from guerdon.insight.rollups.sums import Fact, Sums
from guerdon.programs.programs import get_version, list_programs
from guerdon.rules.compiling import order_settings
from guerdon.rules.decision import Decision
from guerdon.rules.definition import load_definition
from guerdon.rules.orders import OrderInput, OrderSettings, read_order

_COLUMNS: Final = "program_id, account_id, event_id, type, occurred_at, version, channel, store, decision"
_BODY: Final = "case when type = 'order.paid' then body end"
_SOME: Final = f"""
select {_COLUMNS}, {_BODY} from events
where account_id = any(%s::bigint[]) and event_id = any(%s::uuid[])
"""  # noqa: S608 - columns of ours
_ALL: Final = f"select {_COLUMNS}, {_BODY} from events"  # noqa: S608 - columns of ours
_AT_ONCE: Final = 2_000
_DECISIONS: Final = msgspec.json.Decoder(Decision)
Row = tuple[int, int, UUID, str, datetime, int, str, str, bytes, bytes | None]


class _Ordered(msgspec.Struct, frozen=True):
    data: OrderInput
    channel: str | None = None
    store: str | None = None


_ORDERS: Final = msgspec.json.Decoder(_Ordered)


class Reader:
    """Reads events of one tenant; keeps what its programs say about days and money."""

    def __init__(self) -> None:
        """Know no program yet."""
        self._keys: dict[int, str] = {}
        self._known: dict[tuple[int, int], tuple[Zone, OrderSettings]] = {}

    def sum_some(self, tx: Tx, wanted: Sequence[tuple[int, UUID]]) -> Sums:
        """Sum some events.

        Args:
            tx: bound to the tenant.
            wanted: account and event of each.

        Returns:
            What they add.
        """
        chosen = set(wanted)
        accounts = bigints(sorted({one[0] for one in wanted}))
        cursor = tx.execute(_SOME, (accounts, uuids(sorted({one[1] for one in wanted}))))
        sums = Sums()
        self._sum(tx, sums, (row for row in cursor if (row[1], row[2]) in chosen))
        return sums

    def sum_all(self, tx: Tx) -> Iterator[Sums]:
        """Sum all events that a transaction sees, in parts.

        Args:
            tx: bound to the tenant, repeatable read.

        Yields:
            What so many events add; each part is to be stored before the next is asked for.
        """
        with tx.cursor("rollup_events", withhold=False) as cursor:
            cursor.execute(_ALL.encode())
            while rows := cursor.fetchmany(_AT_ONCE):
                sums = Sums()
                self._sum(tx, sums, rows)
                yield sums

    def _sum(self, tx: Tx, sums: Sums, rows: Iterable[tuple[Any, ...]]) -> None:
        for program_id, account_id, event_id, kind, at, version, channel, store, decision, body in rows:
            zone, settings = self._settings(tx, program_id, version)
            net = None
            if body is not None:
                sent = _ORDERS.decode(zlib.decompress(body))
                net = read_order(sent.data, settings, channel, store).net_minor
            decided = _DECISIONS.decode(decision)
            sums.add(Fact(program_id, account_id, event_id, kind, at, net, decided), zone)

    def _settings(self, tx: Tx, program_id: int, version: int) -> tuple[Zone, OrderSettings]:
        found = self._known.get((program_id, version))
        if found is None:
            if program_id not in self._keys:
                self._keys = {line.program_id: line.key for line in list_programs(tx)}
            definition = load_definition(get_version(tx, self._keys[program_id], version).canonical)
            found = (Zone(definition.timezone), order_settings(definition))
            self._known[program_id, version] = found
        return found
