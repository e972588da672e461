"""Events and orders that were applied before, in this batch or earlier."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.engine.events import StoredEvent
from guerdon.engine.folding.folded import Applied
from guerdon.engine.gather import Gathered
from guerdon.engine.intake import Item, order_key, public_form, stored_form
from guerdon.engine.keys import KnownEvent, Pair
from guerdon.rules.decision import Decision
from guerdon.rules.program import Program


class KnownOrder(NamedTuple):
    """An order that was paid before."""

    decision: Decision
    account_id: int
    body: bytes
    event_id: UUID


class Known:
    """Remembers what the batch applied, beside what was gathered."""

    def __init__(self, gathered: Gathered) -> None:
        """Begin with what was gathered.

        Args:
            gathered: what was read.
        """
        self._gathered = gathered
        self._by_key: dict[Pair, Applied] = {}
        self._by_order: dict[Pair, Applied] = {}

    def remember(self, item: Item, applied: Applied) -> None:
        """Know an event, and its order, if it comes again in this batch.

        Args:
            item: the command.
            applied: what it came to.
        """
        event = applied.event
        self._by_key[event.source, event.id] = applied
        order = order_key(item)
        if order is not None:
            self._by_order[order] = applied

    def find_event(self, item: Item, body_hash: bytes) -> Decision | None:
        """Recognise an event, or an order, that was applied before.

        Args:
            item: the command.
            body_hash: SHA-256 of its body.

        Returns:
            The first decision, None where it is new.

        Raises:
            Problem: `event_id_reused` or `order_already_paid`.
        """
        event = item.event
        assert event is not None
        key = (event.source, event.id)
        mine, known = self._by_key.get(key), self._gathered.known_events.get(key)
        first_hash = mine.body_hash if mine is not None else known.body_hash if known is not None else None
        if first_hash is None:
            order = order_key(item)
            return self._find_same_order(item, order) if order is not None else None
        if first_hash != body_hash:
            raise Problem.at("/id", "event_id_reused", "this source sent another event with this id before")
        return mine.decision if mine is not None else self._stored(known).decided

    def find_order(self, order: Pair, account_id: int) -> KnownOrder | None:
        """Find an order that was paid before.

        A checkout that names no source stands for the account's order of this id, whichever shop tells of it.

        Args:
            order: source and id.
            account_id: who pays it.

        Returns:
            The order, None where it is new.
        """
        nameless = ("", order[1])
        same = self._order(order)
        if same is not None:
            return self._shown(same)
        told: list[Applied | KnownEvent | None] = [self._order(nameless)]
        if order == nameless:
            told = [one for (_, name), one in self._by_order.items() if name == order[1]]
            told += [one for (_, name), one in self._gathered.known_orders.items() if name == order[1]]
        for one in told:
            if one is not None and self._gathered.heir_of(one.account_id) == account_id:
                return self._shown(one)
        return None

    def _order(self, order: Pair) -> Applied | KnownEvent | None:
        return self._by_order.get(order) or self._gathered.known_orders.get(order)

    def _shown(self, one: Applied | KnownEvent) -> KnownOrder:
        if isinstance(one, Applied):
            return KnownOrder(one.decision, one.account_id, one.public or one.body, one.event_id)
        stored = self._stored(one)
        heir = self._gathered.heir_of(stored.account_id)
        return KnownOrder(stored.decided, heir, stored.text, stored.event_id)

    def _find_same_order(self, item: Item, order: Pair) -> Decision | None:
        known = self.find_order(order, item.account_id)
        if known is None:
            return None
        if known.account_id == item.account_id:
            if _body(known.body).capture is not None:
                # It confirmed a checkout: a shop that tells of it as well says it in its own way.
                return known.decision
            program: Program = self._gathered.place.program
            mine = public_form(item, program) or stored_form(item, item.member_id)[0]
            if bytes(_body(mine).data) == bytes(_body(known.body).data):
                return known.decision
        raise Problem.at(
            "/data/id", "order_already_paid", "another event of this source paid this order before"
        )

    def _stored(self, known: Any) -> StoredEvent:
        return self._gathered.earlier[known.event_id]


class _Body(msgspec.Struct):
    data: msgspec.Raw
    capture: Any = None


def _body(body: bytes) -> _Body:
    return msgspec.json.decode(body, type=_Body)
