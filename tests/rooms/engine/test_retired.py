"""Wallets that a definition gives up: live at once, converted at the next touch, seen converted before it."""

from __future__ import annotations

from typing import Any

from guerdon.engine.audit import Audit
from guerdon.engine.commands import AdjustBalance, CancelRedemption, RedeemReward
from guerdon.engine.ticks import run_due_of
from guerdon.ledger.wallets import load_wallets
from guerdon.members.crypto import Vault
from guerdon.members.identities import normal_ref
from guerdon.programs.programs import get_live
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.state import WalletState
from tests.rooms.engine.conftest import MASTER_KEY, PROGRAM, TENANT, World, prepare, world

__all__ = ["world"]

_POINTS = (
    '  points: {scale: 0, rounding: floor, pending: 0d, expires: {after: 12mo, from: earned}, cost: "0.01"}\n'
)


def given_up(conversion: str, more: str = "") -> str:
    """The program without points: stars are earned, and stars pay for rewards."""
    stars = "  stars: {scale: 1, rounding: floor, expires: {after: 6mo, from: earned}}\n"
    text = PROGRAM.replace(_POINTS, stars).replace("wallet: points", "wallet: stars")
    text = text.replace("price: {points:", "price: {stars:").replace("9000000000000000000", "1")
    return f"{text}\nretired: {{wallets: {{points: {conversion}}}}}\n{more}"


HALF = given_up('{into: stars, rate: "0.125"}')


def account_of(world: World, name: str = "anna") -> int:
    assert world.enrol(name).created
    return int(world.rows("select max(account_id) from accounts")[0][0])


def seen(world: World, account_id: int) -> dict[str, WalletState]:
    """What a read shows now, without writing anything."""
    with world.database.transaction(TENANT) as tx:
        live = get_live(tx, "club")
        program = compile_program(load_definition(live.canonical), live.version)
        found = load_wallets(tx, [account_id], world.now, program)
    return dict(found.get(account_id, {}))


def audit(world: World) -> None:
    world.verify()
    with world.database.transaction(TENANT) as tx:
        found = Audit(tx, Vault(MASTER_KEY, TENANT))
        assert list(found.run()) == []
        assert not found.counts.not_replayed


def journal(world: World, kind: str = "convert") -> list[tuple[Any, ...]]:
    rows = world.rows(
        "select t.kind, t.wallet, e.book, e.amount, t.reason"
        " from transactions t join entries e using (account_id, seq) order by t.seq, e.line"
    )
    return [row[1:] for row in rows if row[0] == kind]


def test_units_convert_at_the_next_event_lot_by_lot_with_their_dates(world: World) -> None:
    account_id = account_of(world)
    world.later(days=40)
    world.ask(world.order("33.00"))
    before = seen(world, account_id)["points"]
    assert before.lots is not None
    prepare(world.database, HALF)
    shown = seen(world, account_id)
    # 100 + 33 points at 0.125 are 16.625 stars, rounded down to 16.6, of which 12.5 and 4.1 are each lot's.
    assert [(lot.remaining, lot.available_at, lot.expires_at) for lot in shown["stars"].lots or ()] == [
        (share, lot.available_at, lot.expires_at) for share, lot in zip((125, 41), before.lots, strict=True)
    ]
    assert (shown["points"].available, shown["points"].lots) == (0, ())
    assert world.rows("select available from wallets where wallet = 'points'") == [(133,)]
    answer = world.ask(world.order("2.00"))[0]
    assert (answer.status, answer.balances["stars"].available) == ("applied", "18.6")
    assert world.rows("select available from wallets where wallet = 'points'") == [(0,)]
    lines = journal(world)
    said = "133 points at 0.125 are 16.6 stars; rounding took 0.025"
    assert [line[:3] for line in lines] == [
        ("points", "member", -100),
        ("points", "member", -33),
        ("points", "converted", 133),
        ("stars", "member", 125),
        ("stars", "member", 41),
        ("stars", "converted", -166),
    ]
    assert {line[3] for line in lines} == {said}
    again = world.ask(world.order("1.00"))[0]
    assert again.balances["stars"].available == "19.6"
    assert len(journal(world)) == 6
    audit(world)


def test_the_nightly_tick_converts_those_who_do_nothing(world: World) -> None:
    accounts = [account_of(world, f"m{number}") for number in range(5)]
    prepare(world.database, HALF)
    shown = [seen(world, one)["stars"] for one in accounts]
    assert run_due_of(world.database, world.loop, TENANT, world.now) == 5
    assert world.rows(
        "select wallet, sum(available), count(*) from wallets where wallet <> 'later' group by 1 order by 1"
    ) == [
        ("points", 0, 5),
        ("stars", 625, 5),
    ]
    assert [seen(world, one)["stars"] for one in accounts] == shown
    assert run_due_of(world.database, world.loop, TENANT, world.now) == 0
    audit(world)


def test_what_expired_before_anybody_looked_is_not_converted(world: World) -> None:
    account_id = account_of(world)
    prepare(world.database, HALF)
    world.later(days=500)
    assert seen(world, account_id).get("stars", WalletState()).available == 0
    answer = world.ask(world.order("2.00"))[0]
    assert answer.balances["stars"].available == "2.0"
    assert journal(world) == []
    assert [line[:3] for line in journal(world, "expire")] == [
        ("points", "member", -100),
        ("points", "expired", 100),
    ]
    audit(world)


def test_pending_units_stay_pending(world: World) -> None:
    account_id = account_of(world)
    world.ask(world.order("10.00"))
    text = PROGRAM.replace("  later: {scale: 2, rounding: floor, pending: 14d, expires: never}\n", "")
    text = text.replace(', {award: {wallet: later, amount: "0.25"}}', "")
    prepare(world.database, text + "\nretired: {wallets: {later: {into: points, rate: 100, scale: 2}}}\n")
    shown = seen(world, account_id)["points"]
    assert (shown.available, shown.pending) == (110, 25)
    world.ask(world.order("1.00"))
    world.later(days=15)
    answer = world.ask(world.order("1.00"))[0]
    assert (answer.balances["points"].available, answer.balances["points"].pending) == ("137", "0")
    audit(world)


def test_units_that_turn_into_nothing_expire_with_their_wallet(world: World) -> None:
    account_id = account_of(world)
    prepare(world.database, given_up("{into: nothing}"))
    assert seen(world, account_id).get("points", WalletState()).available == 0
    world.ask(world.order("2.00"))
    assert [line[:3] for line in journal(world, "expire")] == [
        ("points", "member", -100),
        ("points", "expired", 100),
    ]
    assert journal(world, "expire")[0][3] == "points is given up"
    audit(world)


def redeem(world: World, reward: str) -> None:
    command = RedeemReward(
        tenant_id=TENANT,
        program="club",
        received_at=world.now,
        member=normal_ref("external", "anna"),
        reward=reward,
    )
    answer = world.ask(command)[0]
    assert answer.status == "applied", answer.problem


def test_a_redemption_that_was_paid_in_the_old_units_comes_back_in_the_new(world: World) -> None:
    account_of(world)
    redeem(world, "voucher")
    number = world.rows("select redemption_id from redemptions")[0][0]
    prepare(world.database, HALF)
    world.ask(world.order("2.00"))
    command = CancelRedemption(tenant_id=TENANT, program="club", received_at=world.now, redemption_id=number)
    answer = world.ask(command)[0]
    assert answer.status == "applied", answer.problem
    # 50 of 100 points were left: 6.2 stars; the 50 that came back are 6.2 more; and 2 for the order.
    assert answer.balances["stars"].available == "14.4"
    assert world.rows("select available from wallets where wallet = 'points'") == [(0,)]
    audit(world)


def test_a_version_that_has_the_wallet_again_takes_nothing_back(world: World) -> None:
    converted, waiting = account_of(world, "anna"), account_of(world, "bela")
    both = HALF.split("retired:")[0].replace("wallets:\n", "wallets:\n" + _POINTS)
    prepare(world.database, both)
    prepare(world.database, HALF)
    world.ask(world.order("2.00"))
    prepare(world.database, both)
    assert seen(world, converted)["stars"].available == 145
    assert (seen(world, waiting)["points"].available, "stars" in seen(world, waiting)) == (100, False)
    refused = AdjustBalance(
        tenant_id=TENANT,
        program="club",
        received_at=world.now,
        account_id=waiting,
        wallet="points",
        amount=-1,
        reason="x",
    )
    assert world.ask(refused)[0].balances["points"].available == "99"
    audit(world)


def test_a_wallet_that_is_given_up_takes_nothing_more(world: World) -> None:
    account_id = account_of(world)
    prepare(world.database, HALF)
    command = AdjustBalance(
        tenant_id=TENANT,
        program="club",
        received_at=world.now,
        account_id=account_id,
        wallet="points",
        amount=5,
        reason="x",
    )
    answer = world.ask(command)[0]
    assert answer.problem is not None
    assert answer.problem.code == "unknown_wallet"
    assert journal(world) == []


def test_what_would_not_fit_stays_what_it_was(world: World) -> None:
    account_id = account_of(world)
    command = AdjustBalance(
        tenant_id=TENANT,
        program="club",
        received_at=world.now,
        account_id=account_id,
        wallet="points",
        amount=2**52,
        reason="x",
    )
    world.ask(command)
    prepare(world.database, given_up("{into: stars, rate: 1000}"))
    answer = world.ask(world.order("2.00"))[0]
    assert answer.balances["stars"].available == "2.0"
    assert world.rows("select available from wallets where wallet = 'points'") == [(2**52 + 100,)]
    audit(world)
