"""Invitations over the API: code and link, friends by state, and those that wait for somebody."""

from __future__ import annotations

from guerdon.engine.audit.run import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api, order
from tests.web.referrals.conftest import CLUB, settle


async def test_a_member_sees_code_link_and_friends_without_names(club: Api) -> None:
    anna = await club.enrol(external_id="anna")
    asked = {"member": "external:anna"}
    seen = (await club.get(f"{CLUB}/invitations", params=asked)).json()
    code = seen["code"]
    assert seen["member"] == anna["id"]
    assert seen["link"] == f"/r/club/{code.replace('-', '')}?t={club.tenant}"
    assert (seen["completed"], seen["data"], seen["ladder"]) == (0, [], [{"friends": 2, "reached": False}])
    for name in ("ben", "carl"):
        friend = await club.enrol(external_id=name, email=f"{name}@example.com", referral_code=code)
        assert friend["wallets"]["points"]["available"] == "50"
    await club.post(f"{CLUB}/events", json=order("e1", member="external:ben"))
    assert settle(club) == 1
    seen = (await club.get(f"{CLUB}/invitations", params=asked)).json()
    assert seen["completed"] == 1
    assert [one["state"] for one in seen["data"]] == ["joined", "completed"]
    assert "ben" not in str(seen)
    first = (await club.get(f"{CLUB}/invitations", params={**asked, "limit": 1})).json()
    rest = (await club.get(f"{CLUB}/invitations", params={**asked, "cursor": first["next"]})).json()
    assert [*first["data"], *rest["data"]] == seen["data"]
    assert rest["next"] is None
    told = (await club.get(f"{CLUB}/members/external:anna")).json()
    assert told["wallets"]["points"]["available"] == "200"


async def test_a_code_that_comes_with_a_member_is_said_to_mean_nothing(club: Api) -> None:
    for name in ("anna", "ben"):
        await club.enrol(external_id=name)
    asked = {"member": "external:anna"}
    code = (await club.get(f"{CLUB}/invitations", params=asked)).json()["code"]
    known = await club.post(f"{CLUB}/members", json={"external_id": "ben", "referral_code": code})
    warned = [(one["code"], one["pointer"]) for one in known.json()["warnings"]]
    assert (known.status_code, warned) == (200, [("referral_code_unused", "/referral_code")])
    for status in (201, 200):
        body = {"external_id": "carl", "referral_code": code.lower()}
        said = await club.post(f"{CLUB}/members", json=body)
        assert (said.status_code, said.json()["warnings"]) == (status, []), (
            "the same call again is no mistake"
        )
    wrong = await club.post(f"{CLUB}/members", json={"external_id": "dora", "referral_code": "AAAA-AAAA"})
    assert wrong.json()["errors"][0]["code"] == "referral_code_mistyped"
    assert (await club.get(f"{CLUB}/members/external:dora")).status_code == 404, "it can be typed again"


async def test_held_ones_are_approved_or_refused_once(club: Api) -> None:
    await club.enrol(external_id="anna")
    code = (await club.get(f"{CLUB}/invitations", params={"member": "external:anna"})).json()["code"]
    device = {"device": "d1"}
    await club.post(f"{CLUB}/events", json=bought("e0", "anna", device))
    for name in ("ben", "carl"):
        await club.enrol(external_id=name, referral_code=code)
        await club.post(f"{CLUB}/events", json=bought(f"of-{name}", name, device))
    assert settle(club) == 0
    held = (await club.get(f"{CLUB}/referrals", params={"state": "held"})).json()["data"]
    assert [one["reasons"] for one in held] == [["circle", "same_device"], ["same_device"]]
    reader = club.with_key("referrals:read")
    path = f"{CLUB}/referrals/{held[1]['id']}"
    assert (await reader.post(f"{path}/approve")).json()["code"] == "scope_missing"
    approved = (await club.post(f"{path}/approve", headers={"idempotency-key": "k1"})).json()
    again = (await club.post(f"{path}/approve", headers={"idempotency-key": "k1"})).json()
    assert approved == again
    assert approved["state"] == "completed"
    assert approved["decided_by"]
    twice = await club.post(f"{path}/approve")
    assert (twice.status_code, twice.json()["code"]) == (409, "referral_not_held")
    refused = (await club.post(f"{CLUB}/referrals/{held[0]['id']}/refuse")).json()
    assert refused["state"] == "refused"
    assert (await club.get(f"{CLUB}/referrals", params={"state": "held"})).json()["data"] == []
    assert len((await club.get(f"{CLUB}/referrals")).json()["data"]) == 2
    told = (await club.get(f"{CLUB}/members/external:anna")).json()
    assert int(told["wallets"]["points"]["available"]) == 159 + 200
    for wrong in ("ref_0000000000000", "mem_x", "…"):
        missing = await club.post(f"{CLUB}/referrals/{wrong}/refuse")
        assert (missing.status_code, missing.json()["code"]) == (404, "referral_not_found")


async def test_what_is_wrong_is_named(club: Api) -> None:
    wrong = await club.post(f"{CLUB}/members", json={"external_id": "ben", "referral_code": "AAAA-AAAA"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/referral_code"
    assert (await club.get(f"{CLUB}/members/external:ben")).status_code == 404
    nobody = await club.get(f"{CLUB}/invitations", params={"member": "external:nobody"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "member_not_found")


async def test_a_program_without_invitations_says_so(api: Api) -> None:
    await api.enrol(external_id="anna")
    none = await api.get(f"{CLUB}/invitations", params={"member": "external:anna"})
    assert (none.status_code, none.json()["code"]) == (409, "referrals_not_offered")


def bought(event: str, member: str, attributes: dict[str, str]) -> dict[str, object]:
    made = order(event, member=f"external:{member}")
    made["data"]["attributes"] = attributes
    return made


async def test_who_is_erased_leaves_no_code_and_no_trace(club: Api) -> None:
    await club.enrol(external_id="anna")
    code = (await club.get(f"{CLUB}/invitations", params={"member": "external:anna"})).json()["code"]
    await club.enrol(external_id="ben", referral_code=code)
    await club.post(f"{CLUB}/events", json=bought("e1", "ben", {"device": "d1", "address": "12 Elm Street"}))
    assert settle(club) == 1
    for name in ("ben", "anna"):
        assert (await club.call("DELETE", f"{CLUB}/members/external:{name}")).status_code == 200
    with club.house.database.transaction(tenant_id_of(club.tenant)) as tx:
        assert tx.execute("select traces, state from referral_completions").fetchall() == [([], "completed")]
        assert tx.execute("select code from referral_codes").fetchall() == []
        assert list(Audit(tx, club.house.vault(tenant_id_of(club.tenant))).run()) == []
