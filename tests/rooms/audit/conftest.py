"""A world with a bit of everything that verify looks at."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from guerdon.base.findings import Finding
from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit, Counts
from guerdon.engine.commands import (
    AdjustBalance,
    CancelCheckout,
    CancelRedemption,
    ConfirmCheckout,
    EnrolMember,
    IssueCards,
    OpenCheckout,
    RedeemReward,
    ReplaceGiftCard,
    ReturnOrder,
    RunTick,
    SetCardBlocked,
    TopUpCard,
    TransferUnits,
    UseRedemption,
)
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.members.crypto import Vault
from guerdon.members.identities import normal_ref, parse_ref
from guerdon.members.members import Desk, patch_member
from guerdon.members.privacy import Erasure, erase_member
from guerdon.members.profiles import Profile, read_change
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rules.definition import load_definition
from guerdon.rules.sent import ReturnAsked, ReturnLine
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids, prepare

PROGRAM = """
program: club
name: Club
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: floor, pending: 3d, expires: {after: 60d, from: earned},
    cost: "0.01", worth: "0.01"}
  cards: {scale: 2, tender: gift_card, expires: {after: 400d}}
  cash: {scale: 2, rounding: half_up, pending: 0d, expires: {after: 90d, from: last_activity}}
attributes:
  persona: {type: string}
  shoe: {type: decimal}
  secret: {type: string, personal: true}
events:
  item.recycled: {data: {sku: string, grams: int, extra: any, note: {type: string, personal: true}}}
badges:
  heavy: {name: Heavy}
  climber: {name: Climber}
metrics:
  yearly_spend: {event: order.paid, value: order.net, window: calendar_year}
  skus: {event: order.paid, distinct: "order.lines.map(l, l.sku)", window: calendar_year}
  recycled: {event: item.recycled, value: event.data.grams, window: {rolling: 30d}}
ladders:
  club:
    metric: yearly_spend
    review: calendar_year
    tiers:
      bronze: {from: 0, rate: 1}
      silver: {from: 150, rate: 2}
      gold: {from: 500, rate: "2.5"}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base * account.tiers.club.rate}}]
  runners:
    trigger: order.paid
    when: has(member.attributes.persona) && member.attributes.persona == 'runner'
    then: [{award: {wallet: cash, amount: "0.25"}}]
  heavy:
    trigger: order.paid
    when: order.lines.exists(l, 'weight' in l.attributes && l.attributes.weight > 1.5)
    then: [{badge: heavy}]
  scarce:
    trigger: order.paid
    limits: {total: 15, per_account: 4, per: month}
    then: [{award: {wallet: points, amount: "7"}}]
  budgeted:
    trigger: item.recycled
    limits: {budget: {units: {points: 55}, per: month}, when_short: part}
    then: [{award: {wallet: points, amount: "10"}}]
  cart_off:
    trigger: checkout
    limits: {total: 40, per_account: 6, per: month, budget: {money: "60.00"}, when_short: part}
    then: [{discount: {percent: 10}}]
  thanks:
    trigger: tier.reached
    then: [{grant: voucher}, {badge: climber}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "20"}}, {award: {wallet: cash, amount: "5"}}]
rewards:
  card: {kind: gift_card, worth: "10.00", price: {points: 20}}
  mug: {kind: product, price: {points: 30}, stock: 40, limits: {per_member: 6}}
  voucher: {kind: coupon, price: {cash: "1.50"}, discount: {amount: "1.00"}, valid: 30d}
"""
PEOPLE = ("anna", "ben", "cara", "dan", "eve", "finn")


def audited(world: World) -> tuple[list[Finding], Counts]:
    with world.database.transaction(TENANT) as tx:
        tx.execute("set transaction isolation level repeatable read, read only")
        audit = Audit(tx, Vault(MASTER_KEY, TENANT), now=world.now)
        return list(audit.run()), audit.counts


class Life:
    """Random things that happen to a few people."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.chance = random.Random(seed)
        self.accounts: dict[str, int] = {}
        self.issued: list[int] = []
        self.carts: list[str] = []
        self.orders: list[str] = []
        self.codes: dict[str, list[str]] = {}
        self.ids = make_ids()
        self.vault = Vault(MASTER_KEY, TENANT)
        self.superuser = ""

    def begin(self, people: Sequence[str] = PEOPLE) -> None:
        for name in people:
            self.join(name)

    def join(self, name: str) -> None:
        ref = normal_ref("external", name)
        more: dict[str, Any] = {}
        if self.chance.random() < 0.8:
            email = f"{name}@example.org"
            more = {
                "email": email,
                "name": f"{name.title()} Ångström",
                "birthday": date(1990, 2, 1 + len(self.accounts)),
                "language": "pt-BR",
                "attributes": {"persona": self.chance.choice(["runner", "hiker"]), "shoe": Decimal("42.5")},
                "personal_attributes": {"secret": "x"},
                "consents": {"email_marketing": True},
            }
        identities = (ref, normal_ref("email", more["email"])) if more else (ref,)
        profile = Profile(identities=identities, external_id=name, **more)
        answer = self.world.ask(
            EnrolMember(tenant_id=TENANT, program="club", received_at=self.world.now, profile=profile)
        )[0]
        number = parse_number("acc", answer.account)
        assert number is not None, answer
        self.accounts[name] = number

    def say(self, kind: Any, **more: Any) -> Answer:
        command = kind(tenant_id=TENANT, program="club", received_at=self.world.now, **more)
        answer = self.world.ask(command)[0]
        for one in answer.redemptions:
            number = parse_number("red", one["id"])
            if number is not None and number not in self.issued:
                self.issued.append(number)
        return answer

    def live(self, steps: int) -> None:
        acts: list[Callable[[], object]] = [
            *[self.order] * 8,
            *[self.recycle] * 4,
            *[self.redeem] * 4,
            *[self.give_back, self.use, self.adjust, self.send, self.tick] * 2,
            *[self.cart] * 6,
            *[self.end_cart] * 6,
            *[self.send_back] * 4,
            self.guest,
            lambda: self.cart(None),
            self.patch,
            self.wait,
        ]
        for _ in range(steps):
            self.chance.choice(acts)()
            if self.chance.random() < 0.5:
                self.world.later(hours=self.chance.randrange(1, 40))

    def who(self) -> str:
        return self.chance.choice(list(self.accounts))

    def order(self, subject: str | None = "", **more: Any) -> Answer:
        name = self.who() if subject == "" else subject
        amount = f"{self.chance.randrange(1, 9000) / 100:.2f}"
        lines: list[dict[str, Any]] = [{"id": "1", "sku": "A", "quantity": 1, "price": amount}]
        if self.chance.random() < 0.3 and name != "gwen":
            lines[0]["attributes"] = {"weight": self.chance.choice([1, 1.75, 2])}
        order_id = more.pop("order", f"o{next(self.world.numbers)}")
        late = timedelta(hours=self.chance.choice([0, 0, 0, 30, 900]))
        sent = {"time": (self.world.now - late).isoformat(), "store": "berlin", **more}
        data = {"id": order_id, "lines": lines}
        command = self.world.event("order.paid", name, data=data, **sent)
        answer = self.world.ask(command)[0]
        if answer.problem is None:
            self.orders.append(order_id)
        return answer

    def pay_with_cards(self) -> None:
        """Make gift cards, let them pay in all ways, and leave one blocked and one in an open cart."""
        made = self.say(IssueCards, amount=5_000, count=2).gift_cards
        made = [*made, *self.say(RedeemReward, member=parse_ref("anna"), reward="card").gift_cards]
        codes = [one["code"] for one in made]
        for subject, checkout, more in (
            ("anna", "card-1", {"gift_cards": codes[:1], "spend": {}}),
            (None, "card-2", {"gift_cards": codes}),
        ):
            assert self.cart(subject, checkout, **more).problem is None
            confirmed = self.say(ConfirmCheckout, id=checkout)
            assert confirmed.problem is None
        back = ReturnAsked("o-card-2", "back-1", (ReturnLine("1", Decimal("0.5")),))
        assert self.say(ReturnOrder, asked=back).problem is None
        cards = [parse_number("gft", one["id"]) or 0 for one in made]
        assert self.say(TopUpCard, card=cards[1], amount=700).problem is None
        assert self.cart("ben", "card-3", gift_cards=[codes[1]]).problem is None
        assert self.say(SetCardBlocked, card=cards[1], blocked=True, reason="lost").problem is None
        self.replace_a_card()

    def replace_a_card(self) -> None:
        """Let a card pay, replace it, and let a part of what it paid come back onto the new one."""
        (leaked,) = self.say(IssueCards, amount=90_000).gift_cards
        assert self.cart(None, "card-4", gift_cards=[leaked["code"]]).problem is None
        assert self.say(ConfirmCheckout, id="card-4").problem is None
        assert self.say(ReplaceGiftCard, card=parse_number("gft", leaked["id"]) or 0).problem is None
        back = ReturnAsked("o-card-4", "back-4", (ReturnLine("1", Decimal("0.5")),))
        assert self.say(ReturnOrder, asked=back).problem is None

    def send_back(self) -> Answer | None:
        """Let a part of an order come back, or all of it, or what is no part of it."""
        if not self.orders:
            return None
        order = self.chance.choice(self.orders[-8:])
        part = self.chance.choice([None, "0.25", "0.5", "3"])
        lines = () if part is None else (ReturnLine("1", Decimal(part)),)
        number = f"r{next(self.world.numbers)}"
        return self.say(ReturnOrder, asked=ReturnAsked(order, number, lines, all=part is None))

    def guest(self) -> None:
        self.order(None)

    def cart(self, subject: str | None = "", checkout: str = "", **more: Any) -> Answer:
        """Open a cart, or price an open one anew, now and then for somebody else."""
        name = self.who() if subject == "" else subject
        if not checkout:
            again = self.carts and self.chance.random() < 0.3
            checkout = self.chance.choice(self.carts) if again else f"c{next(self.world.numbers)}"
        line: dict[str, Any] = {"id": "1", "price": f"{self.chance.randrange(100, 9000) / 100:.2f}"}
        if name is not None:
            if self.chance.random() < 0.3:
                line["attributes"] = {"weight": self.chance.choice([1, 1.75, 2])}
            if self.chance.random() < 0.6:
                more.setdefault("spend", {"points": str(self.chance.randrange(1, 60))})
            if self.chance.random() < 0.3:
                more.setdefault("rewards", ["mug"])
            if self.codes.get(name) and self.chance.random() < 0.6:
                more.setdefault("coupons", [self.chance.choice(self.codes[name])])
        cart = {"id": f"o-{checkout}", "lines": [line], **more}
        answer = self.say(
            OpenCheckout,
            cart=json.dumps(cart).encode(),
            member=parse_ref(name) if name is not None else None,
            id=checkout,
            ttl=timedelta(hours=self.chance.choice([1, 24])),
        )
        if answer.problem is None and checkout not in self.carts:
            self.carts.append(checkout)
        return answer

    def end_cart(self, checkout: str = "", kind: Any = None) -> Answer | None:
        if not self.carts:
            return None
        checkout = checkout or self.chance.choice(self.carts[-6:])
        kind = kind or self.chance.choice([ConfirmCheckout, ConfirmCheckout, CancelCheckout])
        if self.chance.random() < 0.15:
            self.order(self.who(), order=f"o-{checkout}")
        self.orders.append(f"o-{checkout}")
        return self.say(kind, id=checkout)

    def recycle(self) -> None:
        data: dict[str, Any] = {"sku": "B", "grams": self.chance.randrange(1, 500)}
        if self.chance.random() < 0.5:
            data |= {"note": "private", "extra": 2.5, "unknown": [1]}
        self.world.ask(self.world.event("item.recycled", self.who(), data=data))

    def redeem(self) -> None:
        reward = self.chance.choice(["mug", "voucher"])
        name = self.who()
        answer = self.say(
            RedeemReward, member=parse_ref(name), reward=reward, choice=self.chance.choice(["", "red"])
        )
        self.codes.setdefault(name, []).extend(one["code"] for one in answer.redemptions if one.get("code"))

    def give_back(self) -> None:
        if self.issued:
            self.say(CancelRedemption, redemption_id=self.chance.choice(self.issued))

    def use(self) -> None:
        if self.issued:
            self.say(UseRedemption, redemption_id=self.chance.choice(self.issued))

    def adjust(self) -> None:
        amount = self.chance.choice([500, -5, 20])
        wallet = self.chance.choice(["points", "cash"])
        self.say(
            AdjustBalance, account_id=self.accounts[self.who()], wallet=wallet, amount=amount, reason="sorry"
        )

    def send(self) -> None:
        one, other = self.accounts[self.who()], self.accounts[self.who()]
        self.say(TransferUnits, account_id=one, to_account=other, wallet="cash", amount=100)

    def tick(self) -> None:
        self.say(RunTick, account_id=self.accounts[self.who()])

    def wait(self) -> None:
        self.world.later(days=self.chance.randrange(1, 40))

    def patch(self) -> None:
        sent = {"attributes": {"persona": self.chance.choice(["runner", "hiker", None])}, "language": "de"}
        declared = load_definition(PROGRAM).attributes
        with self.world.database.transaction(TENANT) as tx:
            desk = Desk(self.vault, self.program_id())
            patch_member(tx, desk, parse_ref(self.who()), read_change(sent, declared), self.world.now)

    def program_id(self) -> int:
        return int(self.world.rows("select program_id from programs")[0][0])

    def erase(self, name: str) -> None:
        with self.world.database.transaction(TENANT) as tx:
            erasure = Erasure(self.vault, self.program_id(), parse_ref(name), "test", self.world.now)
            erase_member(tx, erasure, self.ids)
        del self.accounts[name]
        self.codes.pop(name, None)

    def ruin(self, statement: str, account_id: int) -> None:
        """Change something behind the engine's back."""
        with psycopg.connect(self.superuser, autocommit=True) as intruder:
            intruder.execute("set session_replication_role = replica; set search_path = guerdon")
            assert intruder.execute(statement.format(account_id)).rowcount

    def apply(self, text: str) -> None:
        with self.world.database.transaction(TENANT) as tx:
            apply_definition(tx, NewDefinition(load_definition(text), text, "test", self.world.now), self.ids)


@pytest.fixture
def living(database: Database, server: EmbeddedPostgres) -> Iterator[Life]:
    prepare(database, PROGRAM)
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
    loop.start()
    life = Life(World(database, loop), 7)
    life.superuser = server.dsn("superuser", database.name)
    yield life
    loop.stop()
