"""Wallets that are given up: only the one rounding loses anything, and reading comes to what booking does."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.base.exact import BIGINT_MAX
from guerdon.rules.definition import DefinitionError, inactive_parts, load_definition
from guerdon.rules.events import Event, Tick
from guerdon.rules.lots import recount, sort_lots
from guerdon.rules.program import Program
from guerdon.rules.settling import needs_lots, settle_wallets
from guerdon.rules.state import AccountState, Lot, Shared, State, WalletState
from guerdon.rules.step import exactly, step
from tests.rules.worlds import BEGINS, LIVES, Act, Life, chance, compiled, documents, live

_MODES = {"floor": ROUND_FLOOR, "ceil": ROUND_CEILING, "half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}
_RATES = ["1", "0.5", "0.001", "3", "0.3333", "1000", "7.25"]


def program(conversion: dict[str, Any], expires: Any = "never") -> Program:
    return compiled(
        {
            "program": "club",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"stars": {"scale": 1, "expires": expires}},
            "retired": {"wallets": {"points": conversion}},
        }
    )


_days = st.integers(-300, 300)
LOTS = st.lists(
    st.builds(
        lambda came, lasts, units: Lot(
            BEGINS + timedelta(days=came), BEGINS + timedelta(days=came + lasts) if lasts else None, units
        ),
        _days,
        st.one_of(st.just(0), st.integers(1, 400)),
        st.integers(1, 10**9),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda lot: (lot.available_at, lot.expires_at),
)


def wallet(lots: list[Lot], idle: datetime | None = None) -> WalletState:
    """As booked before any of them expired."""
    early = BEGINS - timedelta(days=1_000)
    return recount(WalletState(idle_expires_at=idle, lots=sort_lots(lots, "expires_first")), early)


@settings(max_examples=200, deadline=None)
@given(
    lots=LOTS,
    rate=st.sampled_from(_RATES),
    mode=st.sampled_from(sorted(_MODES)),
    scale=st.sampled_from([0, 2]),
)
def test_one_rounding_and_every_lot_keeps_its_dates(
    lots: list[Lot], rate: str, mode: str, scale: int
) -> None:
    made = program({"into": "stars", "rate": rate, "rounding": mode, "scale": scale})
    points = wallet(lots)
    done = settle_wallets(made, {"points": points}, BEGINS)
    alive = [lot for lot in lots if lot.expires_at is None or lot.expires_at > BEGINS]
    units = sum(lot.remaining for lot in alive)
    exact = Decimal(units).scaleb(-scale) * Decimal(rate)
    wanted = int(exact.scaleb(1).to_integral_value(_MODES[mode]))
    stars = done.wallets.get("stars", WalletState())
    assert stars.available + stars.pending == wanted
    assert stars.available == sum(lot.remaining for lot in stars.lots or () if lot.available_at <= BEGINS)
    dates = {(lot.available_at, lot.expires_at): lot.remaining for lot in alive}
    for lot in stars.lots or ():
        exactly_its = Fraction(dates[lot.available_at, lot.expires_at] * wanted, units)
        assert abs(lot.remaining - exactly_its) < 1
    left = done.wallets["points"]
    assert (left.available, left.pending, left.lots, left.changes_at) == (0, 0, (), None)
    assert settle_wallets(made, done.wallets, BEGINS).wallets == done.wallets
    off = abs(Decimal(wanted).scaleb(-1) - exact)
    for one in done.converted:
        assert ("rounding" in one.said) == (off != 0)
        assert off == 0 or Decimal(one.said.rsplit(" ", 1)[1]) == off


@settings(max_examples=100, deadline=None)
@given(lots=LOTS, idle=st.one_of(st.none(), st.integers(1, 200)))
def test_a_read_comes_to_what_a_tick_books(lots: list[Lot], idle: int | None) -> None:
    made = program({"into": "stars", "rate": "0.7"}, {"after": "90d", "from": "last_activity"})
    ends = BEGINS + timedelta(days=idle) if idle is not None else None
    wallets = {"points": wallet(lots, ends), "stars": wallet([Lot(BEGINS, None, 50)])}
    account = AccountState(5, wallets=wallets)
    tick = Event("guerdon.tick", BEGINS, BEGINS, command=Tick())
    with exactly():
        after, decision = step(made, State(account, None, Shared()), tick, chance(1))
    assert after.account.wallets == settle_wallets(made, wallets, BEGINS).wallets
    for transaction in decision.transactions:
        assert sum(entry.amount for entry in transaction.entries) == 0
    moved = dict.fromkeys(wallets, 0)
    for transaction in decision.transactions:
        moved[transaction.wallet] += sum(one.amount for one in transaction.entries if one.book == "member")
    for key, was in wallets.items():
        now = after.account.wallets[key]
        assert now.available + now.pending == was.available + was.pending + moved[key]
    if ends is not None:
        assert all(
            lot.expires_at is not None and lot.expires_at <= ends
            for lot in after.account.wallets["stars"].lots or ()
            if lot.remaining != 50 or lot.expires_at is not None
        )


def test_what_is_on_hold_waits_and_what_does_not_fit_stays() -> None:
    made = program({"into": "stars", "rate": "1000000"})
    points = wallet([Lot(BEGINS, None, 5)])
    held = WalletState(points.available, points.pending, 1, points.changes_at, None, points.lots)
    waiting = settle_wallets(made, {"points": held}, BEGINS)
    assert (waiting.converted, waiting.wallets["points"].available) == ((), 5)
    # It may be let go of before anybody looks again, so its lots are read.
    unread = WalletState(5, 0, 1, None, None, None)
    assert needs_lots(made, {"points": unread}, BEGINS)
    assert not needs_lots(made, {"points": WalletState(0, 0, 0, None, None, None)}, BEGINS)
    large = wallet([Lot(BEGINS, None, BIGINT_MAX // 1_000)])
    done = settle_wallets(made, {"points": large}, BEGINS)
    assert (done.converted, "stars" in done.wallets) == ((), False)


@settings(max_examples=60, deadline=None)
@given(document=documents(), acts=LIVES, more=LIVES)
def test_a_life_goes_on_after_its_wallet_was_given_up(
    document: dict[str, Any], acts: list[Act], more: list[Act]
) -> None:
    """Whatever somebody held, cancelled or was refused: books balance and nothing is left in what is gone."""
    first = compiled(document)
    steps = live(first, acts)
    scale = document["wallets"]["points"]["scale"]
    after = {
        "program": "world",
        "currency": "USD",
        "timezone": document["timezone"],
        "wallets": {"stars": document["wallets"]["stars"]},
        "retired": {"wallets": {"points": {"into": "stars", "rate": "0.37", "scale": scale}}},
    }
    life = Life(compiled(after), state=steps[-1][2] if steps else Life(first).state)
    life.now = BEGINS + timedelta(minutes=sum(act.minutes for act in acts))
    with exactly():
        for act in more:
            before, event = life.state, life.event(act)
            shown = settle_wallets(life.program, before.account.wallets, event.booked_at).wallets
            life.state, decision = step(life.program, before, event, chance(life.count))
            for one in decision.transactions:
                assert sum(entry.amount for entry in one.entries) == 0
            if decision.problem_code:
                assert life.state is before
                continue
            points = life.state.account.wallets.get("points", WalletState())
            assert (points.available, points.pending) == (0, 0)
            if act.kind == "tick":
                now = max(event.booked_at, before.account.last_booked_at or event.booked_at)
                assert now > event.booked_at or life.state.account.wallets == shown
            for state in life.state.account.wallets.values():
                assert state.lots is None or sum(lot.remaining for lot in state.lots) == (
                    state.available + state.pending
                )


@pytest.mark.parametrize(
    ("conversion", "code"),
    [
        ({"into": "moons", "rate": "1"}, "unknown_wallet"),
        ({"into": "stars"}, "conversion_rate"),
        ({"into": "nothing", "rate": "1"}, "conversion_rate"),
        ({"into": "stars", "rate": "0"}, ""),
        ({"into": "stars", "rate": "1", "rounding": "exact"}, ""),
    ],
)
def test_a_conversion_that_says_too_little_or_too_much_is_refused(
    conversion: dict[str, Any], code: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        program(conversion)
    assert [fault.pointer.startswith("/retired/wallets/points") for fault in refused.value.faults] == [True]
    assert not code or refused.value.faults[0].code == code


def test_nothing_of_a_conversion_is_inactive() -> None:
    text = (
        "program: club\ncurrency: USD\ntimezone: UTC\nwallets: {stars: {}}\n"
        "retired: {wallets: {points: {into: stars, rate: 1}}}\n"
    )
    assert inactive_parts(load_definition(text)) == ()
