"""What Idempotency-Keys keep names nobody; what a redemption spent is told."""

from __future__ import annotations

from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import PROGRAM, Api, order


async def test_kept_answers_and_scopes_name_nobody(api: Api) -> None:
    keyed = {"idempotency-key": "k1"}
    person = {
        "external_id": "shop-77",
        "email": "ana@example.org",
        "phone": "+4915112345",
        "name": "Ana Böll",
    }
    members = "/v1/programs/club/members"
    first = await api.post(members, json=person, headers=keyed)
    assert (first.status_code, first.json()["email"]) == (201, "ana@example.org")
    again = await api.post(members, json=person, headers=keyed)
    assert again.json()["card"] == first.json()["card"]
    path = f"{members}/email:ana@example.org"
    await api.call("PATCH", path, json={"language": "de"}, headers={"idempotency-key": "k2"})
    await api.call("DELETE", path, headers={"idempotency-key": "k3"})
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        rows = tx.execute("select scope, key, convert_from(answer, 'utf8') from idempotency_keys").fetchall()
    assert {row[1] for row in rows} == {"k1", "k2", "k3"}
    kept = " ".join(" ".join(row) for row in rows).lower()
    for private in ("ana", "example", "49151", "shop-77", "böll", first.json()["card"].lower()):
        assert private not in kept


async def test_effects_of_kind_redeem_say_what_was_spent(api: Api) -> None:
    program = PROGRAM.replace(
        "  recycle:\n", "  takes_one:\n    trigger: order.paid\n    then: [{redeem: pouch}]\n  recycle:\n"
    ).replace("stock: 2}", 'stock: 2, worth: "9"}')
    assert (await api.apply(program)).status_code == 201
    await api.enrol(external_id="ananya")
    said = (await api.post("/v1/programs/club/events", json=order("o1"))).json()
    redeemed = next(effect["redeem"] for effect in said["effects"] if "redeem" in effect)
    assert (redeemed["reward"], redeemed["spent"]) == ("pouch", {"points": "100"})
    rewards = (await api.get("/v1/programs/club/rewards")).json()["data"]
    assert {one["key"]: one["worth"] for one in rewards} == {
        "pouch": "9.00",
        "evening": None,
        "voucher": None,
    }
