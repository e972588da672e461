"""Backtests of small histories, whose figures can be counted on fingers."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest

from guerdon.insight.backtest import write_report
from guerdon.rules.comparison import Side, compare
from tests.backtest.tries import FIRST_TWO, PROGRAM, event, order, points, tried


def test_issued_expired_and_outstanding_by_local_month(tmp_path: Path) -> None:
    done = tried(
        tmp_path,
        [
            order("anna", "2025-02-01T04:59:59Z", "10.99"),  # still 31 January in New York
            order("anna", "2025-02-01T05:00:00Z", "20.00"),
            order("bob", "2025-03-05T12:00:00Z", "5.00"),
        ],
    )
    assert points(done) == ("35", "0", "30", "5")
    months = done.report["wallets"]["points"]["by_month"]
    assert {month: row["issued"] for month, row in months.items()} == {
        "2025-01": "10",
        "2025-02": "20",
        "2025-03": "5",
    }
    assert {month: row["expired"] for month, row in months.items()} == {
        "2025-01": "0",
        "2025-02": "0",
        "2025-03": "30",
    }
    assert months["2025-02"]["outstanding"] == "30"
    assert done.report["until"] == "2025-03-06T00:00:00-05:00"
    assert (done.report["accounts"], done.report["orders"], done.report["revenue"]) == (2, 3, "35.99")


def test_what_expires_at_until_has_expired(tmp_path: Path) -> None:
    events = [order("anna", "2025-01-01T12:00:00Z")]
    assert points(tried(tmp_path, events, until="2025-01-31T00:00:00-05:00"))[2] == "10"
    assert points(tried(tmp_path, events, until="2025-01-30T23:59:59-05:00"))[2] == "0"


def test_events_from_until_on_are_left_out(tmp_path: Path) -> None:
    events = [order("anna", "2025-01-01T12:00:00Z"), order("anna", "2025-01-02T12:00:00Z")]
    done = tried(tmp_path, events, until="2025-01-02T12:00:00+00:00")
    assert (done.report["events"], done.report["after_until"]) == (1, 1)


def test_an_event_counts_once(tmp_path: Path) -> None:
    first = order("anna", "2025-01-01T12:00:00Z", id="same", order="A")
    done = tried(
        tmp_path,
        [
            first,
            json.dumps(first, indent=None, sort_keys=True),
            order("anna", "2025-01-01T12:00:00Z", "99.00", id="same", order="A"),
            order("anna", "2025-01-02T12:00:00Z", id="other", order="A"),
            order("anna", "2025-01-02T12:00:00Z", "11.00", id="third", order="A"),
            order("anna", "2025-01-02T12:00:00Z", "1.00", id="fourth", order="A", source="till"),
        ],
    )
    assert (done.report["events"], done.report["duplicates"], done.report["rejected"]) == (2, 2, 2)
    assert points(done)[0] == "11"
    assert [(one.line, one.code) for one in done.rejects] == [
        (3, "event_id_reused"),
        (5, "order_already_paid"),
    ]


def test_bad_lines_are_rejected_with_their_place(tmp_path: Path) -> None:
    done = tried(
        tmp_path,
        [
            order("anna", "2025-01-01T12:00:00Z"),
            "{broken",
            "",
            order("anna", "2025-01-01T12:00:00Z", "-1.00"),
            event("item.recycled", None, "2025-01-01T12:00:00Z"),
        ],
    )
    assert [(one.line, one.code) for one in done.rejects] == [
        (2, "invalid_json"),
        (4, "negative_amount"),
        (5, "subject_missing"),
    ]
    assert done.rejects[1].errors[0].pointer == "/data/lines/0/subtotal"
    assert (done.report["events"], done.report["rejected"]) == (1, 3)
    write_report(tmp_path / "out", [done])
    listed = (tmp_path / "out" / "rejects.ndjson").read_text(encoding="utf-8").splitlines()
    assert json.loads(listed[1])["errors"][0]["pointer"] == "/data/lines/0/subtotal"


def test_a_guest_counts_without_an_account(tmp_path: Path) -> None:
    done = tried(tmp_path, [order(None, "2025-01-01T12:00:00Z"), order("anna", "2025-01-01T12:00:00Z")])
    assert (done.report["accounts"], done.report["orders"], done.report["revenue"]) == (1, 2, "20.00")
    assert points(done)[0] == "10"


def test_what_came_back_is_no_revenue(tmp_path: Path) -> None:
    paid = order("anna", "2025-01-01T12:00:00Z", "30.00", order="A-1")
    back = event("order.returned", None, "2025-02-03T12:00:00Z", data={"order": "A-1", "all": True})
    done = tried(tmp_path, [paid, order("anna", "2025-01-02T12:00:00Z"), back])
    assert (done.report["orders"], done.report["revenue"]) == (2, "10.00")


def test_member_enrolled_fires_only_where_it_is_told(tmp_path: Path) -> None:
    events = [
        event("member.enrolled", "anna", "2025-01-01T12:00:00Z"),
        event("item.recycled", "anna", "2025-01-01T13:00:00Z", data={"grams": 100}),
        event("item.recycled", "bob", "2025-01-01T13:00:00Z", data={"grams": 99}),
    ]
    done = tried(tmp_path, events)
    fired = {key: one["fired"] for key, one in done.report["campaigns"].items()}
    assert fired == {"base_earn": 0, "welcome": 1, "recycle": 1}
    assert done.report["campaigns"]["recycle"]["awarded"] == {"points": "5"}
    assert done.report["campaigns"]["base_earn"] == {"fired": 0, "awarded": {}, "discounted": "0.00"}
    assert (points(done)[0], done.report["accounts"]) == ("12", 2)


def test_one_person_under_two_spellings_is_one_account(tmp_path: Path) -> None:
    done = tried(
        tmp_path, [order("anna", "2025-01-01T12:00:00Z"), order("external:anna", "2025-01-02T12:00:00Z")]
    )
    assert done.report["accounts"] == 1


def test_the_order_of_the_input_does_not_matter(tmp_path: Path) -> None:
    events = some_events(random.Random(7), 120)
    straight = tried(tmp_path, events)
    shuffled = tried(tmp_path, random.Random(8).sample(events, len(events)))
    assert straight.report["order"] == {"by": "account", "input_was_sorted": True}
    assert shuffled.report["order"] == {"by": "account", "input_was_sorted": False}
    assert {**shuffled.report, "order": None} == {**straight.report, "order": None}
    assert shuffled.tally.accounts == straight.tally.accounts


def test_what_is_shared_goes_to_the_first_in_time(tmp_path: Path) -> None:
    events = [
        order("late", "2025-01-03T12:00:00Z"),
        order("tie-1", "2025-01-02T12:00:00Z"),
        order("tie-2", "2025-01-02T12:00:00Z"),
        order("first", "2025-01-01T12:00:00Z"),
    ]
    done = tried(tmp_path, events, FIRST_TWO, jobs=4)
    issued = {account: row["points"][0] for account, row in done.tally.accounts.items()}
    assert issued == {
        "external:first": 1010,
        "external:tie-1": 1010,
        "external:tie-2": 10,
        "external:late": 10,
    }
    assert done.report["order"]["by"] == "time"
    assert done.processes == 1


def test_many_processes_give_the_same_report(tmp_path: Path) -> None:
    events: list[Any] = [*some_events(random.Random(9), 200), "{broken"]
    events += [events[3], {**events[5], "data": {"grams": 1}, "type": "item.recycled"}]
    alone, together = tried(tmp_path, events), tried(tmp_path, events, jobs=3)
    assert (alone.processes, together.processes) == (1, 3)
    assert together.report == alone.report
    assert together.tally.accounts == alone.tally.accounts
    assert together.rejects == alone.rejects
    assert alone.report["rejected"] == 2


def test_an_id_under_two_accounts_is_not_split(tmp_path: Path) -> None:
    events = some_events(random.Random(10), 40)
    events += [order(f"m{number}", "2025-06-01T12:00:00Z", id="one-id") for number in range(8)]
    alone, together = tried(tmp_path, events), tried(tmp_path, events, jobs=3)
    assert together.report == alone.report
    assert together.processes == 1
    assert alone.report["rejected"] == 7


def test_accounts_are_listed_and_sorted(tmp_path: Path) -> None:
    events = [order("b", "2025-01-01T12:00:00Z"), order("a", "2025-01-01T12:00:00Z", "3.00")]
    events.append(event("item.recycled", "email:x@example.org", "2025-01-01T12:00:00Z", data={"grams": 1}))
    write_report(tmp_path / "out", [tried(tmp_path, events)])
    with (tmp_path / "out" / "accounts.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["account", "wallet", "issued", "spent", "expired", "outstanding"],
            ["a", "points", "3", "0", "0", "3"],
            ["b", "points", "10", "0", "0", "10"],
            ["email:x@example.org", "points", "0", "0", "0", "0"],
        ]
    assert not (tmp_path / "out" / "rejects.ndjson").exists()


def test_two_programs_are_compared_by_account(tmp_path: Path) -> None:
    events = [order("a", "2025-01-01T12:00:00Z"), order("b", "2025-01-02T12:00:00Z", "0.50")]
    first = tried(tmp_path, events)
    second = tried(tmp_path, events, PROGRAM.replace("amount: order.net", "amount: order.net * 2"))
    assert compare(Side(first.program, first.tally), Side(second.program, second.tally))["accounts"] == {
        "points": {
            "issued": {"more": 2, "less": 0, "same": 0},
            "spent": {"more": 0, "less": 0, "same": 2},
            "outstanding": {"more": 2, "less": 0, "same": 0},
        }
    }


@pytest.mark.parametrize("seed", range(3))
def test_columns_add_up(tmp_path: Path, seed: int) -> None:
    done = tried(tmp_path, some_events(random.Random(seed), 150))
    wallet = done.report["wallets"]["points"]
    issued, spent, expired, left = (int(one) for one in points(done))
    assert issued - spent - expired == left
    rows = [row["points"] for row in done.tally.accounts.values()]
    assert [sum(row[place] for row in rows) for place in range(3)] == [issued, spent, expired]
    months = wallet["by_month"].values()
    assert sum(int(month["issued"]) for month in months) == issued
    assert sum(int(month["expired"]) for month in months) == expired


def some_events(chance: random.Random, count: int) -> list[dict[str, Any]]:
    events = []
    for number in range(count):
        day, who = 1 + number * 5 // 8 % 28, f"m{chance.randrange(9)}"
        time = f"2025-{1 + number * 11 // count:02}-{day:02}T{number % 24:02}:{chance.randrange(60):02}:00Z"
        events.append(order(who, time, f"{chance.randrange(5000) / 100:.2f}"))
    return sorted(events, key=lambda one: str(one["time"]))


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_came_back_is_less_in_the_month_of_the_return(tmp_path: Path, jobs: int) -> None:
    back = {"order": "A", "lines": [{"id": "1"}]}
    done = tried(
        tmp_path,
        [
            order("anna", "2025-01-20T12:00:00Z", "10.99", order="A"),
            order("bob", "2025-01-20T13:00:00Z", "20.00", order="B"),
            event("order.returned", "anna", "2025-02-03T12:00:00Z", data=back),
            event("order.cancelled", None, "2025-02-03T12:00:00Z", data={"order": "B"}),
            event("order.cancelled", None, "2025-02-04T12:00:00Z", data={"order": "C"}),
        ],
        jobs=jobs,
    )
    months = done.report["wallets"]["points"]["by_month"]
    assert [months[month]["issued"] for month in ("2025-01", "2025-02")] == ["30", "-30"]
    assert points(done)[2] == "0"
    assert [one.code for one in done.rejects] == ["order_not_found"]
