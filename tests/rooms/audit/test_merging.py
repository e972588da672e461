"""Accounts that became one: nothing is lost or doubled, and what is stored follows from the events."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from guerdon.base.ids import number_text, parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit
from guerdon.engine.commands import (
    AdjustBalance,
    CancelCheckout,
    CancelRedemption,
    ConfirmCheckout,
    EndTier,
    GiveTier,
    MergeAccounts,
    RedeemReward,
    ReturnOrder,
    RunTick,
    TransferUnits,
    UseRedemption,
)
from guerdon.members.identities import parse_ref
from guerdon.rules.sent import ReturnAsked, ReturnLine
from tests.rooms.audit.conftest import Life, audited
from tests.rooms.engine.conftest import TENANT

_LOTS = """
select wallet, available_at, expires_at::text, sum(remaining)::bigint from lots
where account_id in {} group by 1, 2, 3
"""
_BUCKETS = """
select metric, bucket_on, sum(total), sum(count)::bigint from metric_buckets
where account_id in {} and held is null group by 1, 2
"""
_LEVELS = ["bronze", "silver", "gold"]


def code_of(answer: Answer) -> str:
    return answer.problem.code if answer.problem is not None else ""


def merge(living: Life, gone: str, into: str) -> Answer:
    """Merge one person's account into another's, after whatever it holds for open carts has ended."""
    for cart in list(living.carts):
        living.say(CancelCheckout, id=cart)
    return living.say(MergeAccounts, account_id=living.accounts[gone], into_account=living.accounts[into])


def holds_up(living: Life) -> None:
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.not_replayed == {}


def owned(living: Life, *accounts: int) -> tuple[Counter[Any], Counter[Any]]:
    """Lots and metrics of some accounts together."""
    listed = f"({', '.join(map(str, accounts))})"
    lots = Counter({row[:3]: row[3] for row in living.world.rows(_LOTS.format(listed)) if row[3]})
    buckets = living.world.rows(_BUCKETS.format(listed))
    return lots, Counter({row[:2]: row[2:] for row in buckets})


def tier_of(living: Life, account: int) -> str:
    rows = living.world.rows(f"select level from tiers where account_id = {account}")  # noqa: S608 - of the test
    return str(rows[0][0]) if rows else "bronze"


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)]
)
def test_two_random_lives_become_one(living: Life, seed: int) -> None:
    living.chance.seed(seed)
    living.begin(["anna", "ben", "cara"])
    living.live(living.chance.randrange(30, 80))
    for cart in living.carts:
        living.say(CancelCheckout, id=cart)
    gone, into = living.accounts["anna"], living.accounts["ben"]
    for one in (gone, into):
        # What time has done is booked before, so that the figures can be compared.
        living.say(RunTick, account_id=one)
    before, levels = owned(living, gone, into), [tier_of(living, one) for one in (gone, into)]
    owed = living.world.rows(f"select sum(debt) from wallets where account_id in ({gone}, {into})")  # noqa: S608 - of the test
    answer = merge(living, "anna", "ben")
    assert (code_of(answer), answer.account) == ("", number_text("acc", into))
    after = owned(living, into)
    assert after[1] == before[1]
    if owed == [(0,)]:
        assert after[0] == before[0], "lots with their dates"
    assert owned(living, gone) == (Counter(), Counter())
    assert _LEVELS.index(tier_of(living, into)) >= max(map(_LEVELS.index, levels))
    holds_up(living)
    living.live(40)
    holds_up(living)
    assert tier_of(living, gone) == "bronze"


def test_one_after_the_other_in_a_chain(living: Life) -> None:
    living.begin(["anna", "ben", "cara", "dan"])
    living.live(30)
    assert code_of(merge(living, "cara", "anna")) == ""
    living.live(20)
    assert code_of(merge(living, "anna", "dan")) == ""
    living.live(20)
    assert code_of(merge(living, "ben", "dan")) == ""
    living.live(30)
    holds_up(living)
    dan = living.accounts["dan"]
    assert living.world.rows("select distinct merged_into from accounts where merged_into is not null") == [
        (dan,)
    ]
    assert living.world.rows("select account_id, members from accounts where members > 0") == [(dan, 4)]


def test_what_comes_late_lands_at_the_account_that_stands(living: Life) -> None:
    living.begin(["anna", "ben"])
    order = living.world.order("40.00", "anna", order="first")
    paid = living.world.ask(order)[0]
    taken = living.say(RedeemReward, member=parse_ref("anna"), reward="voucher")
    number = parse_number("red", taken.redemptions[0]["id"])
    gone, into = living.accounts["anna"], living.accounts["ben"]
    shown = number_text("acc", into)
    assert code_of(merge(living, "anna", "ben")) == ""
    # The shop tells of the same event again, of the same order by another event, and of new ones.
    again = living.world.ask(order)[0]
    assert (again.status, again.effects, again.account) == ("duplicate", paid.effects, shown)
    assert living.world.ask(living.world.order("40.00", "anna", order="first"))[0].status == "duplicate"
    assert living.world.ask(living.world.order("5.00", "anna"))[0].account == shown
    for answer in (
        living.say(AdjustBalance, account_id=gone, wallet="points", amount=5, reason="sorry"),
        living.say(RunTick, account_id=gone),
        living.say(CancelRedemption, redemption_id=number),
        living.say(ReturnOrder, asked=ReturnAsked("first", "r1", (ReturnLine("1", Decimal("0.5")),))),
        living.say(ReturnOrder, asked=ReturnAsked("first", "r2", all=True)),
    ):
        assert (code_of(answer), answer.account) == ("", shown)
    assert code_of(living.say(ReturnOrder, asked=ReturnAsked("first", "r3", all=True))) != ""
    assert code_of(living.say(UseRedemption, redemption_id=number)) == "redemption_cancelled"
    sent = living.say(TransferUnits, account_id=gone, to_account=into, wallet="cash", amount=100)
    assert code_of(sent) == "same_account"
    holds_up(living)


@pytest.mark.parametrize(("first", "then", "last"), [("anna", "ben", "cara"), ("cara", "ben", "anna")])
def test_a_return_counts_on_over_a_merge(living: Life, first: str, then: str, last: str) -> None:
    """Whichever account is the elder one."""
    living.begin(["anna", "ben", "cara"])
    living.world.ask(living.world.order("80.00", first, order="first"))
    part = (ReturnLine("1", Decimal("0.25")),)
    assert code_of(living.say(ReturnOrder, asked=ReturnAsked("first", "r1", part))) == ""
    merge(living, first, then)
    assert code_of(living.say(ReturnOrder, asked=ReturnAsked("first", "r2", part))) == ""
    merge(living, then, last)
    rest = living.say(ReturnOrder, asked=ReturnAsked("first", "r3", all=True))
    assert (code_of(rest), rest.account) == ("", number_text("acc", living.accounts[last]))
    spent = living.world.rows("select sum(total) from metric_buckets where metric like 'yearly_spend@%'")
    assert spent == [(0,)], "what was paid came back"
    taken = living.world.rows(
        "select e.book, sum(e.amount) from entries e join transactions t using (account_id, seq)"
        " where t.wallet = 'points' and e.source = 'base_earn' and e.book = 'issued' group by 1"
    )
    assert taken == [("issued", -80)]
    points = living.world.rows("select sum(available + pending - debt) from wallets where wallet = 'points'")
    assert points == [(60,)], "three welcomes"
    holds_up(living)


def test_carts_that_nobody_pays_in_time_go_with_the_account(living: Life) -> None:
    living.begin(["anna", "ben"])
    living.world.later(days=4)
    living.cart("anna", "c1", spend={"points": "10"}, rewards=[])
    both = {"account_id": living.accounts["anna"], "into_account": living.accounts["ben"]}
    assert code_of(living.say(MergeAccounts, **both)) == "account_has_checkout"
    assert living.world.rows("select count(*) from account_merges") == [(0,)]
    living.world.later(days=2)
    assert code_of(living.say(MergeAccounts, **both)) == ""
    late = living.say(ConfirmCheckout, id="c1")
    assert (code_of(late), late.account) == ("", number_text("acc", living.accounts["ben"]))
    again = living.say(ConfirmCheckout, id="c1")
    assert (again.status, again.account) == ("duplicate", late.account)
    holds_up(living)


def test_given_tiers_of_both_hold_one_after_the_other(living: Life) -> None:
    living.begin(["anna", "ben", "cara"])
    now, given = living.world.now, {"anna": ("silver", 40), "ben": ("gold", 10), "cara": ("gold", 20)}
    for name, (tier, days) in given.items():
        more = {"ladder": "club", "tier": tier, "until": now + timedelta(days=days), "reason": "a match"}
        assert code_of(living.say(GiveTier, member=parse_ref(name), **more)) == ""
    # The higher one's account goes, and comes first nevertheless.
    assert code_of(merge(living, "ben", "anna")) == ""
    assert code_of(merge(living, "cara", "anna")) == ""
    anna = living.accounts["anna"]
    query = f"select given_level, given_until, given_next from tiers where account_id = {anna}"  # noqa: S608 - of the test
    ((level, until, after),) = living.world.rows(query)
    assert (level, until) == ("gold", now + timedelta(days=20))
    assert [one["tier"] for one in after] == ["silver"]
    holds_up(living)
    for change in ("null", "jsonb_set(given_next, '{0,tier}', '\"gold\"')"):
        with living.world.database.transaction(TENANT) as tx:
            tx.execute("set transaction isolation level repeatable read")
            tx.execute(f"update tiers set given_next = {change} where account_id = {anna}")  # noqa: S608 - of the test
            audit = Audit(tx, living.vault, now=living.world.now)
            assert [one.table for one in audit.run()] == ["tiers"], change
            tx.execute("rollback")
    for days, tier in ((15, "gold"), (10, "silver"), (20, "bronze")):
        living.world.later(days=days)
        living.say(RunTick, account_id=anna)
        assert tier_of(living, anna) == tier
        holds_up(living)
    # What operators say later is all that is given.
    more = {"ladder": "club", "tier": "gold", "reason": "again"}
    assert (
        code_of(living.say(GiveTier, member=parse_ref("cara"), until=now + timedelta(days=90), **more)) == ""
    )
    assert code_of(living.say(EndTier, member=parse_ref("cara"), ladder="club", reason="enough")) == ""
    assert tier_of(living, anna) == "bronze"
    holds_up(living)


def test_what_cannot_be_merged_is_said(living: Life) -> None:
    living.begin(["anna", "ben", "cara"])
    living.erase("cara")
    anna, ben = living.accounts["anna"], living.accounts["ben"]
    erased = living.world.rows("select account_id from accounts where members = 0")[0][0]

    def ask(gone: int, into: int) -> str:
        return code_of(living.say(MergeAccounts, account_id=gone, into_account=into))

    assert ask(anna, anna) == "same_account"
    assert ask(anna, 5) == ask(5, anna) == "account_not_found"
    assert ask(anna, erased) == ask(erased, anna) == "account_erased"
    assert ask(anna, ben) == ""
    assert ask(anna, ben) == ask(ben, anna) == "account_merged"
    card = living.world.rows("select count(*) from accounts where kind = 'card'")
    assert card == [(0,)]
    living.erase("anna")
    holds = audited(living.world)[0]
    assert holds == []
