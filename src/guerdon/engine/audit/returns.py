"""Returns decided again: the order that something came back of is read as it was paid."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from uuid import UUID

import msgspec

from guerdon.base.calendar import LAST_INSTANT
from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.engine.audit.merges import Merges
from guerdon.engine.audit.versions import Versions
from guerdon.engine.events import StoredEvent, ask_stored, find_orders
from guerdon.engine.replaying.facts import Fact, key_of
from guerdon.engine.returns.captures import find_captures
from guerdon.engine.returns.choosing import chosen_among
from guerdon.engine.returns.paid import read_paid, returned_of, since_last
from guerdon.engine.returns.rows import ReturnRow, ask_returns
from guerdon.engine.returns.shared import load_shared_lives
from guerdon.engine.returns.warranties import warranties_among
from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey
from guerdon.rewards.redemptions import Redemption
from guerdon.rules.decision import Decision, Returned
from guerdon.rules.events import PaidOrder, ReturnOrder
from guerdon.rules.lives import LifeKey, LotLife
from guerdon.rules.program import Program
from guerdon.rules.undo import decisions_of, ended_lots

LOOSE_RETURNS = """
select r.account_id, r.return_event, r.number::text from order_returns r
where not exists (select from events e where e.account_id = r.account_id and e.event_id = r.return_event)
order by 1, 2
"""

KeyOf = Callable[[StoredEvent], MemberKey | None]
Known = tuple[KeyOf, Mapping[int, str], Mapping[int, Redemption]]
"""What gives the key of an event's person; how redemptions stood before; and these themselves."""


class Returning:
    """Finds the orders of returns."""

    def __init__(self, tx: Tx, versions: Versions, merges: Merges) -> None:
        """Begin.

        Args:
            tx: bound to the tenant.
            versions: the tenant's compiled versions.
            merges: which accounts went into which.
        """
        self._tx = tx
        self._merges = merges
        self._versions = versions
        self._account_id = 0
        self._counts: Counter[str] = Counter()
        """How many returns of an order the walk has met in this account, by the event that paid it."""

    def check_row(self, stored: StoredEvent, decision: Decision) -> Iterator[Finding]:
        """Compare the row of a return with its decision.

        Args:
            stored: any event.
            decision: what was decided on it.

        Yields:
            What does not hold.
        """
        returned = decision.returned
        if returned is None:
            return
        found = self._rows(stored, returned)
        expected = self._number(stored, returned, found)
        own = [row.number for row in found if row.return_event == stored.event_id]
        if not stored.transactions and len(own) == 1:
            # Ids that several processes give tell no order, and without postings nothing else does.
            expected = own[0]
        if own != [expected] or [row.number for row in found] != list(range(1, len(found) + 1)):
            key = key_of(stored.account_id, stored.event_id)
            numbers = " ".join(str(row.number) for row in found)
            told = f"{own} among {numbers}"
            yield Finding(
                "returns_unlike_events", "order_returns", key, f"[{expected}]", told, stored.account_id
            )

    def _number(self, stored: StoredEvent, returned: Returned, found: list[ReturnRow]) -> int:
        """Tell which return of its order one is: behind those so far, nobody's and merged accounts'."""
        if not stored.account_id:
            return 0
        if stored.account_id != self._account_id:
            self._account_id = stored.account_id
            self._counts.clear()
        self._counts[returned.order_event] += 1
        before = {0, *self._merges.behind(stored.account_id)}
        return self._counts[returned.order_event] + sum(row.account_id in before for row in found)

    def with_order(self, stored: StoredEvent, program_id: int, fact: Fact, known: Known) -> Fact:
        """Give a return the order that it was decided with.

        Args:
            stored: the event of the return.
            program_id: of which program.
            fact: the return as read.
            known: gives the key of an event's person; and the account's redemptions before.

        Returns:
            The fact with the order.

        Raises:
            Problem: `order_not_found`, `version_not_found` or `stored_body_unreadable`.
        """
        try:
            return self._with_order(stored, program_id, fact, known)
        except (
            msgspec.MsgspecError,
            zlib.error,
            UnicodeDecodeError,
            ArithmeticError,
            AssertionError,
            LookupError,
            ValueError,
        ) as error:
            # What was decided about an order is there to be read; a damaged one may be anything.
            raise Problem("stored_body_unreadable", type(error).__name__) from error

    def _with_order(self, stored: StoredEvent, program_id: int, fact: Fact, known: Known) -> Fact:
        command = fact.event.command
        assert isinstance(command, ReturnOrder)
        key_of_event, statuses, redemptions = known
        orders = {one.source: one for one in find_orders(self._tx, program_id, command.asked.order)}
        order = orders.get(fact.event.source) or orders.get("")
        if order is None:
            raise Problem("order_not_found", "the order that something came back of is not there")
        captures = find_captures(self._tx, program_id, [order.event_id]).get(order.event_id, ())
        later = [one for one in captures if one.event_id < stored.event_id]
        paid = read_paid(order, lambda number: self._recorded(program_id, number), key_of_event(order), later)
        before = self._before(stored, paid)
        events = ask_stored(self._tx, self._whose(stored), set(before))()
        paid = msgspec.structs.replace(
            paid,
            earlier=tuple(returned_of(events[one]) for one in before if one in events),
            redemptions=statuses,
            chosen=chosen_among(decisions_of(paid), redemptions),
            warranties=warranties_among(self._tx, redemptions, stored.account_id, paid),
            lives=self._lives(stored, (program_id, order.account_id), paid),
            fresh=since_last(later, before),
        )
        event = msgspec.structs.replace(fact.event, command=msgspec.structs.replace(command, paid=paid))
        return fact._replace(event=event)

    def _whose(self, stored: StoredEvent) -> set[int]:
        # Nobody's order may be a member's by now: its checkout took something of the member's.
        return {0, *self._merges.family(stored.account_id)}

    def _lives(
        self, stored: StoredEvent, of_order: tuple[int, int], paid: PaidOrder
    ) -> Mapping[LifeKey, LotLife]:
        if not stored.account_id:
            return {}
        program_id, order_account = of_order
        # The account's clock may have been ahead of the return's; it is asked for more than is needed then.
        ended = ended_lots(paid, self._recorded(program_id, stored.version), LAST_INSTANT)
        whose = (order_account or stored.account_id, stored.account_id)
        edges = self._merges.arrived_at(stored.account_id)
        return load_shared_lives(self._tx, whose, ended, edges, stored.first_seq)

    def _recorded(self, program_id: int, number: int) -> Program:
        version = self._versions.find(self._tx, program_id, number)
        if version is None:
            raise Problem("version_not_found", "the version that decided is not there")
        return version.program

    def _rows(self, stored: StoredEvent, returned: Returned) -> list[ReturnRow]:
        try:
            order_event = UUID(returned.order_event)
        except ValueError:
            return []
        return ask_returns(self._tx, self._whose(stored), [order_event])()

    def _before(self, stored: StoredEvent, paid: PaidOrder) -> list[UUID]:
        """List the returns of an order that came before one of them."""
        rows = ask_returns(self._tx, self._whose(stored), [UUID(paid.event_id)])()
        numbers = [row.number for row in rows if row.return_event == stored.event_id]
        return [row.return_event for row in rows if numbers and row.number < numbers[0]]
