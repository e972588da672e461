"""Accounts that are merged while everybody is at work: nothing is lost, doubled or left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit
from guerdon.engine.commands import (
    AdjustBalance,
    CancelCheckout,
    ConfirmCheckout,
    MergeAccounts,
    OpenCheckout,
    RedeemReward,
)
from guerdon.engine.loop import EngineLoop
from guerdon.members.crypto import Vault
from guerdon.members.identities import parse_ref
from tests.architecture.source import ROOT
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World
from tests.rooms.engine.merging_flood import EVENTS, REDEMPTIONS
from tests.rooms.engine.test_units import account_of, code_of

CALLERS = 64
FLOOD = "tests.rooms.engine.merging_flood"
# What a merge does to each table that says whose a row is. A new table has to say so here, and to be moved by
# `members.merging`, `rewards.merging` or the fold where it must.
MOVES = {
    **dict.fromkeys(("members", "name_words"), "written anew with the account that stays"),
    **dict.fromkeys(("identities", "coupon_codes", "coupon_marks"), "point to the account that stays"),
    "redemptions": "written anew with the account that stays; origin_account says whose journal paid",
    **dict.fromkeys(("lots", "wallets"), "emptied and filled by transactions of the kind merge"),
    **dict.fromkeys(
        ("metric_buckets", "account_counters", "tiers", "badges", "challenge_progress"),
        "joined, and gone where they were",
    ),
    "checkouts": "open ones go over; what was paid or cancelled stays with its event",
    "account_holds": "there are none: while there are, the account cannot be merged",
}
STAYS = {
    "accounts": "the row says which account stands for it",
    **dict.fromkeys(
        ("transactions", "entries", "log_leaves", "moved_accounts", "carried_units"), "the ledger"
    ),
    **dict.fromkeys(("events", "event_keys", "order_returns"), "history: what comes back of it finds both"),
    **dict.fromkeys(("account_merges", "member_moves"), "say what was merged"),
    "gift_cards": "the card's own account, which is never merged; owner_account says who redeemed it then",
    **dict.fromkeys(("outbox", "webhook_messages", "webhook_deliveries", "quarantine"), "told of what was"),
    "seat_waits": "who waits is found by the member, and called by the account that stands for it now",
    "deeds": "found by the member; approved ones are events of the account that stands for it now",
    "raffle_tickets": "who took part when it was drawn; whoever stands for them now is told",
    "quiz_attempts": "looked for through merged_into and member_moves; an open one is finished where it is",
    **dict.fromkeys(
        ("posts", "post_likes", "post_reports", "post_days", "chosen_names", "shares", "share_joins"),
        "found by the member, who stays the same; the account says for whom it was done then",
    ),
    **dict.fromkeys(
        ("referral_codes", "referrals", "referral_completions"),
        "found by the member, who stays the same; a completion lies beside its event",
    ),
    **dict.fromkeys(
        ("board_names", "team_members", "team_asks"),
        "moved by what keeps boards, where the account that stays has none of its own",
    ),
    "board_prizes": "who stood where is told to the account that stands for it now",
    "teams": "member_id named it; its captain is another one where the account that led it went",
    "rollup_places": "how far the summing has come, of no account in particular",
    "rollup_buyers": "who bought in which month was two, and is counted so",
}


def test_each_table_with_an_account_says_what_a_merge_does_to_it(world: World) -> None:
    found = world.rows(
        "select distinct table_name from information_schema.columns where table_schema = 'guerdon'"
        " and column_name in ('account_id', 'member_id', 'owner_account', 'other_account')"
    )
    tables = {row[0] for row in found}
    known = MOVES.keys() | STAYS.keys()
    assert tables - known == set(), "say here what a merge does to them"
    assert known - tables == set()


def two(world: World) -> tuple[int, int]:
    """Enrol two people with a thousand points each."""
    accounts = (account_of(world.enrol("anna")), account_of(world.enrol("ben")))
    for account in accounts:
        say: dict[str, Any] = {"wallet": "points", "amount": 900, "reason": "a good start"}
        world.ask(
            AdjustBalance(tenant_id=TENANT, program="club", received_at=world.now, account_id=account, **say)
        )
    return accounts


def audit(world: World) -> None:
    with world.database.transaction(TENANT) as tx:
        tx.execute("set transaction isolation level repeatable read, read only")
        judge = Audit(tx, Vault(MASTER_KEY, TENANT), now=world.now)
        found = list(judge.run())
    assert not found, "\n".join(one.detail for one in found)
    assert judge.counts.not_replayed == {}


def caller(world: World, loop: EngineLoop, number: int) -> dict[str, Answer]:
    """Let somebody buy, take a reward, and put something into a cart that is paid or not."""
    who = ("anna", "ben")[number % 2]
    said: dict[str, Any] = {"tenant_id": TENANT, "program": "club", "received_at": world.now}

    def ask(command: object) -> Answer:
        answer: Answer = loop.submit(command).result(60)  # type: ignore[arg-type]
        return answer

    order = world.order("10.00", who, order=f"order-{number}")
    found = {"order": ask(order)}
    cart = json.dumps({"id": f"cart-{number}", "lines": [{"id": "1", "price": "5.00"}], "rewards": ["mug"]})
    if number < 16:
        member = parse_ref(who)
        found["open"] = ask(OpenCheckout(**said, cart=cart.encode(), member=member, id=f"c{number}"))
        if found["open"].problem is None:
            kind = ConfirmCheckout if number % 4 else CancelCheckout
            found[kind.__name__] = ask(kind(**said, id=f"c{number}"))
    elif number < 26:
        found["take"] = ask(RedeemReward(**said, member=parse_ref(who), reward="voucher"))
    found["again"] = ask(order)
    return found


def test_everybody_is_at_work_while_two_accounts_become_one(world: World, engines: list[EngineLoop]) -> None:
    gone, into = two(world)
    command = MergeAccounts(
        tenant_id=TENANT, program="club", received_at=world.now, account_id=gone, into_account=into
    )
    with ThreadPoolExecutor(CALLERS) as pool:
        waiting = [
            pool.submit(caller, world, engines[number % len(engines)], number) for number in range(CALLERS)
        ]
        while code_of(merged := engines[-1].submit(command).result(60)) == "account_has_checkout":
            time.sleep(0.01)
        answers = [one.result(120) for one in waiting]
    assert code_of(merged) == ""
    assert [one["order"].problem for one in answers if one["order"].status != "applied"] == []
    assert {one["again"].status for one in answers} == {"duplicate"}
    refused = [one.problem for each in answers for one in each.values() if one.problem is not None]
    assert refused == []
    paid = sum("ConfirmCheckout" in one for one in answers)
    taken = sum("take" in one for one in answers)
    assert (paid, taken) == (12, 10)
    # The base earns at once what an order is worth, doubled from silver on, which nobody reaches.
    earned = 10 * CALLERS + 5 * paid
    points = world.rows(
        "select account_id, available, held from wallets where wallet = 'points' and available > 0"
    )
    assert points == [(into, 2 * 1000 + earned - 100 * paid - 50 * taken, 0)]
    assert world.rows("select count(*) from events where type = 'order.paid'") == [(CALLERS + paid,)]
    assert world.rows("select count(*) from quarantine") == [(0,)]
    assert world.rows("select sum(total) from metric_buckets") == [(earned,)]
    assert world.rows("select distinct account_id from redemptions") == [(into,)]
    audit(world)


_LONG = [pytest.param(name, marks=pytest.mark.long) for name in ("before_lock", "in_commit", "after_commit")]


@pytest.mark.parametrize("name", ["after_write", *_LONG])
def test_a_kill_while_it_is_merged(world: World, name: str) -> None:
    gone, into = two(world)

    def flood(failpoint: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", FLOOD, world.database.conninfo, str(gone), str(into)],
            cwd=ROOT,
            env={**os.environ, "GUERDON_FAILPOINT": failpoint},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    # Batches are of 16 commands at most and the merge stands alone, so that it is the third of them.
    killed = flood(f"{name}:3")
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "")
    again = flood("")
    assert again.returncode == 0, again.stderr
    assert set(again.stdout.split()) <= {"applied", "duplicate"}
    assert world.rows("select account_id, into_account from account_merges") == [(gone, into)]
    points = world.rows("select sum(available) from wallets where wallet = 'points'")
    assert points == [(2000 + 10 * EVENTS - 50 * REDEMPTIONS,)]
    assert world.rows(
        "select count(*) from lots where account_id = (select min(account_id) from account_merges)"
    ) == [(0,)]
    audit(world)
