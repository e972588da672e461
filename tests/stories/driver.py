"""Who carries a story out: here the rules alone; the live engine may have a driver with the same doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from guerdon.base.exact import scaled_text, to_scaled
from guerdon.base.ids import Chance
from guerdon.rules.compiling import compile_program
from guerdon.rules.decision import Decision
from guerdon.rules.definition import load_definition
from guerdon.rules.events import (
    Adjust,
    CancelRedemption,
    Command,
    Event,
    ReceiveUnits,
    Redeem,
    SendUnits,
    Tick,
)
from guerdon.rules.lots import expiring, settle
from guerdon.rules.metrics import Counts
from guerdon.rules.orders import AmountInput, LineInput, OrderInput, read_order
from guerdon.rules.state import AccountState, Lot, MemberState, Shared, State
from guerdon.rules.step import exactly, step
from guerdon.rules.tiers import tier_at
from tests.rules.reducing import merged, reduced
from tests.stories.telling import Told

CHANNELS = ("web", "app", "pos", "b2b", "social", "partner", "system")


@dataclass(frozen=True)
class Stands:
    """How somebody stands at an instant; units as texts in whole units."""

    wallets: dict[str, tuple[str, str, str]]
    """Available, pending, held."""
    expiring: dict[str, list[tuple[datetime, str]]]
    tiers: dict[str, str]
    badges: list[str]


class Driver(Protocol):
    """The two doors that a story goes through."""

    def happens(self, told: Told) -> Decision:
        """Let something happen, and give the answer."""

    def stands(self, who: str, at: datetime) -> Stands:
        """Say how somebody stands."""


class PureDriver:
    """Carries stories out by `rules.step`, each event on the whole state and on what it is said to need."""

    def __init__(self, document: str) -> None:
        self.program = compile_program(load_definition(document), 1)
        self.people: dict[str, AccountState] = {}
        self.shared = Shared()
        self.taken: dict[tuple[str, str], CancelRedemption] = {}
        self.decisions: list[tuple[str, Decision]] = []

    def account(self, who: str) -> AccountState:
        if who not in self.people:
            number = 1_000 + len(self.people)
            self.people[who] = AccountState(number, owner=MemberState(number))
        return self.people[who]

    def happens(self, told: Told) -> Decision:
        verb, *rest = told.words
        if verb == "send":
            return self._send(told, rest)
        return self._step(told, told.who, self._event(told, verb, rest))

    def stands(self, who: str, at: datetime) -> Stands:
        account, program = self.account(who), self.program
        wallets, soon = {}, {}
        for key, wallet in program.wallets.items():
            state = account.wallets.get(key)
            now, _ = settle(state, at) if state is not None else (None, ())
            scale = wallet.scale
            wallets[key] = tuple(
                scaled_text(units, scale)
                for units in ((now.available, now.pending, now.held) if now is not None else (0, 0, 0))
            )
            soon[key] = [(on, scaled_text(units, scale)) for on, units in expiring(now, at)] if now else []
        with exactly():
            tiers = {
                key: tier_at(ladder, account.tiers.get(key), Counts(account.buckets), program.zone, at).level
                for key, ladder in program.ladders.items()
            }
        return Stands(wallets, soon, tiers, sorted(account.badges))  # type: ignore[arg-type]  # three of each

    def _event(self, told: Told, verb: str, rest: list[str]) -> Event:
        if verb == "order":
            return self._order(told, rest)
        if verb == "event":
            data = dict(pair.split("=", 1) for pair in rest[1:])
            return Event(
                rest[0],
                told.at,
                told.heard,
                "story",
                str(told.number),
                data={key: _datum(value) for key, value in data.items()},
            )
        if verb == "enrols":
            return Event("member.enrolled", told.at, told.heard, "story", str(told.number))
        return Event(f"guerdon.{verb}", told.at, told.heard, "story", command=self._command(told, verb, rest))

    def _order(self, told: Told, words: list[str]) -> Event:
        channel = next((word for word in words if word in CHANNELS), "web")
        store = words[words.index("at") + 1] if "at" in words else ""
        amounts = [Decimal(word) for word in words if word[0].isdigit()]
        paid = [word.split("=") for word in words if "=" in word]
        sent = OrderInput(
            id=f"order-{told.number}",
            lines=tuple(LineInput(id=str(at), subtotal=one) for at, one in enumerate(amounts)),
            payments=tuple(AmountInput(Decimal(amount), kind) for kind, amount in paid if kind != "off"),
            discounts=tuple(AmountInput(Decimal(amount)) for kind, amount in paid if kind == "off"),
        )
        order = read_order(sent, self.program.order_settings, channel, store)
        return Event(
            "order.paid", told.at, told.heard, "story", str(told.number), channel, store, order=order
        )

    def _command(self, told: Told, verb: str, rest: list[str]) -> Command:
        if verb == "night":
            return Tick()
        if verb == "redeem":
            return Redeem(told.number, rest[0], int(rest[1].removeprefix("x")) if len(rest) > 1 else 1)
        if verb == "cancel":
            return self.taken[told.who, rest[0]]
        assert verb == "adjust", f"line {told.number}: nobody can {verb}"
        scale = self.program.wallets[rest[0]].scale if rest[0] in self.program.wallets else 0
        return Adjust(rest[0], to_scaled(Decimal(rest[1]), scale), "a story")

    def _send(self, told: Told, words: list[str]) -> Decision:
        wallet, amount, _, to = words
        units = to_scaled(Decimal(amount), self.program.wallets[wallet].scale)
        sender, receiver = self.account(told.who), self.account(to)
        leaves = SendUnits(wallet, units, receiver.account_id)
        sent = self._step(told, told.who, Event("guerdon.send", told.at, told.heard, command=leaves))
        if sent.problem_code:
            return sent
        moved = _lots_of(sent.transactions[-1].entries)
        arrives = ReceiveUnits(wallet, moved, sender.account_id)
        self._step(told, to, Event("guerdon.receive", told.at, told.heard, command=arrives))
        return sent

    def _step(self, told: Told, who: str, event: Event) -> Decision:
        account = self.account(who)
        whole = State(account, account.owner, self.shared)
        gathered = reduced(self.program, whole, event)
        with exactly():
            after, decision = step(self.program, whole, event, Chance(b"story-%d" % told.number))
            again, same = step(self.program, gathered, event, Chance(b"story-%d" % told.number))
        short = f"line {told.number}: what is gathered does not suffice"
        assert decision == same, short
        assert merged(self.program, whole, again, same) == after, short
        self.people[who], self.shared = after.account, after.shared
        self.decisions.append((who, decision))
        for redemption in decision.redemptions:
            spent = {
                one.wallet: _lots_of(one.entries, -1)
                for one in decision.transactions
                if one.redemption_id == redemption.redemption_id
            }
            self.taken[who, redemption.reward] = CancelRedemption(
                redemption.redemption_id,
                redemption.reward,
                redemption.quantity,
                spent,
                event.occurred_at,
                account.owner.member_id if account.owner is not None else None,
            )
        return decision


def _lots_of(entries: tuple[msgspec.Struct, ...], sign: int = -1) -> tuple[Lot, ...]:
    return tuple(
        Lot(one.available_at, one.expires_at, sign * one.amount)  # type: ignore[attr-defined]
        for one in entries
        if one.book == "member"  # type: ignore[attr-defined]
    )


def _datum(text: str) -> Decimal | str:
    return Decimal(text) if text.replace(".", "", 1).removeprefix("-").isdigit() else text
