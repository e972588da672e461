"""Payouts to charities: due by period, paid once, and donations that nobody takes back then; receipts."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.web.taking.conftest import CLUB, Shop

OCTOBER = datetime(2026, 10, 31, 16, tzinfo=UTC)
# Still October in New York.
LATE = datetime(2026, 11, 1, 3, 30, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 12, tzinfo=UTC)

ADDED = """
insert into cause_payouts
    (program_id, cause, starts_on, number, ends_on, state, begun_at, begun_by, paid_at)
select program_id, cause, starts_on, 3, ends_on, state, begun_at, begun_by, paid_at
from cause_payouts where number = 2
"""


async def dues(shop: Shop, cause: str = "wells") -> list[tuple[str, str, str, str, int]]:
    said = (await shop.get(f"payouts?cause={cause}"))["data"]
    return [(one["period"], one["total"], one["paid"], one["due"], one["donations"]) for one in said]


async def pay(shop: Shop, period: str = "2026-10", cause: str = "wells") -> tuple[int, dict[str, Any]]:
    return await shop.ask(
        "POST", f"causes/{cause}/payouts", json={"period": period, "reference": "transfer 4711"}
    )


async def test_a_period_is_paid_once_and_stays(club: Shop) -> None:
    club.now = OCTOBER
    first = await club.taken("well")
    club.now = LATE
    await club.taken("any", "bob", quantity=777)
    club.now = NOVEMBER
    later = await club.taken("well", "bob")
    # 2.50 + 1.25, 7.77 + 1.75 (what is left of the match), 2.50.
    assert await dues(club) == [
        ("2026-10", "13.27", "0.00", "13.27", 2),
        ("2026-11", "2.50", "0.00", "2.50", 1),
    ]
    said = await pay(club, "2026-11")
    assert (said[0], said[1]["errors"][0]["code"]) == (409, "period_not_over")
    status, paid = await pay(club)
    assert status == 201, paid
    assert (paid["state"], paid["given"], paid["matched"], paid["donations"]) == ("paid", "10.27", "3.00", 2)
    assert (await pay(club))[1]["code"] == "nothing_due"
    assert await dues(club) == [
        ("2026-10", "13.27", "13.27", "0.00", 2),
        ("2026-11", "2.50", "0.00", "2.50", 1),
    ]
    refused = await club.move(first, "cancel")
    assert (refused["status"], refused["code"]) == (409, "donation_paid_out")
    assert (await club.move(later, "cancel"))["status"] == "cancelled"
    assert [one[0] for one in await dues(club)] == ["2026-10"]


async def test_what_is_given_back_before_is_not_paid(club: Shop) -> None:
    club.now = OCTOBER
    taken = await club.taken("well")
    await club.move(taken, "cancel")
    club.now = DECEMBER
    assert await dues(club) == []
    assert (await pay(club))[1]["code"] == "nothing_due"


async def test_a_quarter_is_paid_as_a_quarter(club: Shop) -> None:
    club.now = OCTOBER
    await club.taken("tree", quantity=3)
    assert await dues(club, "trees") == [("2026-Q4", "3.00", "0.00", "3.00", 1)]
    club.now = datetime(2027, 1, 1, 6, tzinfo=UTC)
    for wrong in ("2026-10", "2026", "2026-Q5", "2026-Q0", "Q4-2026", "2026-4", "２０２６-Q4"):
        said = await pay(club, wrong, "trees")
        assert said[1]["errors"][0]["code"] == "period_invalid", (wrong, said)
    assert (await pay(club, "2026-Q4", "trees"))[1]["total"] == "3.00"
    assert (await pay(club, "2026-Q4", "nothing"))[0] == 404


async def test_a_return_does_not_take_back_what_was_paid(club: Shop) -> None:
    club.now = OCTOBER
    await club.order("A-1", "600.00")
    club.now = NOVEMBER
    assert (await pay(club))[0] == 201
    back = {"id": "R-1", "lines": [{"id": "1", "quantity": 1}]}
    status, said = await club.ask("POST", "orders/A-1/returns", json=back)
    assert status in (200, 201), said
    assert "redemption_used" in str(said), said
    assert await dues(club) == [("2026-10", "3.75", "3.75", "0.00", 1)]


async def test_the_table_is_safe_in_a_spreadsheet(club: Shop) -> None:
    club.now = OCTOBER
    await club.taken("well")
    said = await club.api.get(f"{CLUB}/payouts?format=csv", headers=club.clock)
    assert said.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(said.text))
    assert (row["charity"], row["total"], row["is_over"]) == ("'=Wells e.V.", "3.75", "no")


async def test_a_receipt_names_what_paid(club: Shop) -> None:
    club.now = LATE
    taken = await club.taken("any", quantity=250)
    said = await club.get(f"redemptions/{taken['id']}/receipt")
    assert (said["given"], said["matched"], said["paid_with"]) == ("2.50", "1.25", {"points": "250"})
    assert (said["given_on"], said["receipt"], said["status"]) == ("2026-10-31", "wells-000001", "given")
    assert (said["program"], said["name"], said["charity"]) == ("The club", "Wells", "=Wells e.V.")
    (paid,) = said["transactions"]
    assert paid["proof"].endswith(f"/transactions/{paid['transaction']}/proof")
    club.now = NOVEMBER
    await pay(club)
    assert (await club.get(f"redemptions/{taken['id']}/receipt"))["status"] == "paid_out"
    pouch = await club.taken("pouch")
    assert (await club.ask("GET", f"redemptions/{pouch['id']}/receipt"))[1]["code"] == "not_a_donation"


async def test_any_amount_is_given_up_to_a_million_units(club: Shop) -> None:
    assert await club.refused("pouch", quantity=1_001) == "quantity_invalid"
    assert await club.refused("any", quantity=100_001) == "insufficient_units"
    given = await club.taken("any", quantity=99_999)
    assert given["donation"]["given"] == "999.99"


async def test_64_callers_pay_once_while_donations_are_given_back(club: Shop) -> None:
    club.now = OCTOBER
    taken = await asyncio.gather(*(club.taken("any", quantity=10 + turn) for turn in range(24)))
    club.now = NOVEMBER
    calls = [pay(club) for _ in range(40)]
    backs = [club.move(one, "cancel") for one in taken[:20]]
    said = await asyncio.gather(*backs[:10], *calls, *backs[10:])
    answers = [one for one in said if isinstance(one, tuple)]
    paid = {one[1]["number"] for one in answers if one[0] == 201}
    assert {one[1].get("code") for one in answers if one[0] != 201} <= {"nothing_due"}
    kept = [one for one in said if isinstance(one, dict) and one.get("code") == "donation_paid_out"]
    ((period, total, out, due, donations),) = await dues(club)
    assert (period, due, total, donations) == ("2026-10", "0.00", out, 4 + len(kept))
    assert paid == {1}


@pytest.mark.parametrize("column", ["given", "matched", "donations"])
async def test_verify_finds_a_payout_that_was_changed(club: Shop, column: str) -> None:
    club.now = OCTOBER
    await club.taken("well")
    club.now = NOVEMBER
    await pay(club)
    tenant = tenant_id_of(club.api.tenant)
    with club.api.house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        tx.execute(f"update cause_payouts set {column} = {column} + 1")  # noqa: S608 - a column of ours
        codes = [one.code for one in Audit(tx, club.api.house.vault(tenant), now=club.now).run()]
        tx.execute("rollback")
    assert codes == ["payout_unlike_donations", "payout_unlike_trail"]


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("update cause_payouts set program_id = program_id + 1 where number = 2", "payout_missing"),
        ("update cause_payouts set program_id = program_id + 1 where number = 1", "payout_missing"),
        ("update cause_payouts set program_id = program_id + 1", "payout_missing"),
        ("update cause_payouts set reference = 'another'", "payout_unlike_trail"),
        ("update cause_payouts set begun_by = 'somebody'", "payout_unlike_trail"),
        ("update cause_payouts set paid_at = paid_at - interval '1 day'", "payout_unlike_trail"),
        (
            "update cause_payouts set state = 'closing', paid_at = null where number = 2",
            "payout_unlike_trail",
        ),
        ("update cause_payouts set given = given - 1, matched = matched + 1", "payout_unlike_trail"),
        (ADDED, "payout_unlike_trail"),
    ],
)
async def test_verify_finds_a_payout_that_is_gone_or_one_too_much(club: Shop, damage: str, code: str) -> None:
    club.now = OCTOBER
    await club.taken("well")
    club.now = NOVEMBER
    await pay(club)
    # What is told of October afterwards is paid with a second payout of October.
    club.now = OCTOBER
    await club.taken("well", "bob")
    club.now = NOVEMBER
    assert (await pay(club))[1]["number"] == 2
    tenant = tenant_id_of(club.api.tenant)
    with club.api.house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        assert tx.execute(damage.encode()).rowcount > 0
        codes = {one.code for one in Audit(tx, club.api.house.vault(tenant), now=club.now).run()}
        tx.execute("rollback")
    assert code in codes
