"""The example of what spares nature runs as it stands: exact points, evidence, caps, and returns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.architecture.source import ROOT
from tests.web.conftest import Api
from tests.web.taking.conftest import Shop

CLUB = "/v1/programs/greener-club"
EXAMPLE = (ROOT / "examples" / "greener-club.yaml").read_text(encoding="utf-8")


class Green(Shop):
    """The club of the example."""

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        said = await self.api.call(method, f"{CLUB}/{path}", headers=self.clock, **more)
        return said.status_code, dict(said.json())

    async def holds(self) -> tuple[str, str, str]:
        wallets = (await self.get("members/external:ana"))["wallets"]
        points = wallets["points"]
        return points["available"], points["pending"], wallets["footprint"]["available"]

    async def did(self, kind: str, receipt: str, **data: Any) -> list[dict[str, Any]]:
        """Send a deed, have it approved, and give its effects."""
        body = {"member": "external:ana", "type": kind, "data": data, "receipt": receipt}
        status, deed = await self.ask("POST", "deeds", json=body)
        assert status == 201, deed
        status, said = await self.ask("POST", f"deeds/{deed['id']}/approve")
        assert status == 200, said
        return list(said["effects"])


@pytest.fixture
async def green(bare: Api) -> Green:
    said = await bare.apply(EXAMPLE, "greener-club")
    assert said.status_code == 201, said.text
    joined = await bare.post(f"{CLUB}/members", json={"external_id": "ana"})
    assert joined.status_code == 201
    return Green(bare)


async def test_recycling_counts_five_times_a_month(green: Green) -> None:
    for number in range(6):
        await green.did("item.recycled", f"R-{number}", grams=850)
    # 850 g at 0.0021 are 1.785 kg, and halves go up.
    assert await green.holds() == ("100", "0", "8.95")
    green.now += timedelta(days=12)
    await green.did("item.recycled", "R-7", grams=850)
    assert (await green.did("item.recycled", "R-8", grams=49)) == []
    assert (await green.did("item.recycled", "R-9", grams=20_001)) == []
    assert await green.holds() == ("120", "0", "10.74")
    green.check()


async def test_old_bags_come_back_twice_a_quarter(green: Green) -> None:
    bare = {"member": "external:ana", "type": "item.traded_in", "data": {"sku": "B", "state": "whole"}}
    assert (await green.ask("POST", "deeds", json=bare))[1]["errors"][0]["code"] == "evidence_missing"
    wrong = {**bare, "data": {"sku": "B", "state": "eaten"}, "receipt": "T-0"}
    assert (await green.ask("POST", "deeds", json=wrong))[0] == 422
    await green.did("item.traded_in", "T-1", sku="B", state="whole")
    await green.did("item.traded_in", "T-2", sku="B", state="worn")
    assert await green.did("item.traded_in", "T-3", sku="B", state="whole") == []
    assert (await green.holds())[:2] == ("400", "0")
    taken = (await green.get("redemptions?reward=next_bag"))["data"]
    assert [one["code"][:5] for one in taken] == ["NEXT-", "NEXT-"]
    green.now = datetime(2027, 1, 1, 6, tzinfo=UTC)
    await green.did("item.traded_in", "T-4", sku="B", state="worn")
    assert (await green.holds())[0] == "500"
    green.check()


async def test_repairs_bring_points_and_a_badge(green: Green) -> None:
    for number in range(4):
        await green.did("item.repaired", f"W-{number}", sku="BP-40")
    assert await green.holds() == ("450", "0", "24.00")
    assert "mender" in str((await green.get("members/external:ana"))["badges"])
    green.check()


async def test_whoever_waits_for_a_parcel_earns_and_gives_it_back_with_the_order(green: Green) -> None:
    cart = {
        "member": "external:ana",
        "id": "P-1",
        "attributes": {"delivery": "no_rush"},
        "lines": [{"id": "1", "sku": "BP-40", "quantity": 1, "price": "10.00"}],
    }
    status, quote = await green.ask("POST", "checkouts/preview", json=cart)
    assert status == 200, quote
    assert quote["earns"] == {"points": "35", "footprint": "0.40"}
    for number in range(5):
        await green.order(f"A-{number}", "10.00", attributes={"delivery": "no_rush"})
    await green.order("A-5", "10.00", attributes={"delivery": "express"})
    await green.order("A-6", "10.00")
    # Seven orders of ten, and four times 25: the fifth is over the cap, the others were in a hurry.
    assert await green.holds() == ("170", "0", "1.60")
    back = {"id": "back-1", "lines": [{"id": "1", "quantity": 1}]}
    status, said = await green.ask("POST", "orders/A-0/returns", json=back)
    assert status in (200, 201), said
    assert await green.holds() == ("135", "0", "1.20")
    green.check()
