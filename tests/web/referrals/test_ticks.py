"""A sandbox's time passes when it is said to: birthdays come, and friends are counted."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.web.conftest import Api, order
from tests.web.referrals.conftest import CLUB, DEFINITION

LATER = {"guerdon-now": "2027-03-02T12:00:00Z"}


async def test_a_birthday_comes_with_the_clock(bare: Api) -> None:
    cake = "  cake: {trigger: member.birthday, then: [{award: {wallet: points, amount: event.data.year}}]}\n"
    await bare.apply(DEFINITION.replace("campaigns:\n", f"campaigns:\n{cake}"))
    before = {"guerdon-now": "2027-02-01T12:00:00Z"}
    member = {"external_id": "anna", "birthday": "1992-02-29"}
    await bare.post(f"{CLUB}/members", json=member, headers=before)
    assert (await bare.post("/v1/ticks", headers=before)).json() == {"accounts": 0}
    for _ in range(2):
        assert (await bare.post("/v1/ticks", headers=LATER)).status_code == 200
        told = (await bare.get(f"{CLUB}/members/external:anna", headers=LATER)).json()
        assert told["wallets"]["points"]["available"] == "2027"
    refused = await bare.with_key("members:read").post("/v1/ticks")
    assert refused.json()["code"] == "scope_missing"


async def test_friends_of_a_sandbox_count_at_their_own_time(club: Api) -> None:
    await club.enrol(external_id="anna")
    code = (await club.get(f"{CLUB}/invitations", params={"member": "external:anna"})).json()["code"]
    await club.enrol(external_id="ben", referral_code=code)
    when = "2027-03-02T11:00:00Z"
    await club.post(f"{CLUB}/events", json=order("e1", member="external:ben", time=when), headers=LATER)
    club.house.run_ticks(datetime.now(UTC))
    seen = (await club.get(f"{CLUB}/invitations", params={"member": "external:anna"})).json()
    assert seen["data"][0]["completed_at"] == when
