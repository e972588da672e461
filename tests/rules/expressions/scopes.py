"""One small world that the tests of expressions look at."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from guerdon.rules.expressions import (
    ANY,
    BOOL,
    DECIMAL,
    INT,
    STRING,
    TIMESTAMP,
    Environment,
    ListOf,
    MapOf,
    Namespace,
    Record,
    Type,
    compile_expression,
)

LINE = Record("line", {"net": DECIMAL, "quantity": DECIMAL, "brand": STRING, "categories": ListOf(STRING)})
ORDER = Record(
    "order",
    {
        "net": DECIMAL,
        "channel": STRING,
        "paid": BOOL,
        "count": INT,
        "lines": ListOf(LINE),
        "placed": TIMESTAMP,
    },
)
ROOTS: dict[str, Type] = {
    "order": ORDER,
    "metrics": Namespace("metrics", {"yearly_spend": DECIMAL, "visits": INT}),
    "wallets": Namespace("wallets", {"points": Record("wallet", {"available": DECIMAL, "held": DECIMAL})}),
    "event": Record("event", {"type": STRING, "data": MapOf(STRING, ANY)}),
    "member": Record("member", {"language": STRING, "joined_at": TIMESTAMP}),
    "now": TIMESTAMP,
}
ENVIRONMENT = Environment(ROOTS, zone="America/New_York")


def line(net: str, quantity: str, brand: str, *categories: str) -> SimpleNamespace:
    return SimpleNamespace(
        net=Decimal(net), quantity=Decimal(quantity), brand=brand, categories=list(categories)
    )


def scope(**changes: Any) -> SimpleNamespace:
    """Make the scope; `changes` are fields of the order."""
    order = {
        "net": Decimal("100.00"),
        "channel": "pos",
        "paid": True,
        "count": 7,
        "lines": [line("60.00", "2", "Trail", "backpack", "outdoor"), line("40.00", "3", "Peak", "pen")],
        "placed": datetime(2027, 1, 1, 3, 30, tzinfo=UTC),
        **changes,
    }
    data = {
        "grams": Decimal(250),
        "sku": "A-1",
        "tags": ["a", "b"],
        "flag": True,
        "none": None,
        "deep": {"er": [Decimal(1), {"x": "y"}]},
    }
    return SimpleNamespace(
        order=SimpleNamespace(**order),
        metrics={"yearly_spend": Decimal(700), "visits": 12},
        wallets={"points": SimpleNamespace(available=Decimal(500), held=Decimal(0))},
        event=SimpleNamespace(type="item.recycled", data=data),
        member=SimpleNamespace(language="bn", joined_at=datetime(2026, 5, 1, tzinfo=UTC)),
        now=datetime(2027, 1, 1, 3, 30, tzinfo=UTC),
    )


def value(source: str, expects: Type | None = None, **changes: Any) -> Any:
    """Compile and evaluate."""
    return compile_expression(source, ENVIRONMENT, expects).evaluate_alone(scope(**changes))
