"""The fold: the same pure step as live, with the state of all accounts kept in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.insight.backtest.doings import Doings
from guerdon.insight.backtest.own import NOTHING, Beside, Line, read_own
from guerdon.rules.capturing import for_guest
from guerdon.rules.decision import Decision
from guerdon.rules.events import Event, PaidOrder, ReturnOrder, TakeCapture, Tick, Use
from guerdon.rules.lives import LifeKey, LotLife, live_on
from guerdon.rules.losses import loss_to_decide, losses
from guerdon.rules.own_events import PAYS, TIER_LOST
from guerdon.rules.program import Program
from guerdon.rules.reading import SentEvent, canonical_body, read_event, subject_key
from guerdon.rules.report import Tally
from guerdon.rules.state import AccountState, MemberState, Shared, State
from guerdon.rules.step import step


class Fact(NamedTuple):
    """An event that was read, and the line that it was read from."""

    line: int
    sent: SentEvent
    event: Event
    beside: Beside = NOTHING
    """What else our own history knows of it."""


class Fold:
    """Runs facts through a program, one after the other."""

    def __init__(
        self,
        program: Program,
        read: Callable[[int], bytes],
        people: Mapping[str, MemberState] | None = None,
        returned: Collection[str] = (),
    ) -> None:
        """Begin with no accounts.

        Args:
            program: what decides.
            read: index of a line → the line, to look at an earlier event again.
            people: owners by account name, for a history of our own, which holds requests beside events;
                None for any other history.
            returned: ids of the orders that something comes back of; what was decided on these is kept.
        """
        self.program = program
        self.tally = Tally(program)
        self.duplicates = 0
        self._read = read
        self._people = people
        self._doings = Doings()
        self._accounts: dict[str, AccountState] = {}
        self._shared = Shared()
        self._events: dict[tuple[str, str], int] = {}
        self._orders: dict[tuple[str, str], int] = {}
        self._returned = returned
        self._paid: dict[tuple[str, str], tuple[str | None, PaidOrder]] = {}
        """Orders that something comes back of: whose they are, and what was decided."""
        self._lives: dict[str, dict[LifeKey, LotLife]] = {}
        """What became of lots, where something comes back at all, by account."""

    def read(self, line: int) -> Fact:
        """Read the event of a line.

        Args:
            line: its number in order of input.

        Returns:
            The fact.

        Raises:
            Problem: what `read_event` raises.
        """
        raw = self._read(line)
        own: Line | None = read_own(raw, self.program) if self._people is not None else None
        return Fact(line, *(own or read_event(raw, self.program, None, own=True)))

    def take(self, fact: Fact) -> None:
        """Decide one fact and keep what follows.

        Args:
            fact: the event; facts come in order of time.

        Raises:
            Problem: `event_id_reused`, `order_already_paid`, or what the step refuses with.
        """
        sent, event = fact.sent, fact.event
        if event.type == TIER_LOST:
            # This definition's own losses are told as they happen.
            return
        if self._is_known(sent):
            self.duplicates += 1
            return
        account = subject_key(sent.subject) if sent.subject is not None else None
        if isinstance(event.command, ReturnOrder):
            self._take_back(event, event.command)
        elif isinstance(event.command, Use):
            self._doings.use(event.command.redemption_id)
        elif account is None:
            self._take_guest(event)
        else:
            self._decide(account, event, fact.beside)
        self._events[sent.source, sent.id] = fact.line
        if event.order is not None and event.type == "order.paid":
            self._orders[sent.source, event.order.id] = fact.line

    def settle(self, until: datetime) -> None:
        """Let time pass for every account, and count where each stands.

        Args:
            until: the instant at which the history ends; what is due by then happens.
        """
        tick = Event(type="guerdon.tick", occurred_at=until, booked_at=until, command=Tick())
        for name, account in self._accounts.items():
            state, decision = step(self.program, State(account, None, self._shared), tick, _chance(name))
            self._accounts[name] = state.account
            self.tally.book(name, decision)
            self._tell_losses(name, until)
            self.tally.close(name, self._accounts[name])

    def _take_guest(self, event: Event) -> None:
        """Let a guest's order take what its checkout held of what all share; nobody earns."""
        decision = Decision(version=self.program.version)
        if event.captured is not None:
            nobody = State(AccountState(0), None, self._shared)
            state, decision = step(self.program, nobody, for_guest(event), _chance(event.id))
            self._shared = state.shared
            self.tally.count_discounts(decision)
        if event.command is None:
            self.tally.count_fact(event)
            self._keep_order(None, event, decision)

    def _decide(self, name: str, event: Event, beside: Beside = NOTHING) -> None:
        account = self._accounts.get(name)
        is_new = account is None
        if account is None:
            account = _new_account(len(self._accounts) + 1, event.occurred_at, self._owner(name))
        event = self._doings.as_here(name, event)
        chance = _chance(f"{event.source}\0{event.id}")
        state, decision = step(self.program, State(account, account.owner, self._shared), event, chance)
        if decision.problem_code:
            raise Problem(decision.problem_code, decision.problem_detail)
        if is_new:
            self.tally.enrol(name)
        self._accounts[name] = state.account
        self._shared = state.shared
        if event.command is None:
            self.tally.count_fact(event)
            self._keep_order(name, event, decision)
        elif isinstance(event.command, ReturnOrder):
            self.tally.count_fact(event)
            self._keep_return(event.command, decision)
        else:
            self._doings.note(name, event, decision)
            self._keep_capture(name, event, beside, decision)
        if decision.redemptions or decision.used or decision.cancelled or decision.restored:
            self._doings.note_redemptions(event, beside.made, decision)
        self._live_on(name, decision)
        self.tally.book(name, decision)
        self._tell_losses(name, event.booked_at)

    def _tell_losses(self, name: str, now: datetime) -> None:
        """Let campaigns hear of tiers that were lost: live, the next run of ticks tells them."""
        first = next(losses(self._accounts[name].tiers), None)
        if first is not None:
            # Once it is decided, that tells the next one.
            self._decide(name, loss_to_decide(name, *first, now))

    def _live_on(self, name: str, decision: Decision) -> None:
        if self._returned and decision.transactions:
            live_on(self._lives.setdefault(name, {}), decision.transactions)

    def _keep_order(self, name: str | None, event: Event, decision: Decision) -> None:
        """Keep what was decided on an order, where something comes back of it later."""
        order = event.order
        if event.type in PAYS and order is not None and order.id in self._returned:
            number = self._accounts[name].account_id if name is not None else None
            owner = self._owner(name) if name is not None else None
            member = owner.member_id if owner is not None else number
            captures = ((event.capture, decision),) if event.capture is not None else ()
            paid = PaidOrder(order.id, self.program, event, decision, member, captures=captures)
            self._paid[event.source, order.id] = (name, paid)

    def _keep_capture(self, name: str, event: Event, beside: Beside, decision: Decision) -> None:
        """Keep what a checkout took for an order that was known already, where something comes back of it."""
        if beside.order is None or not isinstance(event.command, TakeCapture):
            return
        source, order = beside.order
        for key in self._paid_as(source, order):
            whose, paid = self._paid[key]
            if whose == name:
                captures = (*paid.captures, (event.command.capture, decision))
                self._paid[key] = (whose, msgspec.structs.replace(paid, captures=captures))

    def _paid_as(self, source: str, order: str) -> list[tuple[str, str]]:
        """Find the orders that a checkout may mean; one without a source means any that is called so."""
        if source:
            return [(source, order)] if (source, order) in self._paid else []
        return [key for key in self._paid if key[1] == order]

    def _take_back(self, event: Event, command: ReturnOrder) -> None:
        """Let a part of an order come back, of an account or of a guest."""
        key = (event.source, command.asked.order)
        # What a checkout without a source became is anybody's to return.
        key = key if key in self._paid else ("", command.asked.order)
        name, paid = self._paid.get(key, (None, None))
        if paid is None:
            raise Problem.at("/data/order", "order_not_found", "no order of this id was paid")
        paid = msgspec.structs.replace(paid, lives=self._lives.get(name, {}) if name is not None else {})
        warranties = self._doings.warranties(key[0], command.asked.order) if name is not None else ()
        paid = msgspec.structs.replace(paid, redemptions=self._doings.statuses, warranties=warranties)
        command = msgspec.structs.replace(command, paid=paid)
        event = msgspec.structs.replace(event, command=command)
        if name is not None:
            self._decide(name, event)
            return
        nobody = State(AccountState(0), None, self._shared)
        state, decision = step(self.program, nobody, event, _chance(event.id))
        if decision.problem_code:
            raise Problem(decision.problem_code, decision.problem_detail)
        self._shared = state.shared
        self.tally.count_fact(event)
        self._keep_return(command, decision)

    def _keep_return(self, command: ReturnOrder, decision: Decision) -> None:
        paid, returned = command.paid, decision.returned
        assert paid is not None and returned is not None  # noqa: PT018 - it was not refused
        self.tally.count_return(returned)
        key = (paid.event.source, command.asked.order)
        paid = msgspec.structs.replace(paid, earlier=(*paid.earlier, returned))
        self._paid[key] = (self._paid[key][0], paid)

    def _owner(self, name: str) -> MemberState | None:
        return self._people.get(name) if self._people is not None else None

    def _is_known(self, sent: SentEvent) -> bool:
        """Tell a repeated event, and refuse another one under the same name."""
        seen = self._events.get((sent.source, sent.id))
        if seen is not None:
            if canonical_body(self.read(seen).sent) != canonical_body(sent):
                detail = "another event of this source has this id"
                raise Problem.at("/id", "event_id_reused", detail)
            return True
        if sent.type != "order.paid":
            return False
        paid = self._orders.get((sent.source, sent.data.id))  # type: ignore[union-attr]  # orders are typed
        if paid is None:
            return False
        if self.read(paid).sent.data != sent.data:
            raise Problem.at("/data/id", "order_already_paid", "this order was paid by another event")
        return True


def _new_account(number: int, at: datetime, owner: MemberState | None) -> AccountState:
    member = owner or MemberState(member_id=number, joined_at=at)
    return AccountState(account_id=number, created_at=member.joined_at or at, owner=member)


def _chance(seed: str) -> Chance:
    return Chance(hashlib.blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=16).digest())
