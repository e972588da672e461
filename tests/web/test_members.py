"""Members by HTTP: enrol, find, look up, list, change, erase."""

from __future__ import annotations

from datetime import datetime

from tests.web.conftest import PROGRAM, Api, order

MEMBERS = "/v1/programs/club/members"


async def test_enrolling_answers_with_the_member(api: Api) -> None:
    answer = await api.post(
        MEMBERS, json={"external_id": "ananya", "email": "Ananya@Mail.example", "name": "Ananya Das"}
    )
    assert answer.status_code == 201
    member = answer.json()
    assert member["id"].startswith("mem_")
    assert member["account"].startswith("acc_")
    assert len(member["card"]) == 13
    assert member["wallets"] == {"points": {"available": "0", "pending": "0", "held": "0", "expiring": []}}
    assert member["tiers"]["club"]["tier"] == "bronze"
    assert datetime.fromisoformat(member["joined_at"]).tzinfo is not None
    assert member["joined_at"].endswith("Z")


async def test_a_member_shows_the_segments_of_the_moment(api: Api) -> None:
    segments = """segments:
  small: account.owner.attributes.size == 's'
  spender: metrics.spend > 50 && wallets.points.available > 0
  risen: account.tiers.club.level > 0
  leaving: account.scores.churn > 0.5
"""
    applied = await api.apply(PROGRAM + segments)
    made = await api.enrol(external_id="ananya", attributes={"size": "s"})
    assert made["segments"] == ["small"]
    await api.post("/v1/programs/club/events", json=order("o-1"))
    assert (await api.get(f"{MEMBERS}/ananya")).json()["segments"] == ["small", "spender"]
    changed = await api.call("PATCH", f"{MEMBERS}/ananya", json={"attributes": {"size": None}})
    assert changed.json()["segments"] == ["spender"]
    warned = applied.json()["warnings"]
    assert [one["pointer"] for one in warned if one["code"] == "not_active_yet"] == ["/segments/leaving"]


async def test_a_known_identity_answers_200_with_that_member(api: Api) -> None:
    first = await api.post(MEMBERS, json={"email": "a@mail.example"})
    again = await api.post(MEMBERS, json={"email": " A@MAIL.example", "name": "Somebody"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


async def test_identities_of_two_people_conflict(api: Api) -> None:
    await api.enrol(email="a@mail.example")
    await api.enrol(phone="+15550001111")
    answer = await api.post(MEMBERS, json={"email": "a@mail.example", "phone": "+15550001111"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "identity_conflict"


async def test_every_reference_finds_the_member(api: Api) -> None:
    made = await api.enrol(external_id="ananya", email="a@mail.example", phone="+1 (555) 000-1111")
    refs = [
        made["id"],
        f"card:{made['card']}",
        "email:A@mail.example",
        "phone:+15550001111",
        "external:ananya",
        "ananya",
    ]
    for ref in refs:
        answer = await api.get(f"{MEMBERS}/{ref}")
        assert answer.status_code == 200, (ref, answer.text)
        assert answer.json()["id"] == made["id"]


async def test_lookup_keeps_identities_out_of_addresses(api: Api) -> None:
    made = await api.enrol(email="a@mail.example")
    found = await api.post(f"{MEMBERS}/lookup", json={"email": "a@mail.example"})
    assert found.json()["id"] == made["id"]
    none = await api.post(f"{MEMBERS}/lookup", json={"email": "nobody@mail.example"})
    assert (none.status_code, none.json()["code"]) == (404, "member_not_found")
    assert "nobody@" not in none.text
    two = await api.post(f"{MEMBERS}/lookup", json={"email": "a@mail.example", "phone": "5550001111"})
    assert (two.status_code, two.json()["code"]) == (422, "one_identity_expected")


async def test_lists_go_on_behind_their_cursor(api: Api) -> None:
    made = [(await api.enrol(external_id=f"m{number}"))["id"] for number in range(5)]
    seen: list[str] = []
    cursor = ""
    for _ in range(5):
        answer = (await api.get(f"{MEMBERS}?limit=2{cursor}")).json()
        seen += [row["id"] for row in answer["data"]]
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert seen == made[::-1]


async def test_search_finds_by_the_beginning_of_a_name(api: Api) -> None:
    made = await api.enrol(external_id="a", name="Ananya Das")
    await api.enrol(external_id="b", name="Bela Sen")
    answer = await api.get(f"{MEMBERS}?search=anan")
    assert [row["id"] for row in answer.json()["data"]] == [made["id"]]


async def test_a_change_keeps_what_it_does_not_name(api: Api) -> None:
    made = await api.enrol(external_id="ananya", attributes={"size": "m"}, consents={"email": True})
    answer = await api.call("PATCH", f"{MEMBERS}/{made['id']}", json={"language": "bn"})
    assert answer.status_code == 200
    assert answer.json()["language"] == "bn"
    assert answer.json()["attributes"] == {"size": "m"}
    assert answer.json()["consents"]["email"]["given"] is True


async def test_an_undeclared_attribute_is_refused_by_place(api: Api) -> None:
    answer = await api.post(MEMBERS, json={"external_id": "a", "attributes": {"shoe": 44}})
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/attributes/shoe"]


async def test_erasing_forgets_the_person_and_keeps_the_ledger(api: Api) -> None:
    made = await api.enrol(external_id="ananya", email="a@mail.example")
    await api.post("/v1/programs/club/events", json=order("o1"))
    answer = await api.call("DELETE", f"{MEMBERS}/email:a@mail.example")
    assert (answer.status_code, answer.json()["id"]) == (200, made["id"])
    for ref in (made["id"], "email:a@mail.example", "external:ananya"):
        assert (await api.get(f"{MEMBERS}/{ref}")).status_code == 404
    ledger = await api.get(f"/v1/programs/club/accounts/{made['account']}/ledger")
    assert [row["amount"] for row in ledger.json()["data"]] == ["159"]


async def test_no_identity_stands_in_stored_answers(api: Api) -> None:
    made = await api.enrol(external_id="ananya", email="a@mail.example")
    path = f"{MEMBERS}/email:a@mail.example"
    first = await api.call("PATCH", path, json={"language": "bn"}, headers={"idempotency-key": "p1"})
    again = await api.call("PATCH", path, json={"language": "bn"}, headers={"idempotency-key": "p1"})
    assert first.json() == again.json()
    assert first.json()["id"] == made["id"]
    with api.house.database.transaction(_tenant_id(api)) as tx:
        rows = tx.execute("select scope, key, convert_from(answer, 'utf8') from idempotency_keys").fetchall()
    assert rows
    assert "mail.example" not in repr(rows)


def _tenant_id(api: Api) -> int:
    from guerdon.programs.tenants import tenant_id_of

    return tenant_id_of(api.tenant)
