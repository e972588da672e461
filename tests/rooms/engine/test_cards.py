"""Gift cards lose nothing and double nothing: through kills, through random lives, in many carts at once."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.engine.commands import (
    AdjustBalance,
    CancelCheckout,
    ClaimGiftCard,
    ConfirmCheckout,
    IssueCards,
    OpenCheckout,
    ReplaceGiftCard,
    ReturnOrder,
    SetCardBlocked,
    TopUpCard,
)
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.engine.ticks import run_due
from guerdon.members.identities import parse_ref
from guerdon.rules.cards.codes import code_of, read_code
from guerdon.rules.cards.paying import Card, pay_with_cards
from guerdon.rules.sent import ReturnAsked, ReturnLine
from tests.architecture.source import ROOT
from tests.rooms.engine.cart_flood import ACCOUNTS
from tests.rooms.engine.conftest import MASTER_KEY, NOW, TENANT, World, make_ids
from tests.rooms.engine.test_holds import apply, audit, end_cart, open_cart, say

SHOP = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, worth: "0.01"}
  credit: {unit: USD, scale: 2, tender: store_credit}
  cards: {unit: USD, scale: 2, tender: gift_card, expires: {after: 90d}}
campaigns:
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "100"}}]
  forty:
    trigger: checkout
    limits: {total: 40, per_account: 6}
    then: [{discount: {amount: "1.00"}}]
"""


@pytest.fixture
def shop(world: World) -> World:
    apply(world, SHOP)
    return world


def make(world: World, amount: int, count: int = 1) -> list[tuple[int, str]]:
    made = say(world, IssueCards, amount=amount, count=count)
    assert made.problem is None
    return [(parse_number("gft", one["id"]) or 0, one["code"]) for one in made.gift_cards]


def books(world: World) -> dict[str, int]:
    rows = world.rows("select book, sum(amount)::bigint from entries where wallet = 'cards' group by book")
    return {book: int(amount) for book, amount in rows}


def wallets(world: World) -> tuple[int, int, int]:
    """What can be spent of cards, what is held of them by their wallets, and by the rows of holds."""
    rows = world.rows(
        "select coalesce(sum(available), 0), coalesce(sum(held), 0) from wallets where wallet = 'cards'"
    )
    holds = world.rows("select coalesce(sum(amount), 0) from account_holds where name = 'cards'")
    return int(rows[0][0]), int(rows[0][1]), int(holds[0][0])


def opening(number: int, code: str, price: str) -> OpenCheckout:
    cart = {"id": f"A-{number}", "lines": [{"id": "1", "price": price}], "gift_cards": [code]}
    return OpenCheckout(
        tenant_id=TENANT,
        program="club",
        received_at=NOW,
        cart=json.dumps(cart).encode(),
        member=None,
        id=f"C-{number}",
    )


def flood(world: World, stage: str, code: str, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.rooms.engine.cart_flood", world.database.conninfo, stage, code],
        cwd=ROOT,
        env={**os.environ, "GUERDON_FAILPOINT": failpoint},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize("stage", ["open", "end"])
@pytest.mark.parametrize("name", ["before_lock", "after_write", "in_commit", "after_commit"])
def test_a_kill_leaves_a_card_with_what_was_not_paid(shop: World, stage: str, name: str) -> None:
    for number in range(ACCOUNTS):
        shop.enrol(f"m{number}")
    loaded = 333_333
    ((_, code),) = make(shop, loaded)
    if stage == "end":
        assert flood(shop, "open", code).returncode == 0
    assert flood(shop, stage, code, f"{name}:2").returncode == -signal.SIGKILL
    available, held, rows = wallets(shop)
    assert held == rows
    if stage == "open":
        assert flood(shop, "open", code).returncode == 0
        _, held, rows = wallets(shop)
        assert held == rows == loaded, "all of it is in open carts"
    ended = flood(shop, "end", code)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert {one["problem"] for one in told} <= {"", "checkout_confirmed", "checkout_not_found"}
    assert not any(one["shortfalls"] for one in told)
    available, held, rows = wallets(shop)
    paid = shop.rows(
        "select coalesce(sum(-amount), 0)::bigint from entries where wallet = 'cards' and book = 'member'"
        " and amount < 0"
    )[0][0]
    assert (held, rows, paid + available) == (0, 0, loaded)
    assert paid > 0
    audit(shop)


class Life:
    """A random life of a few cards."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.chance = random.Random(seed)
        for name in ("ana", "ben"):
            account = parse_number("acc", world.enrol(name).account) or 0
            say(world, AdjustBalance, account_id=account, wallet="credit", amount=2_000, reason="x")
        self.cards = make(world, 5_000, 3)
        self.loaded = 15_000
        self.carts = ["c0"]
        self.orders = ["o"]
        self.numbers = itertools.count(1)

    def open(self) -> None:
        chance = self.chance
        self.carts.append(f"c{next(self.numbers)}")
        some: dict[str, Any] = {
            "gift_cards": [one for _, one in chance.sample(self.cards, chance.choice([1, 2]))]
        }
        member = chance.choice(["ana", "ben", None])
        if member is not None and chance.random() < 0.3:
            some["spend"] = {"credit": "3.50"}
        price = f"{chance.randrange(1, 1_500) / 100:.2f}"
        lines = [{"id": "1", "quantity": 2, "price": price}]
        ttl = timedelta(hours=chance.choice([1, 20]))
        open_cart(self.world, chance.choice(self.carts[-4:]), member, lines=lines, ttl=ttl, **some)

    def confirm(self) -> None:
        number = self.chance.choice(self.carts[-5:])
        if end_cart(self.world, ConfirmCheckout, number).problem is None:
            self.orders.append(f"A-{number}")

    def cancel(self) -> None:
        end_cart(self.world, CancelCheckout, self.chance.choice(self.carts[-5:]))

    def send_back(self) -> None:
        lines = self.chance.choice([(), (ReturnLine("1", Decimal(1)),)])
        asked = ReturnAsked(self.chance.choice(self.orders), f"r{next(self.numbers)}", lines, all=not lines)
        say(self.world, ReturnOrder, asked=asked)

    def top_up(self) -> None:
        if say(self.world, TopUpCard, card=self.chance.choice(self.cards)[0], amount=1_000).problem is None:
            self.loaded += 1_000

    def claim(self) -> None:
        say(self.world, ClaimGiftCard, code=self.chance.choice(self.cards)[1], member=parse_ref("ana"))

    def block(self) -> None:
        card = self.chance.choice(self.cards)[0]
        for blocked in (True, self.chance.random() < 0.2):
            say(self.world, SetCardBlocked, card=card, blocked=blocked)

    def replace(self) -> None:
        said = say(self.world, ReplaceGiftCard, card=self.chance.choice(self.cards)[0])
        if said.problem is None:
            # The old ones stay in play: they are named, returned to, and replaced again.
            self.cards += [(parse_number("gft", one["id"]) or 0, one["code"]) for one in said.gift_cards]

    def step(self) -> None:
        acts = [
            *[self.open] * 4,
            *[self.confirm] * 4,
            *[self.top_up] * 2,
            self.cancel,
            self.send_back,
            self.block,
            self.replace,
        ]
        self.chance.choice([*acts, self.claim] if self.chance.random() < 0.1 else acts)()
        if self.chance.random() < 0.3:
            self.world.later(hours=self.chance.choice([1, 1, 5, 20, 300]))


@pytest.mark.parametrize("seed", [3, 11, 27])
def test_what_was_loaded_is_paid_claimed_expired_or_still_there(shop: World, seed: int) -> None:
    """The books of the cards' wallet add up after each step."""
    life = Life(shop, seed)
    for _ in range(80):
        life.step()
        sums = books(shop)
        available, held, rows = wallets(shop)
        assert sums["issued"] == -life.loaded
        assert sums["member"] == available
        assert sum(sums.values()) == 0
        assert sums.get("redeemed", 0) >= 0
        assert held == rows
    assert len(life.orders) > 5
    shop.later(days=1)
    run_due(shop.database, shop.loop, shop.now)
    assert wallets(shop)[1:] == (0, 0)
    assert shop.rows("select count(*) from quarantine") == [(0,)]
    audit(shop)


def test_two_engines_pay_a_card_out_exactly_once(shop: World) -> None:
    """Carts of two engines fight for two cards, are priced anew with the other one, and are paid."""
    cards = make(shop, 5_500, 2)
    other = EngineLoop(shop.database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=10_000, batch_limit=7))
    other.start()
    try:
        for turn in range(3):
            commands = [opening(number, cards[(number + turn) % 2][1], "10.00") for number in range(32)]
            asked = [loop.submit_many(commands) for loop in (shop.loop, other)]
            said = [future.result(60) for futures in asked for future in futures]
            assert {one.problem.code for one in said if one.problem} <= {"gift_card_empty"}
            _, held, rows = wallets(shop)
            assert held == rows <= 11_000
        ends = [
            ConfirmCheckout(tenant_id=TENANT, program="club", received_at=shop.now, id=f"C-{number}")
            for number in range(32)
        ]
        told = [future.result(60) for loop in (shop.loop, other) for future in loop.submit_many(ends)]
    finally:
        other.stop()
    assert {one.problem.code for one in told if one.problem} <= {"checkout_not_found"}
    assert not any(one.shortfalls for one in told)
    available, held, rows = wallets(shop)
    paid = books(shop)["redeemed"]
    assert (held, rows, paid + available) == (0, 0, 11_000)
    assert paid > 0
    assert shop.rows("select count(*) from quarantine") == [(0,)]
    audit(shop)


def test_two_engines_replace_a_card_once_while_carts_pay_with_it(shop: World) -> None:
    ((card, code),) = make(shop, 10_000)
    asked = ReplaceGiftCard(tenant_id=TENANT, program="club", received_at=NOW, card=card)
    other = EngineLoop(shop.database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=10_000, batch_limit=3))
    other.start()
    try:
        commands = [opening(number, code, "10.00") for number in range(4)]
        futures = [
            future
            for loop in (shop.loop, other)
            for future in loop.submit_many([*commands[:2], asked, *commands[2:], asked])
        ]
        said = [future.result(60) for future in futures]
    finally:
        other.stop()
    made = [one for answer in said for one in answer.gift_cards]
    assert len(made) == 1
    assert {one.problem.code for one in said if one.problem} <= {"gift_card_empty", "gift_card_blocked"}
    available, held, rows = wallets(shop)
    assert (available, held) == (10_000, rows)
    assert shop.rows("select count(*) from quarantine") == [(0,)]
    audit(shop)


def test_what_verify_says_of_a_replacement_that_was_tampered_with(shop: World) -> None:
    ((card, _),) = make(shop, 500)
    said = say(shop, ReplaceGiftCard, card=card)
    assert said.problem is None
    audit(shop)
    assert shop.rows("update gift_cards set replaced_by = 77 where replaced_by is not null returning 1") == [
        (1,)
    ]
    with pytest.raises(AssertionError, match="replaced_by"):
        audit(shop)


@given(
    frees=st.lists(st.integers(1, 10_000), max_size=10),
    due=st.integers(0, 60_000),
)
def test_cards_pay_in_their_order_and_never_more_than_is_due(frees: list[int], due: int) -> None:
    cards = [Card(place + 1, "ABCD", free) for place, free in enumerate(frees)]
    shares = pay_with_cards(cards, due)
    assert sum(one.minor for one in shares) == min(due, sum(frees))
    assert [one.minor + one.left for one in shares] == frees
    # A card pays only once those before it are empty.
    assert all(before.left == 0 for before, after in itertools.pairwise(shares) if after.minor)


def test_an_empty_card_is_named_with_its_place() -> None:
    with pytest.raises(Problem) as refused:
        pay_with_cards([Card(1, "ABCD", 5), Card(2, "EFGH", 0)], 3)
    assert (refused.value.code, refused.value.faults[0].pointer) == ("gift_card_empty", "/gift_cards/1")


@given(digest=st.binary(min_size=10, max_size=32), place=st.integers(4, 19), other=st.sampled_from("0AHZ9"))
def test_one_wrong_letter_is_told_from_a_wrong_code(digest: bytes, place: int, other: str) -> None:
    code = code_of(digest)
    folded, problem = read_code(code.lower().replace("-", " "))
    assert (len(folded), problem) == (20, "")
    wrong = folded[:place] + other + folded[place + 1 :]
    assert read_code(wrong)[1] == ("" if wrong == folded else "gift_card_mistyped")
