"""Early access: tokens of a quarter of an hour that shops check by themselves, and that end with the tier."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from guerdon.members.crypto import Vault
from guerdon.programs.tenants import tenant_id_of
from guerdon.rewards.access import Access, Signer
from tests.architecture.source import ROOT
from tests.docs.sessions import blocks
from tests.web.conftest import NOW
from tests.web.taking.conftest import CLUB, Shop, part

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets: {points: {unit: points, rounding: floor}}
attributes: {persona: {type: string}}
metrics: {spend: {event: order.paid, value: order.net, window: calendar_year}}
ladders:
  club: {metric: spend, review: calendar_year, tiers: {bronze: {from: 0}, gold: {from: 100}}}
segments: {fans: account.owner.attributes.persona == 'student'}
rewards:
  drop: {kind: access, tiers: [gold], opens: 2026-11-01, public_at: 2027-02-08, collection: winter}
  fans: {kind: access, audience: "'fans' in account.segments", sku: BP-90}
  pass: {kind: access, price: {points: 100}, valid: 1d, tiers: [gold]}
  later: {kind: access, opens: 2026-12-01}
  over: {kind: access, until: 2026-11-01}
  first: {kind: access, stock: 1}
  pouch: {kind: product, price: {points: 100}}
"""
DOOR = ROOT / "docs" / "early-access.md"
Checks = dict[str, Any]


@pytest.fixture
async def club(shop: Shop) -> Shop:
    said = await shop.api.apply(
        PROGRAM.replace("{points: {unit", "{stars: {unit: stars, scale: 1}, points: {unit")
    )
    assert said.status_code == 201, said.text[:500]
    return shop


async def entries(club: Shop, member: str = "ana", **body: str) -> dict[str, dict[str, Any]]:
    status, said = await club.ask("POST", f"members/external:{member}/access", json=body)
    assert status == 200, said
    return {one["reward"]: one for one in said["data"]}


async def check(club: Shop, token: str) -> dict[str, Any]:
    status, said = await club.ask("POST", "access/check", json={"token": token})
    assert status == 200, said
    return said


async def keys(club: Shop) -> dict[str, Any]:
    said = await club.api.client.get(f"/access/{club.api.tenant}/club/keys.json")
    assert said.status_code == 200
    return dict(said.json())


def shop_s_own() -> Any:
    """The check that the document tells shops to write, in Python."""
    (code,) = (one.text for one in blocks(DOOR) if one.language == "python")
    known: dict[str, Any] = {}
    exec(compile(code, "check_access.py", "exec"), known)  # noqa: S102 - the document's own words
    return known


def in_node(folder: Path) -> list[bool]:
    ran = subprocess.run(
        ["node", "run.mjs"], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return list(json.loads(ran.stdout))


def altered(token: str, **changes: object) -> str:
    """Say something else in a token, and leave the signature."""
    head, said, mark = token.split(".")
    claims = {**json.loads(part(said)), **changes}
    return f"{head}.{written(claims)}.{mark}"


def written(plain: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).rstrip(b"=").decode()


async def test_a_token_names_the_product_and_pseudonyms_for_a_quarter_of_an_hour(club: Shop) -> None:
    await club.order("A-1", "100.00")
    found = await entries(club)
    ana = await club.get("members/external:ana")
    drop = found["drop"]
    head, said, _ = drop["token"].split(".")
    (key,) = (await keys(club))["keys"]
    assert json.loads(part(head)) == {"alg": "EdDSA", "typ": "JWT", "kid": key["kid"]}
    assert json.loads(part(said)) == {
        "iss": "guerdon/club",
        "aud": "shop",
        "sub": ana["account"],
        "member": ana["id"],
        "reward": "drop",
        "collection": "winter",
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 900,
    }
    assert (drop["expires_at"], drop["ends_at"]) == ("2026-11-21T12:15:00Z", "2027-02-08T05:00:00Z")
    assert (found["fans"]["sku"], found["fans"]["reason"]) == ("BP-90", None)
    reasons = {key: one["reason"] for key, one in found.items() if one["token"] is None}
    assert reasons == {
        "pass": "access_not_taken",
        "later": "reward_not_yet",
        "over": "reward_over",
        "first": "access_not_taken",
    }
    good = await check(club, drop["token"])
    assert (good["good"], good["reason"], good["collection"]) == (True, None, "winter")
    assert (await club.get("access/keys")) == await keys(club)
    club.check()


async def test_access_ends_with_the_tier_the_segment_and_the_window(club: Shop) -> None:
    bob = await club.get("members/external:bob")
    assert (await entries(club, "bob"))["drop"]["reason"] == "reward_not_for_tier"
    # Who is not meant is not told that there is something.
    assert "fans" not in await entries(club, "bob")
    given = {"ladder": "club", "tier": "gold", "reason": "match", "until": "2026-11-25T00:00:00Z"}
    status, said = await club.ask("POST", f"members/{bob['id']}/tiers", json=given)
    assert status == 201, said
    token = (await entries(club, "bob"))["drop"]["token"]
    assert (await check(club, token))["good"]
    club.now = datetime.fromisoformat("2026-11-24T23:50:00+00:00")
    last = (await entries(club, "bob"))["drop"]["token"]
    club.now += timedelta(minutes=11)
    assert (await entries(club, "bob"))["drop"]["reason"] == "reward_not_for_tier"
    # The token itself is good for four minutes more; here it is known that the tier is gone.
    assert (await check(club, last))["reason"] == "reward_not_for_tier"

    club.now = NOW
    fan = (await entries(club))["fans"]["token"]
    changed = await club.ask("PATCH", "members/external:ana", json={"attributes": {"persona": "commuter"}})
    assert changed[0] == 200, changed
    assert "fans" not in await entries(club)
    assert (await check(club, fan))["reason"] == "reward_not_for_member"

    # Ten minutes before everybody has it, a token is good for ten minutes.
    club.now = datetime.fromisoformat("2027-02-08T04:50:00+00:00")
    await club.order("A-2", "100.00")
    short = (await entries(club, reward="drop"))["drop"]
    assert short["expires_at"] == short["ends_at"] == "2027-02-08T05:00:00Z"
    club.now += timedelta(minutes=10)
    assert (await entries(club, reward="drop"))["drop"]["reason"] == "access_over"
    assert (await check(club, short["token"]))["reason"] == "access_over"


async def test_what_was_bought_stays_until_its_own_end(club: Shop) -> None:
    await club.order("A-1", "100.00")
    taken = await club.taken("pass")
    assert taken["access"] == {"starts_at": "2026-11-21T12:00:00Z", "ends_at": "2026-11-22T05:00:00Z"}
    held = (await entries(club, reward="pass"))["pass"]
    assert held["redemption"] == taken["id"]
    # The tier goes with the order, and what was paid for stays.
    status, said = await club.ask("POST", "orders/A-1/returns", json={"id": "R-1", "all": True})
    assert status == 200, said
    found = await entries(club)
    assert (found["drop"]["reason"], found["pass"]["reason"]) == ("reward_not_for_tier", None)
    await club.move(taken, "cancel")
    assert (await check(club, held["token"]))["reason"] == "redemption_cancelled"
    assert (await entries(club))["pass"]["reason"] == "reward_not_for_tier"
    one = await club.taken("first")
    assert (await entries(club))["first"]["redemption"] == one["id"]
    assert (await entries(club, "bob"))["first"]["reason"] == "access_not_taken"
    club.check()


async def test_who_left_has_no_access(club: Shop) -> None:
    token = (await entries(club))["fans"]["token"]
    gone = await club.ask("DELETE", "members/external:ana")
    assert gone[0] == 200, gone
    assert (await check(club, token))["reason"] == "access_lost"


async def test_a_token_that_is_over_says_so(club: Shop) -> None:
    token = (await entries(club))["fans"]["token"]
    club.now += timedelta(minutes=15)
    assert (await check(club, token))["reason"] == "access_token_expired"


async def test_wrong_asking_is_told(club: Shop) -> None:
    asked = "members/external:ana/access"
    for body, code in (
        ({"reward": "nothing"}, "reward_not_found"),
        ({"reward": "pouch"}, "not_an_access"),
        ({"rewrad": "drop"}, "unknown_field"),
    ):
        status, said = await club.ask("POST", asked, json=body)
        assert (status >= 400, said["code"]) == (True, code), body
    status, said = await club.ask("POST", "members/external:nobody/access")
    assert (status, said["code"]) == (404, "member_not_found")
    none = await club.api.client.get("/access/nobody/club/keys.json")
    assert (none.status_code, none.json()["code"]) == (404, "program_not_found")
    for hours in (-1, 9_000, "1"):
        status, said = await club.ask("POST", "access/keys", json={"overlap_hours": hours})
        assert (status, said["code"]) in {(422, "wrong_type"), (422, "wrong_value")}


FORGED = ["none", "stripped", "claims", "letter", "hmac", "kid", "ticket", "empty", "spaces"]


def forge(token: str, how: str, key: dict[str, str]) -> str:
    head, said, mark = token.split(".")
    claims = json.loads(part(said))
    other = {
        "none": f"{written({'alg': 'none', 'typ': 'JWT', 'kid': key['kid']})}.{said}.",
        "stripped": f"{head}.{said}.",
        "claims": altered(token, collection="everything"),
        # The last letter of a signature has bits that say nothing.
        "letter": token[:-1] + chr(ord(token[-1]) + 1),
        # Signed with the public key as if it were a password.
        "hmac": f"{written({'alg': 'HS256', 'kid': key['kid']})}.{said}.{key['x']}",
        "kid": f"{written({'alg': 'EdDSA', 'kid': 'another'})}.{said}.{mark}",
        "ticket": altered(token, aud="door"),
        "empty": "",
        "spaces": f"{head} .{written(claims)}. {mark}",
    }
    return other[how]


async def test_what_somebody_made_up_opens_nothing(club: Shop) -> None:
    token = (await entries(club))["fans"]["token"]
    (key,) = (await keys(club))["keys"]
    check_alone = shop_s_own()["may_enter"]
    for how in FORGED:
        wrong = forge(token, how, key)
        assert wrong != token
        assert (await check(club, wrong))["reason"] == "access_token_invalid", how
        if how != "letter":
            assert check_alone(wrong, {"keys": [key]}, "club") is None, how
    # Another program's key, and another tenant's, with all else alike.
    ana = await club.get("members/external:ana")
    said = Access("club", ana["account"], ana["id"], "fans", sku="BP-90")
    own = club.api.house.vault(tenant_id_of(club.api.tenant)).digest
    strange = Vault(bytes(32), tenant_id_of(club.api.tenant)).digest
    for digest, program in ((own, "other"), (strange, "club")):
        other, _ = Signer(digest, program).sign(said, NOW)
        assert (await check(club, other))["reason"] == "access_token_invalid"
        assert check_alone(other, await keys(club), "club") is None
    right, _ = Signer(own, "club").sign(said, NOW)
    assert (await check(club, right))["good"]


async def test_a_new_key_signs_and_the_old_one_is_good_for_a_while(club: Shop) -> None:
    old = (await entries(club))["fans"]["token"]
    (first,) = (await keys(club))["keys"]
    made = await club.ask("POST", "access/keys", json={"overlap_hours": 1}, headers={"idempotency-key": "k"})
    again = await club.ask("POST", "access/keys", json={"overlap_hours": 1}, headers={"idempotency-key": "k"})
    assert made == again
    assert (made[0], made[1]["number"], made[1]["ends_at"]) == (201, 2, None)
    both = (await club.get("access/keys"))["keys"]
    assert [one["kid"] for one in both] == [first["kid"], made[1]["kid"]]
    new = (await entries(club))["fans"]["token"]
    assert json.loads(part(new.split(".")[0]))["kid"] == made[1]["kid"]
    for token in (old, new):
        assert (await check(club, token))["good"]
    club.now += timedelta(hours=1)
    assert [one["kid"] for one in (await club.get("access/keys"))["keys"]] == [made[1]["kid"]]
    assert (await check(club, old))["reason"] == "access_token_invalid"
    assert (await check(club, new))["reason"] == "access_token_expired"
    third = await club.ask("POST", "access/keys", json={"overlap_hours": 0})
    assert (third[1]["number"], len((await club.get("access/keys"))["keys"])) == (3, 1)
    club.check()


async def test_the_checks_of_the_document_agree_in_both_languages(club: Shop, tmp_path: Path) -> None:
    token = (await entries(club))["fans"]["token"]
    known = await keys(club)
    (script,) = (one.text for one in blocks(DOOR) if one.language == "javascript")
    (tmp_path / "check_access.mjs").write_text(script)
    iat = int(NOW.timestamp())
    cases = [
        (token, 0, True),
        # Clocks differ: the shop's is behind by a minute, or ahead by less than one.
        (token, -60, True),
        (token, 900 + 59, True),
        (token, 900 + 60, False),
        *((forge(token, how, known["keys"][0]), 0, False) for how in FORGED if how != "letter"),
    ]
    asked = [[one, iat + late] for one, late, _ in cases]
    (tmp_path / "run.mjs").write_text(
        'import { mayEnter } from "./check_access.mjs";\n'
        f"const keys = {json.dumps(known)};\n"
        f"const said = {json.dumps(asked)}.map(([token, now]) => {{\n"
        "  Date.now = () => now * 1000;\n"
        '  return mayEnter(token, keys, "club") !== null && mayEnter(token, keys, "other") === null;\n'
        "});\nconsole.log(JSON.stringify(said));\n"
    )
    wanted = [good for _, _, good in cases]
    assert in_node(tmp_path) == wanted
    python = shop_s_own()
    told = []
    for one, now in asked:
        python["time"] = type("clock", (), {"time": staticmethod(lambda now=now: now)})
        found = python["may_enter"](one, known, "club")
        told.append(found is not None and python["may_enter"](one, known, "other") is None)
    assert told == wanted


async def test_the_key_file_is_for_everybody_and_every_language(club: Shop) -> None:
    said = await club.api.client.get(f"/access/{club.api.tenant}/club/keys.json")
    assert said.headers["content-type"] == "application/jwk-set+json"
    assert said.headers["access-control-allow-origin"] == "*"
    (key,) = said.json()["keys"]
    assert set(key) == {"kty", "crv", "alg", "use", "kid", "x"}
    refused = await club.api.with_key("redemptions:read").post(f"{CLUB}/members/external:ana/access")
    assert refused.status_code == 403
    refused = await club.api.with_key("redemptions:write").post(f"{CLUB}/access/keys")
    assert refused.status_code == 403
