"""What holds after each step of any life under any program."""

from __future__ import annotations

import copy
import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.decision import Decision
from guerdon.rules.events import Event, Redeem
from guerdon.rules.limits import all_draws
from guerdon.rules.lots import recount, settle, sort_lots
from guerdon.rules.program import Program
from guerdon.rules.spending import reward_draws
from guerdon.rules.state import Lot, State, WalletState
from guerdon.rules.step import exactly, step
from tests.rules.reducing import merged, reduced
from tests.rules.worlds import BEGINS, FRESH, LIVES, MEMBER, Act, Life, chance, compiled, documents, live


@given(documents(), LIVES)
def test_books_balance_and_lots_are_the_sum_of_their_entries(document: Any, acts: list[Act]) -> None:
    program = compiled(document)
    lots: dict[tuple[Any, ...], int] = defaultdict(int)
    for _, _, after, decision in live(program, acts):
        for one in decision.transactions:
            assert sum(entry.amount for entry in one.entries) == 0
            assert one.entries
            for entry in one.entries:
                if entry.book == "member":
                    lots[one.wallet, entry.available_at, entry.expires_at] += entry.amount
        assert {key: units for key, units in lots.items() if units} == lots_of(after)
        assert min(lots.values(), default=0) >= 0


def lots_of(state: State) -> dict[tuple[Any, ...], int]:
    return {
        (key, lot.available_at, lot.expires_at): lot.remaining
        for key, wallet in state.account.wallets.items()
        for lot in wallet.lots or ()
    }


@given(documents(), LIVES)
def test_figures_of_wallets_are_those_of_their_lots(document: Any, acts: list[Act]) -> None:
    program = compiled(document)
    for _, event, after, decision in live(program, acts):
        now = max(event.booked_at, after.account.last_booked_at or event.booked_at)
        for wallet in after.account.wallets.values() if not decision.problem_code else ():
            assert_counted(program, wallet, now)


def assert_counted(program: Program, wallet: WalletState, now: datetime) -> None:
    lots, idle = wallet.lots or (), wallet.idle_expires_at
    ends = [one for lot in lots if (one := min_of(lot.expires_at, idle)) is not None]
    assert all(end > now for end in ends), "what is over was left"
    assert wallet.available == sum(lot.remaining for lot in lots if lot.available_at <= now)
    assert wallet.pending == sum(lot.remaining for lot in lots if lot.available_at > now)
    assert all(lot.remaining > 0 for lot in lots)
    assert lots == sort_lots(lots, program.spending_order)
    assert len({(lot.available_at, lot.expires_at) for lot in lots}) == len(lots)
    changes = [*ends, *(lot.available_at for lot in lots if lot.available_at > now)]
    if changes:
        assert wallet.changes_at is not None
        assert now < wallet.changes_at <= min(changes)
    exact = recount(wallet, now)
    assert (exact.available, exact.pending) == (wallet.available, wallet.pending)
    assert exact.changes_at == min(changes, default=None)


def min_of(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((end for end in (one, other) if end is not None), default=None)


@given(documents(), LIVES)
def test_what_is_said_to_be_needed_suffices(document: Any, acts: list[Act]) -> None:
    program = compiled(document)
    for number, (before, event, after, decision) in enumerate(live(program, acts), 1):
        again, same = step(program, reduced(program, before, event), event, chance(number))
        assert same == decision
        if not decision.problem_code:
            assert merged(program, before, again, same) == after


@given(documents(), LIVES)
def test_a_step_is_repeatable_and_leaves_the_state_before_alone(document: Any, acts: list[Act]) -> None:
    program = compiled(document)
    for number, (before, event, after, decision) in enumerate(live(program, acts), 1):
        kept = copy.deepcopy(before)
        assert step(program, before, event, chance(number)) == (after, decision)
        assert before == kept
        if decision.problem_code:
            assert after is before
            assert decision == Decision(
                version=3,
                late=decision.late,
                problem_code=decision.problem_code,
                problem_pointer=decision.problem_pointer,
                problem_detail=decision.problem_detail,
            )


@given(documents(), LIVES, st.randoms(use_true_random=False))
def test_the_order_in_which_campaigns_are_written_says_nothing(
    document: Any, acts: list[Act], shuffler: random.Random
) -> None:
    keys = list(document["campaigns"])
    shuffler.shuffle(keys)
    other = {**document, "campaigns": {key: document["campaigns"][key] for key in keys}}
    for one, two in zip(live(compiled(document), acts), live(compiled(other), acts), strict=True):
        assert one[2:] == two[2:]


@given(documents(), LIVES)
def test_no_float_anywhere_and_numbers_are_plain_integers(document: Any, acts: list[Act]) -> None:
    for _, _, after, decision in live(compiled(document), acts):
        assert_exact(decision)
        assert_exact(after)


def assert_exact(value: Any) -> None:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            assert_exact(getattr(value, name))
    elif isinstance(value, dict):
        for key, one in value.items():
            assert_exact(key)
            assert_exact(one)
    elif isinstance(value, tuple | list):
        for one in value:
            assert_exact(one)
    else:
        assert value is None or isinstance(value, int | str | bool | Decimal | datetime | date), type(value)


@given(documents(), LIVES)
def test_limits_budgets_and_stock_are_never_exceeded(document: Any, acts: list[Act]) -> None:
    program = compiled(document)
    for _, event, after, _ in live(program, acts):
        day = program.zone.day_of(event.occurred_at)
        draws = [
            draw
            for campaign in program.campaigns
            for draw in all_draws(campaign.limits, f"campaign/{campaign.key}", MEMBER.member_id, day)
        ]
        for reward in program.rewards.values():
            draws += [draw for draw, _, _ in reward_draws(reward, 1, MEMBER.member_id, day)]
        counted = {**after.account.counters, **after.shared.counters}
        assert all(0 <= counted.get(draw.counter, 0) <= draw.bound for draw in draws)
        assert all(used >= 0 for used in counted.values())


@given(documents(), LIVES)
def test_counters_say_what_was_done(document: Any, acts: list[Act]) -> None:
    """Uses of a limit are the events at which its campaign acted; stock is what went less what came back."""
    program = compiled(document)
    acted: dict[str, int] = defaultdict(int)
    stock: dict[str, int] = defaultdict(int)
    rewards: dict[int, tuple[str, int]] = {}
    after = FRESH
    for _, _, latest, decision in live(program, acts):
        after = latest
        for key in {effect.campaign for effect in decision.effects if effect.campaign}:
            acted[key] += 1
        for one in decision.redemptions:
            rewards[one.redemption_id] = (one.reward, one.quantity)
            stock[one.reward] += one.quantity
        for number in decision.cancelled:
            reward, quantity = rewards[number]
            stock[reward] -= quantity
    used = {**after.account.counters, **after.shared.counters}
    for campaign in program.campaigns:
        limits = campaign.limits
        if limits.per_account or limits.per_member or limits.total:
            counted = sum(
                units
                for key, units in used.items()
                if key.startswith(f"campaign/{campaign.key}/") and "/budget" not in key
            )
            assert counted == acted[campaign.key]
    for reward in ("dear", "pen"):
        assert used.get(f"reward/{reward}/stock", 0) == stock[reward]


@given(documents(), LIVES)
def test_a_campaign_acts_or_says_once_why_not(document: Any, acts: list[Act]) -> None:
    for _, event, _, decision in live(compiled(document), acts):
        acted = {effect.campaign for effect in decision.effects if effect.campaign}
        skipped = [skip.campaign for skip in decision.skipped]
        assert len(set(skipped)) == len(skipped)
        assert not acted & set(skipped)
        if event.order is not None and not decision.problem_code:
            triggered = {key for key, one in document["campaigns"].items() if one["trigger"] == "order.paid"}
            assert triggered <= acted | set(skipped)


@given(documents(), LIVES, st.integers(-100_000, 0))
def test_an_accounts_clock_never_runs_backwards(document: Any, acts: list[Act], back: int) -> None:
    program = compiled(document)
    clock: datetime | None = None
    for _, _, after, decision in live(program, [*acts, Act("tick", back), Act("order", 0, 0, (5000,))]):
        booked = after.account.last_booked_at
        if clock is not None:
            assert booked is not None
            assert booked >= clock
        clock = booked
        assert all(change.at <= booked for change in decision.tier_changes if booked is not None)


@given(documents(), LIVES, st.lists(st.integers(1, 200_000), min_size=1, max_size=6))
def test_time_in_small_steps_is_time_in_one_step(document: Any, acts: list[Act], minutes: list[int]) -> None:
    """Many ticks book what one tick books: the same expiries and moves of tiers, at the same instants."""
    program, acts = compiled(document), [Act("tick", 0), *acts]
    small = list(live(program, [*acts, *(Act("tick", one) for one in minutes)]))
    big = list(live(program, [*acts, Act("tick", sum(minutes))]))
    few, many = big[len(acts) :], small[len(acts) :]
    assert unanchored(small[-1][2]) == unanchored(big[-1][2])
    for name in ("transactions", "tier_changes"):
        stepwise = [one for _, _, _, decision in many for one in getattr(decision, name)]
        at_once = [one for _, _, _, decision in few for one in getattr(decision, name)]
        assert sorted(stepwise, key=by_instant) == sorted(at_once, key=by_instant)
    for wallet in small[len(acts) - 1][2].account.wallets.values():
        stepped = wallet
        for _, event, _, _ in many:
            stepped, _ = settle(stepped, event.booked_at)
        assert stepped == settle(wallet, many[-1][1].booked_at)[0]


def unanchored(state: State) -> State:
    """Forget from where the next walk over the reviews begins: that is no standing."""
    tiers = {
        key: msgspec.structs.replace(one, anchor_on=date.min, anchor_level="")
        for key, one in state.account.tiers.items()
    }
    return msgspec.structs.replace(state, account=msgspec.structs.replace(state.account, tiers=tiers))


def by_instant(one: Any) -> tuple[Any, str]:
    return (getattr(one, "effective_at", None) or one.at, str(one))


@given(documents(), LIVES)
def test_a_wallets_units_are_what_was_issued_less_what_went(document: Any, acts: list[Act]) -> None:
    books: dict[tuple[str, str], int] = defaultdict(int)
    after = FRESH
    for _, _, latest, decision in live(compiled(document), acts):
        after = latest
        for one in decision.transactions:
            for entry in one.entries:
                books[one.wallet, entry.book] += entry.amount
    for key, wallet in after.account.wallets.items():
        others = sum(units for (of, book), units in books.items() if of == key and book != "member")
        assert wallet.available + wallet.pending == books[key, "member"] == -others


def test_units_that_are_held_are_not_spent_and_expire_like_others() -> None:
    campaign = {
        "trigger": "visit.made",
        "when": "wallets.points.available == 0 && wallets.points.held == 8",
        "then": [{"award": {"wallet": "points", "amount": "1"}}],
    }
    program = compiled(
        {
            "program": "p",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"points": {}},
            "rewards": {"pen": {"kind": "product", "price": {"points": 3}}},
            "campaigns": {"free": campaign},
        }
    )
    lots = (Lot(BEGINS, BEGINS + timedelta(days=1), 6), Lot(BEGINS, BEGINS + timedelta(days=9), 4))
    wallet = WalletState(10, 0, 8, lots[0].expires_at, lots=lots)
    state = msgspec.structs.replace(
        FRESH, account=msgspec.structs.replace(FRESH.account, wallets={"points": wallet})
    )
    later = BEGINS + timedelta(days=2)
    with exactly():
        _, refused = step(program, state, Event("g", BEGINS, BEGINS, command=Redeem(1, "pen")), chance(1))
        after, decision = step(program, state, Event("visit.made", later, later), chance(2))
    assert refused.problem_code == "insufficient_units"
    assert refused.problem_detail == "3 of points are needed and 2 are available"
    assert [one.kind for one in decision.transactions] == ["expire", "award"]
    assert after.account.wallets["points"].available == 5
    assert after.account.wallets["points"].held == 8


def test_a_tick_changes_nothing_where_nothing_has_come_due() -> None:
    """A tick alone changes nothing where nothing has come due."""

    program = compiled({"program": "p", "currency": "USD", "timezone": "UTC", "wallets": {"points": {}}})
    life = Life(program)
    with exactly():
        after, decision = step(program, FRESH, life.event(Act("tick", 5)), chance(1))
    assert decision == Decision(version=3)
    assert after.account.wallets == {}
