"""A receipt as a page: signed for one donation, in the reader's language, with what anybody can check."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

from guerdon.rules.proofs.notes import NoteKey
from guerdon.rules.proofs.statement import check_proof
from tests.web.taking.conftest import Shop

OCTOBER = datetime(2026, 10, 31, 16, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)


async def receipt(club: Shop, **more: Any) -> dict[str, Any]:
    club.now = OCTOBER
    taken = await club.taken("any", **more)
    return await club.get(f"redemptions/{taken['id']}/receipt")


async def look(club: Shop, path: str, language: str = "") -> tuple[int, str]:
    said = await club.api.client.get(path, headers={"accept-language": language or "en"})
    return said.status_code, said.text


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)).strip()


async def test_it_says_who_gave_what_to_whom_and_what_paid(club: Shop) -> None:
    one = await club.api.enrol(external_id="cara", name="Cára <Prado>")
    body = {"wallet": "points", "amount": "1000", "reason": "a start"}
    assert (await club.ask("POST", f"accounts/{one['account']}/adjustments", json=body))[0] == 201
    said = await receipt(club, member="cara", quantity=250)
    status, page = await look(club, said["page"])
    assert status == 200
    assert "<script" not in page
    assert "Cára &lt;Prado&gt;" in page
    shown = words(page)
    for wanted in (
        "The club",
        f"Receipt {said['receipt']}",
        "Given on 31 October 2026",
        "For Wells",
        "Charity =Wells e.V.",
        "Paid with 250 points",
        "Given $2.50",
        "The shop adds $1.25",
        "Together $3.75",
        "The charity has not been paid yet.",
        said["transactions"][0]["transaction"],
    ):
        assert wanted in shown, (wanted, shown)
    bengali = await look(club, f"{said['page']}?lang=bn")
    assert "দানের রসিদ" in bengali[1]
    assert "$৩.৭৫" in bengali[1] or "৩.৭৫" in bengali[1]
    assert "दान की रसीद" in (await look(club, said["page"], "hi"))[1]


async def test_it_follows_what_becomes_of_the_donation(club: Shop) -> None:
    one, other = await receipt(club, quantity=250), await receipt(club, quantity=10)
    back = await club.move({"id": other["redemption"]}, "cancel")
    assert back["status"] == "cancelled"
    assert "This page is no receipt any more." in (await look(club, other["page"]))[1]
    club.now = NOVEMBER
    assert (await club.ask("POST", "causes/wells/payouts", json={"period": "2026-10"}))[0] == 201
    assert "The charity was paid on 1 November 2026." in (await look(club, one["page"]))[1]


async def test_each_proof_is_that_of_what_paid(club: Shop) -> None:
    said = await receipt(club, quantity=250)
    (paid,) = said["transactions"]
    for _ in range(200):
        if (await club.api.get(paid["proof"])).status_code == 200:
            break
        await asyncio.sleep(0.05)
    status, text = await look(club, f"{said['page']}/proof/{paid['transaction']}")
    assert status == 200, text
    key = NoteKey.read((await club.get("log/keys"))["data"][-1]["key"])
    assert len(check_proof(text.encode(), [key]).lines) == 1
    elsewhere = (await receipt(club, member="bob", quantity=5))["transactions"][0]["transaction"]
    assert (await look(club, f"{said['page']}/proof/{elsewhere}"))[0] == 404
    assert (await look(club, f"{said['page']}/proof/nothing"))[0] in (404, 422)


async def test_an_address_is_good_for_one_donation_of_one_member_alone(club: Shop) -> None:
    said = await receipt(club)
    token = said["page"].rpartition("/")[2]
    assert (await look(club, f"/me/{token}"))[0] == 404
    made = await club.ask("POST", "members/external:ana/page", json={})
    assert (await look(club, f"/receipt/{made[1]['url'].rpartition('/')[2]}"))[0] == 404
    assert (await look(club, said["page"][:-2] + "AA"))[0] == 404
    assert "No receipt here" in (await look(club, "/receipt/x"))[1]
    ended = await club.ask("POST", "members/external:ana/page/end", json={})
    assert ended[0] == 200
    assert "This address was ended." in (await look(club, said["page"]))[1]


async def test_what_a_campaign_gave_has_a_receipt_too(club: Shop) -> None:
    club.now = OCTOBER
    await club.order("A-1", "600.00")
    (given,) = (await club.get("redemptions?reward=well"))["data"]
    said = await club.get(f"redemptions/{given['id']}/receipt")
    status, page = await look(club, said["page"])
    assert status == 200
    assert "Paid with" not in words(page)
