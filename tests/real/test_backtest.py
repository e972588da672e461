"""The real year by backtest: every figure beside the same figure from plain arithmetic."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guerdon import cli
from tests.real import oracle
from tests.real.conftest import SAMPLE_OF, Slice
from tests.real.journey import Basket, tables, write_tables

HERE = Path(__file__).parent
SCHEMES = [
    ("floor_per_order", oracle.by_order, 4_519_934),
    ("floor_per_line", oracle.by_line, 3_855_155),
    ("half_up_per_line", oracle.half_up_by_line, 4_650_137),
]

pytestmark = pytest.mark.xdist_group("real-year")


def backtest(definition: str, events: Path, folder: Path, *more: str) -> dict[str, Any]:
    document = str(HERE / f"{definition}.yaml")
    arguments = ["backtest", document, "--events", str(events), "--report", str(folder), "--json", *more]
    assert cli.run(arguments) == 0
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def accounts(folder: Path) -> dict[int, tuple[int, ...]]:
    with (folder / "accounts.csv").open(encoding="utf-8", newline="") as file:
        return {int(row[0]): tuple(map(int, row[2:])) for row in list(csv.reader(file))[1:]}


def check_scheme(scheme: tuple[str, Callable[[Basket], int], int], of: Slice, folder: Path) -> int:
    name, points_of, _ = scheme
    report = backtest(name, of.file, folder)
    assert report["events"] == report["orders"] == len(of.baskets)
    assert report["accounts"] == len(of.households)
    assert report["rejected"] == report["duplicates"] == 0
    assert report["revenue"] == oracle.revenue(of.baskets)
    expected = sum(points_of(basket) for basket in of.baskets)
    points = report["wallets"]["points"]
    assert (points["issued"], points["spent"], points["expired"]) == (str(expected), "0", "0")
    assert points["outstanding"] == str(expected)
    assert report["campaigns"]["base_earn"]["awarded"] == {"points": str(expected)}
    assert report["campaigns"]["base_earn"]["fired"] == sum(1 for one in of.baskets if points_of(one))
    return expected


def check_tiers_and_months(of: Slice, folder: Path) -> dict[str, Any]:
    report = backtest("floor_per_order", of.file, folder)
    tiers = oracle.spend_tiers(of.baskets)
    assert report["ladders"]["club"] == {
        "reached": {"silver": tiers["silver"] + tiers["gold"], "gold": tiers["gold"]},
        "population": tiers,
    }
    by_month = {month: int(row["issued"]) for month, row in report["wallets"]["points"]["by_month"].items()}
    assert by_month == oracle.issued_by_month(of.baskets)
    return report


def check_spend_back(of: Slice, folder: Path) -> dict[str, Any]:
    report = backtest("spend_back", of.file, folder)
    assert report["until"] == "2018-01-01T00:00:00-05:00"
    expected = {
        household: (sums.issued, sums.spent, sums.expired, sums.outstanding)
        for household, sums in oracle.spend_back(of.baskets).items()
    }
    assert accounts(folder) == expected
    points = report["wallets"]["points"]
    figures = [int(points[name]) for name in ("issued", "spent", "expired", "outstanding")]
    assert figures == [sum(column) for column in zip(*expected.values(), strict=True)]
    assert int(list(points["by_month"].values())[-1]["outstanding"]) == figures[3]
    return report


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme[0])
def test_points_of_a_sample(
    scheme: tuple[str, Callable[[Basket], int], int], sample: Slice, tmp_path: Path
) -> None:
    assert check_scheme(scheme, sample, tmp_path) > 10_000


def test_tiers_and_months_of_a_sample(sample: Slice, tmp_path: Path) -> None:
    check_tiers_and_months(sample, tmp_path)


def test_expiry_and_redemption_of_a_sample(sample: Slice, tmp_path: Path) -> None:
    report = check_spend_back(sample, tmp_path)
    assert int(report["wallets"]["points"]["expired"]) > 0
    assert int(report["wallets"]["points"]["spent"]) > 0


def test_one_process_and_three_give_the_same_files(sample: Slice, tmp_path: Path) -> None:
    one, three = tmp_path / "one", tmp_path / "three"
    backtest("spend_back", sample.file, one)
    backtest("spend_back", sample.file, three, "--jobs", "3")
    for name in ("report.json", "accounts.csv"):
        assert (one / name).read_bytes() == (three / name).read_bytes()


def by_mapping(transactions: Path, folder: Path) -> dict[str, Any]:
    return backtest("everything", transactions, folder, "--map", str(HERE / "journey-map.yaml"))


def test_parquet_by_a_mapping_gives_what_events_give(sample: Slice, tmp_path: Path) -> None:
    rows = write_tables(tmp_path, lambda household: household % SAMPLE_OF == 7)
    mapped = by_mapping(rows, tmp_path / "rows")
    told = backtest("everything", sample.file, tmp_path / "events")
    assert mapped["events"] == len(sample.baskets)
    # The transactions stand in another order than the events; nothing else may differ.
    assert {**mapped, "order": None} == {**told, "order": None}
    assert accounts(tmp_path / "rows") == accounts(tmp_path / "events")


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_year_from_parquet(tmp_path: Path) -> None:
    report = by_mapping(tables(), tmp_path)
    assert (report["events"], report["accounts"], report["rejected"]) == (155_848, 2_469, 0)
    assert report["revenue"] == "4596039.58"
    points = report["wallets"]["points"]
    figures = [points[name] for name in ("issued", "spent", "expired", "outstanding")]
    assert figures == ["4519934", "3450400", "241999", "827535"]
    assert report["ladders"]["club"]["population"] == {"bronze": 648, "silver": 768, "gold": 1_053}


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme[0])
def test_points_of_the_year(
    scheme: tuple[str, Callable[[Basket], int], int], year: Slice, tmp_path: Path
) -> None:
    assert check_scheme(scheme, year, tmp_path) == scheme[2]


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_tiers_and_months_of_the_year(year: Slice, tmp_path: Path) -> None:
    assert (len(year.baskets), len(year.households)) == (155_848, 2_469)
    assert sum(len(basket.lines) for basket in year.baskets) == 1_469_307
    report = check_tiers_and_months(year, tmp_path)
    assert report["revenue"] == "4596039.58"
    months = report["wallets"]["points"]["by_month"]
    assert [months[f"2017-{month}"]["issued"] for month in ("01", "06", "12")] == [
        "367112",
        "366845",
        "415265",
    ]
    assert report["ladders"]["club"]["reached"] == {"silver": 1_821, "gold": 1_053}
    assert report["ladders"]["club"]["population"] == {"bronze": 648, "silver": 768, "gold": 1_053}


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_expiry_and_redemption_of_the_year(year: Slice, tmp_path: Path) -> None:
    report = check_spend_back(year, tmp_path)
    points = report["wallets"]["points"]
    figures = [points[name] for name in ("issued", "spent", "expired", "outstanding")]
    assert figures == ["4519934", "3450400", "241999", "827535"]
    spenders = [row for row in accounts(tmp_path).values() if row[1]]
    assert len(spenders) == 1_597
    assert sum(row[1] for row in spenders) == 34_504 * oracle.REDEEMS
