"""Random small programs and random lives of accounts under them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from guerdon.base.ids import Chance
from guerdon.rules.compiling import compile_program
from guerdon.rules.decision import Decision, Entry
from guerdon.rules.definition import load_definition
from guerdon.rules.events import (
    Adjust,
    CancelRedemption,
    Event,
    ReceiveUnits,
    Redeem,
    SendUnits,
    Tick,
)
from guerdon.rules.orders import AmountInput, LineInput, OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, Lot, MemberState, Shared, State
from guerdon.rules.step import exactly, step

BEGINS = datetime(2026, 1, 1, 5, tzinfo=UTC)
MEMBER = MemberState(77, birthday="02-29")
FRESH = State(AccountState(5, owner=MEMBER), MEMBER, Shared())

_one = st.sampled_from
_spans = _one(["0d", "1d", "14d", "36h", "1mo"])
_expiries = _one(
    [
        "never",
        "2d",
        "40d",
        "3mo",
        "5h",
        {"after": "2mo", "end_of": "month"},
        {"after": "30d", "from": "last_activity"},
    ]
)
_windows = _one(["all_time", "calendar_year", "calendar_month", "calendar_week", {"rolling": "30d"}])


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """Draw a program with two wallets, a ladder, rewards, and campaigns of each kind."""
    points = {
        "scale": draw(_one([0, 2])),
        "rounding": {
            "mode": draw(_one(["floor", "half_up", "half_even", "ceil"])),
            "per": draw(_one(["order", "line", "campaign"])),
        },
        "pending": draw(_spans),
        "expires": draw(_expiries),
        "cost": "0.01",
    } | draw(_one([{}, {}, {"limits": {"per_event": 40}}, {"limits": _EARNED}, {"limits": _LITTLE}]))
    idle = isinstance(points["expires"], dict) and "from" in points["expires"]
    award = {"wallet": "points", "amount": "7"} | ({} if idle else {"expires": draw(_one(["1d", "never"]))})
    return {
        "program": "world",
        "currency": "USD",
        "timezone": draw(_one(["UTC", "America/New_York", "America/Sao_Paulo", "Pacific/Apia"])),
        "wallets": {"points": points, "stars": {"scale": 1, "pending": "1d", "cost": "0.05"}},
        "metrics": {
            "spend": {"event": "order.paid", "value": "order.net", "window": draw(_windows)},
            "orders": {"event": "order.paid", "window": draw(_windows)},
            "visits": {"event": "visit.made", "window": draw(_windows)},
        },
        "ladders": {
            "club": {
                "metric": "spend",
                "review": draw(_one(["calendar_month", "calendar_quarter", "calendar_year"])),
                "grace": draw(_one(["0d", "10d", "45d"])),
                "soft_landing": draw(_one(["true", "false"])),
                "tiers": _TIERS,
            }
        },
        "badges": {"first": {}, "regular": {}},
        "segments": _SEGMENTS,
        "spending": {"lots": draw(_one(["expires_first", "earned_first"]))},
        "returns": {"given_back_lasts": draw(_one(["0d", "30d"]))},
        "campaigns": {
            "base": _when(draw, "order.paid", [_award("points", _BASE)]),
            "third": _when(draw, "order.paid", _THIRD),
            "flat": _when(draw, "order.paid", [{"award": award}]),
            "twice": _when(draw, "order.paid", _factor(draw(_one(["2", "0.5"])))),
            "bonus": _when(draw, "order.paid", _factor("1.3", combine="add")),
            "auto": _when(draw, "order.paid", [{"redeem": {"reward": "cheap", "while": _PLENTY}}]),
            "gift": _when(draw, "order.paid", [{"grant": "pen"}]),
            "mark": _when(draw, "order.paid", [{"badge": "first"}]),
            "often": {"trigger": "order.paid", "when": "metrics.orders >= 3", "then": [{"badge": "regular"}]},
            "broken": {"trigger": "order.paid", "then": [_award("stars", "1 / (metrics.orders - 2)")]},
            "risen": _when(draw, "tier.reached", [_award("points", "11")]),
            "badged": _when(draw, "badge.earned", [_award("stars", "metrics.visits + 1")]),
            "keen": _meant(draw, "keen", "order.paid", [_award("points", "3")]),
            "noble": _meant(draw, "noble", "tier.reached", [_award("stars", "4")]),
        },
        "rewards": {
            "cheap": {"kind": "coupon", "price": {"points": 20}, "limits": {"per_member": 9, "per": "month"}},
            "dear": {"kind": "product", "price": {"points": 50, "stars": 1}, "stock": 3, "cost": "4"},
            "pen": {"kind": "product", "stock": 6, "cost": "1.5", "tiers": ["club.mid", "low"]},
        },
    }


_EARNED = {"per_day": 60, "per_month": 150, "balance": 120}
_LITTLE = {"per_event": 25, "per_week": 30, "per_year": 200}
_BASE = "order.earning_base * account.tiers.club.rate"
_SEGMENTS = {
    "keen": "metrics.orders >= 2 || 'first' in account.badges",
    "noble": "account.tiers.club.level >= 1 && wallets.points.available >= 20",
    "vexed": "1 / (metrics.orders - 1) > 0 && account.owner.birthday == '02-29'",
}
_PLENTY = "wallets.points.available >= 60 && metrics.visits < 3"
_TIERS = {"low": {"from": 0}, "mid": {"from": 100, "rate": 1.5}, "top": {"from": 300, "rate": 2}}


def _factor(by: str, **more: str) -> list[dict[str, Any]]:
    return [{"multiply": {"wallet": "points", "by": by, **more}}]


def _award(wallet: str, amount: str) -> dict[str, Any]:
    return {"award": {"wallet": wallet, "amount": amount}}


_THIRD = [_award("points", "order.net / 3"), _award("stars", "order.net / 7")]


def _when(draw: Any, trigger: str, effects: list[dict[str, Any]]) -> dict[str, Any]:
    limits = draw(
        _one(
            [
                {},
                {},
                {"per_account": 2},
                {"per_member": 3, "per": "week"},
                {"total": 4, "per": "month"},
                {"budget": {"units": {"points": 90}, "per": "month"}, "when_short": "part"},
                {"budget": {"money": "2"}},
                {"budget": {"money": "2", "per": "week"}, "when_short": "part"},
            ]
        )
    )
    made: dict[str, Any] = {"trigger": trigger, "then": effects, "priority": draw(_one([0, 5]))}
    if limits:
        made["limits"] = limits
    if draw(_one([False, False, True])):
        made["schedule"] = {"days": ["mon", "fri", "sun"], "from": "22:00", "to": "08:00"}
    return made


def _meant(draw: Any, segment: str, trigger: str, effects: list[dict[str, Any]]) -> dict[str, Any]:
    """Draw a campaign with an audience, and perhaps one that looks through all segments."""
    exists = f"account.segments.exists(one, one in ['{segment}', 'vexed'])"
    return {
        **_when(draw, trigger, effects),
        "audience": draw(_one([f"'{segment}' in account.segments", exists])),
    }


@lru_cache(maxsize=64)
def _compiled(text: str) -> Program:
    return compile_program(load_definition(text), 3)


def compiled(document: dict[str, Any]) -> Program:
    """Compile a document as written in Python."""
    return _compiled(json.dumps(document))


@dataclass(frozen=True)
class Act:
    """One thing that somebody does."""

    kind: str
    minutes: int
    """Since the act before, by the receiving clock."""
    late: int = 0
    """Minutes that the fact is older than its arrival."""
    cents: tuple[int, ...] = ()
    number: int = 1


_cents = st.lists(_one([0, 1, 33, 50, 99, 100, 250, 1999, 5000, 12345]), min_size=1, max_size=4).map(tuple)
_minutes = _one([0, 1, 60, 600, 1440, 3000, 20_000, 50_000, 200_000])
_lates = _one([0, 0, 0, 30, 5_000, 60_000, -600])
ACTS = st.one_of(
    st.builds(Act, st.just("order"), _minutes, _lates, _cents),
    st.builds(
        Act,
        _one(["redeem", "cancel", "adjust", "send", "receive", "tick", "grab", "odd", "visit"]),
        _minutes,
        number=st.integers(-40, 40),
    ),
)
LIVES = st.lists(ACTS, min_size=1, max_size=14)


@dataclass
class Life:
    """An account's life so far."""

    program: Program
    state: State = FRESH
    now: datetime = BEGINS
    count: int = 0
    taken: list[CancelRedemption] | None = None

    def event(self, act: Act) -> Event:
        """Make the event of an act."""
        self.now += timedelta(minutes=act.minutes)
        self.count += 1
        if act.kind == "visit":
            return Event("visit.made", self.now, self.now)
        if act.kind != "order":
            return Event(f"guerdon.{act.kind}", self.now, self.now, command=self._command(act))
        sent = OrderInput(
            id=str(self.count),
            lines=tuple(LineInput(str(at), subtotal=Decimal(one) / 100) for at, one in enumerate(act.cents)),
            payments=(AmountInput(Decimal("0.25"), "points"),),
        )
        order = read_order(sent, self.program.order_settings, "web", "")
        occurred_at = self.now - timedelta(minutes=act.late)
        return Event("order.paid", occurred_at, self.now, "w", str(self.count), "web", "", order)

    def _command(self, act: Act) -> Any:
        if act.kind == "cancel" and self.taken:
            return self.taken.pop()
        lot = Lot(self.now - timedelta(days=1), self.now + timedelta(days=act.number), abs(act.number) + 1)
        return {
            "redeem": Redeem(self.count, "dear"),
            "grab": Redeem(self.count, "cheap", max(1, act.number)),
            "adjust": Adjust("points", act.number, "why"),
            "send": SendUnits("points", act.number, 6),
            "receive": ReceiveUnits("points", (lot,), 6),
            "odd": Redeem(self.count, "nothing"),
        }.get(act.kind, Tick())

    def remember(self, event: Event, decision: Decision) -> None:
        """Keep what can be cancelled later."""
        self.taken = self.taken or []
        for one in decision.redemptions:
            spent = {
                each.wallet: taken_lots(each.entries)
                for each in decision.transactions
                if each.redemption_id == one.redemption_id
            }
            self.taken.append(
                CancelRedemption(
                    one.redemption_id, one.reward, one.quantity, spent, event.occurred_at, MEMBER.member_id
                )
            )


def taken_lots(entries: tuple[Entry, ...]) -> tuple[Lot, ...]:
    """Collect what left a member's lots."""
    return tuple(
        Lot(one.available_at, one.expires_at, -one.amount)
        for one in entries
        if one.book == "member" and one.available_at is not None
    )


def live(program: Program, acts: list[Act]) -> list[tuple[State, Event, State, Decision]]:
    """Live a life, and give each step of it."""
    life = Life(program)
    steps = []
    # No generator: one that is left unfinished would leave its arithmetic behind for whoever comes next.
    with exactly():
        for act in acts:
            before, event = life.state, life.event(act)
            life.state, decision = step(program, before, event, chance(life.count))
            life.remember(event, decision)
            steps.append((before, event, life.state, decision))
    return steps


def chance(number: int) -> Chance:
    """Give the randomness of one step."""
    return Chance(b"world-%d" % number)
