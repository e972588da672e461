"""A backtest knows limits of earning as the live run does, at one process and at several."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backtest.tries import PROGRAM, order, points, tried

LIMITED = PROGRAM.replace(
    "rounding: floor,", "rounding: floor, limits: {per_day: 25, per_month: 40, balance: 60},"
)


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_account_earns_what_its_days_months_and_balance_have_room_for(tmp_path: Path, jobs: int) -> None:
    # By account: 10 + 10 + 5 of 10 on the 5th, 15 of 20 on the 6th, for the month is full then, and in
    # February 20 up to the balance of 60: what is more is not earned.
    days = ["2026-01-05", "2026-01-05", "2026-01-05", "2026-01-06", "2026-01-20", "2026-02-01", "2026-02-02"]
    amounts = ["10.00", "10.00", "10.00", "20.00", "30.00", "20.00", "20.00"]
    events = [
        order(f"m{who}", f"{day}T15:00:00Z", amount)
        for day, amount in zip(days, amounts, strict=True)
        for who in range(9)
    ]
    backtest = tried(tmp_path, events, LIMITED, until="2026-02-03T00:00:00Z", jobs=jobs)
    assert points(backtest) == ("540", "0", "0", "540")
    free = tried(tmp_path, events, PROGRAM, until="2026-02-03T00:00:00Z", jobs=jobs)
    assert points(free)[0] == "1080"
