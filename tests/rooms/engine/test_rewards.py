"""Redemptions at once: stock, limits and points give exactly as many as there are, and take back."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec
import pytest

from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.apply import apply
from guerdon.engine.audit import Audit
from guerdon.engine.commands import CancelRedemption, Command, Job, RedeemReward
from guerdon.engine.fold import fold
from guerdon.engine.gather import Place, gather
from guerdon.engine.intake import read_item
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.tx import set_tenant
from guerdon.members.crypto import Vault
from guerdon.members.identities import parse_ref
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rewards.causes import load_totals
from guerdon.rules.definition import load_definition
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids

SHOP = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor}
campaigns:
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "100"}}]
rewards:
  few: {kind: product, price: {points: 10}, stock: 5}
  show: {kind: event, price: {points: 10}, seats: 3, limits: {per_account: 1}}
  dear: {kind: product, price: {points: 60}}
"""
CLIENTS = 64


@pytest.fixture
def shop(world: World) -> World:
    with world.database.transaction(TENANT) as tx:
        apply_definition(tx, NewDefinition(load_definition(SHOP), SHOP, "test", world.now), make_ids())
    for number in range(CLIENTS):
        world.enrol(f"m{number}")
    return world


@pytest.fixture(params=[1, 2], ids=["one engine", "two engines"])
def engines(shop: World, request: pytest.FixtureRequest) -> Iterator[list[EngineLoop]]:
    made = [
        EngineLoop(shop.database, MASTER_KEY, make_ids(), LoopSettings(batch_limit=16))
        for _ in range(request.param)
    ]
    for loop in made:
        loop.start()
    yield made
    for loop in made:
        loop.stop()


def taking(world: World, member: str, reward: str) -> RedeemReward:
    return RedeemReward(
        tenant_id=TENANT,
        program="club",
        received_at=world.now,
        member=parse_ref(f"external:{member}"),
        reward=reward,
    )


def crowd(engines: list[EngineLoop], commands: list[Command]) -> list[Answer]:
    spread = itertools.cycle(engines)
    futures = [next(spread).submit_many([command])[0] for command in commands]
    return [future.result(60) for future in futures]


def told(answers: list[Answer]) -> Counter[str]:
    return Counter("taken" if one.problem is None else one.problem.code for one in answers)


def cancelling(world: World, answer: Answer) -> CancelRedemption:
    number = parse_number("red", str(answer.redemptions[0]["id"]))
    assert number is not None
    return CancelRedemption(tenant_id=TENANT, program="club", received_at=world.now, redemption_id=number)


@pytest.mark.parametrize(("reward", "there"), [("few", 5), ("show", 3)])
def test_as_many_are_taken_as_there_are(
    shop: World, engines: list[EngineLoop], reward: str, there: int
) -> None:
    answers = crowd(engines, [taking(shop, f"m{number}", reward) for number in range(CLIENTS)])
    assert told(answers) == {"taken": there, "out_of_stock": CLIENTS - there}
    won = [one for one in answers if one.problem is None]
    crowd(engines, [cancelling(shop, one) for one in won[:2]])
    again = crowd(engines, [taking(shop, f"m{number}", reward) for number in range(CLIENTS)])
    assert told(again)["taken"] == 2
    assert shop.rows("select used from shared_counters where counter like '%stock%'") == [(there,)]
    assert shop.rows("select count(*) from quarantine") == [(0,)]
    shop.verify()


def test_points_for_one_redemption_buy_one(shop: World, engines: list[EngineLoop]) -> None:
    answers = crowd(engines, [taking(shop, "m1", "dear") for _ in range(CLIENTS)])
    assert told(answers) == {"taken": 1, "insufficient_units": CLIENTS - 1}
    (won,) = [one for one in answers if one.problem is None]
    crowd(engines, [cancelling(shop, won)])
    assert told(crowd(engines, [taking(shop, "m1", "dear") for _ in range(CLIENTS)]))["taken"] == 1
    assert told(crowd(engines, [taking(shop, "m2", "show") for _ in range(3)])) == {
        "taken": 1,
        "limit_reached": 2,
    }
    shop.verify()


MORE = """
causes:
  wells: {match: "0.333", match_at_most: "10.00"}
"""
SOLD = """
  well: {kind: donation, price: {points: 10}, cause: wells, worth: "2.50"}
  treat: {kind: product, price: {points: 1}, cooling: 7d}
  cap: {kind: product, price: {points: 1}, choices: [red, blue], stock_by_choice: {red: 4}}
  box: {kind: choice, price: {points: 1}, choices: [few, show]}
"""


def with_more(world: World) -> None:
    text = SHOP + SOLD.lstrip("\n") + MORE
    with world.database.transaction(TENANT) as tx:
        apply_definition(tx, NewDefinition(load_definition(text), text, "test", world.now), make_ids())


def totals(world: World) -> dict[str, Decimal]:
    with world.database.transaction(TENANT) as tx:
        ((program_id,),) = tx.execute("select program_id from programs").fetchall()
        total = load_totals(tx, program_id, ["wells"])["wells"]
    return {"given": total.given, "matched": total.matched, "donations": Decimal(total.donations)}


def whole_audit(world: World) -> list[str]:
    with world.database.transaction(TENANT) as tx:
        audit = Audit(tx, Vault(MASTER_KEY, TENANT), now=world.now)
        return [str(one) for one in audit.run()]


def test_what_is_donated_at_once_adds_up_to_the_cent(shop: World, engines: list[EngineLoop]) -> None:
    with_more(shop)
    answers = crowd(engines, [taking(shop, f"m{number}", "well") for number in range(CLIENTS)])
    assert told(answers) == {"taken": CLIENTS}
    # 2.50 x 0.333 is 0.8325, 0.83 each; the twelfth gift is matched with what 10.00 leaves: 12 x 0.83 = 9.96.
    fixed = shop.rows("select particulars from redemptions order by redemption_id")
    shares = Counter(one["matched"] for (one,) in fixed)
    assert shares == {"0.83": 12, "0.04": 1, "0.00": CLIENTS - 13}
    receipts = {one["receipt"] for (one,) in fixed}
    assert receipts == {f"wells-{number:06d}" for number in range(1, CLIENTS + 1)}
    assert totals(shop) == {
        "given": CLIENTS * Decimal("2.50"),
        "matched": Decimal("10.00"),
        "donations": Decimal(CLIENTS),
    }
    crowd(engines, [cancelling(shop, one) for one in answers])
    assert totals(shop) == dict.fromkeys(("given", "matched", "donations"), Decimal(0))
    assert told(crowd(engines, [taking(shop, "m1", "well")])) == {"taken": 1}
    ((last,),) = shop.rows("select particulars from redemptions where status = 'issued'")
    assert (last["receipt"], last["matched"]) == (f"wells-{CLIENTS + 1:06d}", "0.83")
    assert whole_audit(shop) == []


def test_who_must_wait_has_it_once(shop: World, engines: list[EngineLoop]) -> None:
    with_more(shop)
    answers = crowd(engines, [taking(shop, "m1", "treat") for _ in range(CLIENTS)])
    assert told(answers) == {"taken": 1, "reward_cooling": CLIENTS - 1}
    (won,) = [one for one in answers if one.problem is None]
    crowd(engines, [cancelling(shop, won)])
    again = crowd(engines, [taking(shop, "m1", "treat") for _ in range(CLIENTS)])
    assert told(again) == {"taken": 1, "reward_cooling": CLIENTS - 1}
    # Days are those of the club: it is 23:00 there, and then the seventh day after.
    shop.later(days=7, hours=-8)
    assert told(crowd(engines, [taking(shop, "m1", "treat")])) == {"reward_cooling": 1}
    shop.later(hours=1)
    assert told(crowd(engines, [taking(shop, "m1", "treat")])) == {"taken": 1}
    assert whole_audit(shop) == []


def choosing(world: World, member: str, reward: str, choice: str) -> RedeemReward:
    return msgspec.structs.replace(taking(world, member, reward), choice=choice)


def test_of_each_choice_there_is_what_there_is(shop: World, engines: list[EngineLoop]) -> None:
    with_more(shop)
    red = crowd(engines, [choosing(shop, f"m{number}", "cap", "red") for number in range(CLIENTS)])
    assert told(red) == {"taken": 4, "out_of_stock": CLIENTS - 4}
    # Half take the product itself, half choose it of a box: five in all.
    mixed: list[Command] = [
        taking(shop, f"m{number}", "few") if number % 2 else choosing(shop, f"m{number}", "box", "few")
        for number in range(CLIENTS)
    ]
    answers = crowd(engines, mixed)
    assert told(answers) == {"taken": 5, "out_of_stock": CLIENTS - 5}
    crowd(engines, [cancelling(shop, one) for one in (*answers, *red) if one.problem is None])
    assert shop.rows("select distinct used from shared_counters where counter like '%stock%'") == [(0,)]
    assert told(crowd(engines, mixed))["taken"] == 5
    assert whole_audit(shop) == []


def test_gathering_after_a_taking_finds_what_was_taken(shop: World) -> None:
    with_more(shop)
    live = shop.loop.programs.load((TENANT, "club"))
    place = Place(
        shop.loop.vault(TENANT),
        live.program_id,
        live.program,
        make_ids(),
        live.counts_members,
        live.pinned,
        live.recorded,
        live.metrics_since,
    )
    jobs = [Job(taking(shop, "m1", one), Silent(), 0) for one in ("treat", "well", "treat")]
    for job in jobs:
        job.name(place.ids)
    with shop.database.connect() as tx:
        set_tenant(tx, TENANT)
        gathered = gather(tx, place, [read_item(job, live.program) for job in jobs])
        assert gathered is not None
        folded = fold(gathered)
        apply(tx, gathered, folded)
        tx.commit()
        set_tenant(tx, TENANT)
        again = gather(tx, place, [read_item(job, live.program) for job in jobs])
        tx.rollback()
    assert again is not None
    ((account_id, state),) = folded.accounts.items()
    assert [len(taken) for taken in state.takings.values()] == [1]
    assert again.accounts[account_id].takings == state.takings
    assert again.shared == folded.shared


class Silent:
    def deliver(self, answers: Sequence[object]) -> None:
        """Take no notice."""
