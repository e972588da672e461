"""With many campaigns the step asks an index first, and decides as it would without one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.ids import Chance
from guerdon.rules.events import Event
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.program import INDEXED_FROM, Program
from guerdon.rules.step import exactly, step
from tests.rules.worlds import FRESH, compiled

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)

_conditions = st.sampled_from(
    [
        None,
        "order.net >= 50",
        "order.net < 20 && order.channel == 'web'",
        "order.channel in ['pos', 'app']",
        "'tent' in order.lines[0].categories",
        "order.lines.exists(line, line.brand == 'Trail')",
        "metrics.orders == 1",
        "account.tiers.club.level >= 1 || order.net > 10",
        "order.net / order.quantity > 5",
        "!(order.channel == 'web')",
    ]
)


@st.composite
def programs(draw: Any) -> Program:
    conditions = draw(st.lists(_conditions, min_size=INDEXED_FROM + 1, max_size=40))
    campaigns = {
        f"campaign_{number}": {
            "trigger": "order.paid",
            "priority": number % 3,
            **({"when": condition} if condition else {}),
            **({"audience": f"'{_SEGMENTS[number % 3]}' in account.segments"} if number % 5 == 0 else {}),
            **({"limits": {"per_account": 1}} if number % 4 == 0 else {}),
            "then": [{"award": {"wallet": "points", "amount": str(number)}}],
        }
        for number, condition in enumerate(conditions)
    }
    return compiled(
        {
            "program": "many",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"points": {}},
            "metrics": {"orders": {"event": "order.paid"}},
            "ladders": {"club": {"metric": "orders", "review": "calendar_year", "tiers": _TIERS}},
            "segments": {
                "known": "metrics.orders >= 2",
                "wealthy": "wallets.points.available > 100",
                "born": "account.owner.birthday == '02-29'",
            },
            "campaigns": campaigns,
        }
    )


_HIDDEN = {"condition_false", "not_in_audience", "expression_error"}
_SEGMENTS = ("known", "wealthy", "born")
_TIERS = {"base": {"from": "0"}, "regular": {"from": "2"}}


def _order(program: Program, number: int, cents: int, channel: str) -> Event:
    kind = ("tent",) if cents % 2 else ()
    line = LineInput(
        id="1", subtotal=Decimal(cents) / 100, categories=kind, brand="Trail" if cents % 3 else None
    )
    order = read_order(OrderInput(id=str(number), lines=(line,)), program.order_settings, channel, "")
    return Event("order.paid", AT, AT, source="shop", id=str(number), channel=channel, order=order)


@given(
    programs(), st.lists(st.tuples(st.integers(0, 9_999), st.sampled_from(["web", "pos", "app"])), max_size=5)
)
def test_an_index_changes_no_effect_and_hides_only_conditions_that_are_false(
    program: Program, orders: list[tuple[int, str]]
) -> None:
    assert program.indexes
    plain = msgspec.structs.replace(program, indexes={})
    indexed_state = plain_state = FRESH
    with exactly():
        for number, (cents, channel) in enumerate(orders):
            event = _order(program, number, cents, channel)
            indexed_state, indexed = step(program, indexed_state, event, Chance(b"12345678"))
            plain_state, tried = step(plain, plain_state, event, Chance(b"12345678"))
            assert indexed_state == plain_state
            assert msgspec.structs.replace(indexed, skipped=()) == msgspec.structs.replace(tried, skipped=())
            hidden = [skip for skip in tried.skipped if skip not in indexed.skipped]
            assert {skip.reason for skip in hidden} <= _HIDDEN
            assert [skip for skip in tried.skipped if skip in indexed.skipped] == list(indexed.skipped)
