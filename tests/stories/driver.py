"""Who carries a story out: here the rules alone; the live engine may have a driver with the same doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import msgspec

from guerdon.base.calendar import EPOCH_DAY
from guerdon.base.exact import plain_text, scaled_text, to_scaled
from guerdon.base.ids import Chance
from guerdon.rules.checkout import Opening, quote
from guerdon.rules.compiling import compile_program
from guerdon.rules.decision import Decision
from guerdon.rules.definition import load_definition
from guerdon.rules.draft import Draft
from guerdon.rules.events import (
    Adjust,
    CancelRedemption,
    Command,
    EndTier,
    Event,
    GiveTier,
    JoinChallenge,
    LeaveChallenge,
    PaidOrder,
    PriceCart,
    ReceiveUnits,
    Redeem,
    ReturnOrder,
    SendUnits,
    Tick,
)
from guerdon.rules.lives import LifeKey, LotLife, live_on
from guerdon.rules.lots import expiring, settle
from guerdon.rules.metrics import Counts
from guerdon.rules.orders import AmountInput, LineInput, OrderInput, read_order
from guerdon.rules.play.draws import lot_of
from guerdon.rules.pricing import read_cart
from guerdon.rules.program import Program
from guerdon.rules.promotions import CHECKOUT
from guerdon.rules.reaching.challenges import Standing
from guerdon.rules.reaching.foreseeing import Foreseen, how_far
from guerdon.rules.sent import ReturnAsked, ReturnLine
from guerdon.rules.state import AccountState, Lot, MemberState, Shared, State
from guerdon.rules.step import exactly, step
from guerdon.rules.tiers import Way, prospect_of, tier_at
from tests.rules.reducing import merged, reduced
from tests.stories.telling import Told

replace = msgspec.structs.replace
SEED = bytes(range(32))
"""Of every draw that a story tells of: 000102…1f, so that lots can be reckoned with any tool."""
CHANNELS = ("web", "app", "pos", "b2b", "social", "partner", "system")


@dataclass(frozen=True)
class Stands:
    """How somebody stands at an instant; units as texts in whole units."""

    wallets: dict[str, tuple[str, str, str]]
    """Available, pending, held."""
    expiring: dict[str, list[tuple[datetime, str]]]
    tiers: dict[str, str]
    badges: list[str]
    challenges: dict[str, str]
    """How far, as `2 of 3`, and how often the goal was reached, as `2 of 3 times 1`."""
    next: dict[str, str]
    """The next tier of each ladder with what is missing, as `gold spend 900 by 2027-01-01 00:00`."""
    keep: dict[str, str]
    """The same of the tier that is held."""


class Driver(Protocol):
    """The two doors that a story goes through."""

    foreseen: tuple[Foreseen, ...]
    """What a cart was told of challenges, if the last thing that happened was one."""

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
        self.orders: dict[tuple[str, str], PaidOrder] = {}
        self.lives: dict[str, dict[LifeKey, LotLife]] = {}
        self.foreseen: tuple[Foreseen, ...] = ()

    def account(self, who: str) -> AccountState:
        if who not in self.people:
            number = 1_000 + len(self.people)
            self.people[who] = AccountState(number, owner=MemberState(number))
        return self.people[who]

    def happens(self, told: Told) -> Decision:
        verb, *rest = told.words
        self.foreseen = ()
        if verb == "send":
            return self._send(told, rest)
        if verb == "previews":
            return self._preview(told, rest)
        if verb == "uses":
            return self._use(told.who, rest[0])
        if verb == "returns":
            return self._return(told, rest)
        if verb == "enrols" and told.who not in self.people:
            self.people[told.who] = replace(self.account(told.who), created_at=told.at)
        event = self._event(told, verb, rest)
        decision = self._step(told, told.who, event)
        if verb == "order" and "as" in rest:
            member, name = self.people[told.who].account_id, rest[rest.index("as") + 1]
            self.orders[told.who, name] = PaidOrder(name, self.program, event, decision, member)
        return decision

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
        began_at = account.created_at
        counts = Counts(account.buckets, program.zone.day_of(began_at) if began_at else EPOCH_DAY)
        with exactly():
            held = {
                key: tier_at(ladder, account.tiers.get(key), counts, program.zone, at)
                for key, ladder in program.ladders.items()
            }
            ways = {
                key: prospect_of(program.ladders[key], one, counts, program.zone, at)
                for key, one in held.items()
            }
            challenges = self._challenges(State(account, account.owner, self.shared), at)
        return Stands(
            wallets,  # type: ignore[arg-type]  # three of each
            soon,
            {key: one.level for key, one in held.items()},
            sorted(account.badges),
            challenges,
            {key: self._way(one.next) for key, one in ways.items()},
            {key: self._way(one.keep) for key, one in ways.items()},
        )

    def _challenges(self, state: State, at: datetime) -> dict[str, str]:
        draft = Draft(self.program, state, Event("guerdon.look", at, at), Chance(bytes(8)))
        found = {}
        for key, challenge in self.program.challenges.items():
            one = Standing(draft, challenge)
            value, goal = how_far(one, one.value(0))
            found[key] = f"{plain_text(value)} of {'nothing' if goal is None else plain_text(goal)}"
            found[key] += f" times {one.progress.times}"
        return found

    def _way(self, way: Way | None) -> str:
        if way is None:
            return "nothing"
        missing = " ".join(f"{one.metric} {plain_text(one.missing)}" for one in way.metrics)
        by = self.program.zone.local(way.by).strftime("%Y-%m-%d %H:%M") if way.by is not None else "never"
        return f"{way.tier} {missing} by {by}"

    def _preview(self, told: Told, words: list[str]) -> Decision:
        account = self.account(told.who)
        cart = read_cart(self._sent(told, words), self.program.order_settings, "web")
        event = Event(CHECKOUT, told.at, told.heard, "story", str(told.number), "web", command=PriceCart(()))
        opening = Opening(f"cart-{told.number}", cart, told.at + timedelta(minutes=15), ())
        whole = State(account, account.owner, self.shared)
        with exactly():
            _, quoted = quote(self.program, whole, event, opening, self._chance(told))
        self.foreseen = quoted.challenges
        return quoted.paid

    def _use(self, who: str, reward: str) -> Decision:
        """Let somebody use what they were given, which takes no decision of an account."""
        number = self.taken[who, reward].redemption_id
        for key, paid in self.orders.items():
            if any(one.redemption_id == number for one in paid.decision.redemptions):
                self.orders[key] = replace(paid, redemptions={**paid.redemptions, number: "used"})
        return Decision(self.program.version)

    def _return(self, told: Told, words: list[str]) -> Decision:
        name, lines = words[0], tuple(str(int(word) - 1) for word in words[1:] if word.isdigit())
        paid = replace(self.orders[told.who, name], lives=self.lives[told.who])
        asked = ReturnAsked(name, f"back-{told.number}", tuple(ReturnLine(one) for one in lines), not lines)
        command = ReturnOrder(asked, paid)
        event = Event("order.returned", told.at, told.heard, "story", asked.id, command=command)
        decision = self._step(told, told.who, event)
        if decision.returned is not None:
            gone = {**paid.redemptions, **dict.fromkeys(decision.cancelled, "cancelled")}
            earlier = (*paid.earlier, decision.returned)
            self.orders[told.who, name] = replace(paid, earlier=earlier, redemptions=gone)
        return decision

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
        order = read_order(self._sent(told, words), self.program.order_settings, channel, store)
        return Event(
            "order.paid", told.at, told.heard, "story", str(told.number), channel, store, order=order
        )

    def _sent(self, told: Told, words: list[str]) -> OrderInput:
        """Read what is in an order: `30.00`, or `30.00/tents` with its category."""
        lines = [word.partition("/") for word in words if word[0].isdigit()]
        paid = [word.split("=") for word in words if "=" in word]
        return OrderInput(
            id=f"order-{told.number}",
            lines=tuple(
                LineInput(id=str(at), subtotal=Decimal(amount), categories=(of,) if of else ())
                for at, (amount, _, of) in enumerate(lines)
            ),
            payments=tuple(AmountInput(Decimal(amount), kind) for kind, amount in paid if kind != "off"),
            discounts=tuple(AmountInput(Decimal(amount)) for kind, amount in paid if kind == "off"),
        )

    def _command(self, told: Told, verb: str, rest: list[str]) -> Command:
        if verb == "night":
            return Tick()
        if verb == "redeem":
            return Redeem(told.number, rest[0], int(rest[1].removeprefix("x")) if len(rest) > 1 else 1)
        if verb == "cancel":
            return self.taken[told.who, rest[0]]
        if verb in ("joins", "leaves"):
            return JoinChallenge(rest[0]) if verb == "joins" else LeaveChallenge(rest[0])
        if verb == "given":
            until = _instant(self.program, rest[3:5]) if "until" in rest else None
            return GiveTier(rest[0], rest[1], until, "a story")
        if verb == "ended":
            return EndTier(rest[0], "a story")
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
            after, decision = step(self.program, whole, event, self._chance(told))
            again, same = step(self.program, gathered, event, self._chance(told))
        short = f"line {told.number}: what is gathered does not suffice"
        assert decision == same, short
        assert merged(self.program, whole, again, same) == after, short
        self.people[who], self.shared = after.account, after.shared
        self.decisions.append((who, decision))
        live_on(self.lives.setdefault(who, {}), decision.transactions)
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

    def _chance(self, told: Told) -> Chance:
        return Chance(b"story-%d" % told.number, lambda _, ticket: lot_of(SEED, ticket))


def _instant(program: Program, words: list[str]) -> datetime:
    local = datetime.fromisoformat(" ".join(words))
    return local.replace(tzinfo=program.zone.info).astimezone(UTC)


def _lots_of(entries: tuple[msgspec.Struct, ...], sign: int = -1) -> tuple[Lot, ...]:
    return tuple(
        Lot(one.available_at, one.expires_at, sign * one.amount)  # type: ignore[attr-defined]
        for one in entries
        if one.book == "member"  # type: ignore[attr-defined]
    )


def _datum(text: str) -> Decimal | str | bool:
    if text in ("true", "false"):
        return text == "true"
    return Decimal(text) if text.replace(".", "", 1).removeprefix("-").isdigit() else text
