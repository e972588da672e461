"""Coupons in the console: batches made by a form, codes as a file, a code looked up and revoked."""

from __future__ import annotations

import re

import pytest

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import PROGRAM, Api, order
from tests.web.console.desk import Person, signed_in
from tests.web.console.test_orders import plain

COUPONS = "/console/p/club/coupons"
GRANTING = PROGRAM.replace(
    "\nrewards:", "\n  thanks:\n    trigger: order.paid\n    then: [{grant: voucher}]\nrewards:"
)


async def make(person: Person, **fields: str) -> str:
    """Fill the form in and give the path of the batch's page."""
    once = re.search(r'name="once" value="(cpb_\w+)"', (await person.get(COUPONS)).text)
    assert once is not None
    answer = await person.send(COUPONS, reward="voucher", once=once[1], **fields)
    assert answer.status_code == 303, plain(answer.text)
    return str(answer.headers["location"])


def actions(api: Api) -> list[str]:
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        return [row.act.action for row in list_acts(tx) if row.act.action.startswith("coupon")]


async def test_a_batch_is_made_once_and_its_codes_are_good(api: Api) -> None:
    person = await signed_in(api, "manager")
    once = re.search(r'name="once" value="(cpb_\w+)"', (await person.get(COUPONS)).text)
    assert once is not None
    fields = {"kind": "batch", "reward": "voucher", "size": "1,000", "prefix": "spring-", "once": once[1]}
    pages = {(await person.send(COUPONS, **fields, until="2031-03-31")).headers["location"] for _ in range(2)}
    page = pages.pop()
    assert not pages
    said = plain((await person.get(page)).text)
    assert "1,000 codes, SPRING-…" in said
    assert "Last day" in said
    assert "31 Mar 2031" in said
    assert "Uses at most 1,000" in said
    assert "Each takes at most no limit" in said
    assert "A dear cart takes much" in said
    answer = await person.send(f"{page}/codes")
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    codes = answer.text.split()
    assert codes[0] == "code"
    assert len(set(codes)) == 1001
    assert all(code.startswith("SPRING-") for code in codes[1:])
    good = await person.send(f"{COUPONS}/look", code_asked=codes[7].lower().replace("-", " "))
    assert "can be used" in plain(good.text)
    assert "Uses left 1" in plain(good.text)
    assert actions(api) == ["coupons.downloaded", "coupons.made"]


async def test_a_shared_code_says_who_could_use_it_again_and_again(api: Api) -> None:
    person = await signed_in(api, "manager")
    page = await make(person, kind="shared", code="welcome10", size="12")
    said = plain((await person.get(page)).text)
    assert "WELCOME10" in said
    assert "Whoever knows the code can use it again and again" in said
    assert "It has no last day" in said
    bound = await make(person, kind="shared", code="HELLO10", per_account="1", total="500")
    said = plain((await person.get(bound)).text)
    assert "again and again" not in said
    assert "Uses at most 500" in said
    assert (await person.send(f"{bound}/codes")).status_code == 404


async def test_one_code_and_then_all_are_revoked(api: Api) -> None:
    person = await signed_in(api, "owner")
    page = await make(person, kind="batch", size="3", prefix="VIP-")
    codes = (await person.send(f"{page}/codes")).text.split()[1:]
    await person.get(COUPONS)
    ended = plain((await person.send(f"{COUPONS}/revoke", code_asked=codes[0])).text)
    assert "cannot be used It was revoked." in ended
    assert "can be used" in plain((await person.send(f"{COUPONS}/look", code_asked=codes[1])).text)
    answer = await person.send(f"{page}/revoke")
    assert "None of its codes can be used any more." in (await person.get(answer.headers["location"])).text
    for code in codes:
        assert "It was revoked." in (await person.send(f"{COUPONS}/look", code_asked=code)).text
    assert actions(api)[:2] == ["coupons.revoked", "coupon.revoked"]


async def test_a_granted_coupon_tells_its_owner_and_its_order(api: Api) -> None:
    await api.apply(GRANTING)
    await api.enrol(external_id="ananya", name="Ananya Das")
    told = (await api.post("/v1/programs/club/events", json=order("o1"))).json()
    code = next(one["grant"]["code"] for one in told["effects"] if "grant" in one)
    person = await signed_in(api, "support")
    await person.get(COUPONS)
    text = (await person.send(f"{COUPONS}/look", code_asked=code)).text
    said = plain(text)
    assert "can be used" in said
    assert "Belongs to Ananya Das" in said
    assert "Granted by order order-o1" in said
    assert "Revoke the code" not in said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NONE-SUCH", "No such code was given out."),
        ("SPRING-AAAAAAAA", "A letter of it is wrong: type it again."),
    ],
)
async def test_a_wrong_code_says_why(api: Api, code: str, said: str) -> None:
    person = await signed_in(api, "manager")
    await make(person, kind="batch", size="10", prefix="SPRING-")
    assert said in (await person.send(f"{COUPONS}/look", code_asked=code)).text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "batch"}, "batch_size_missing"),
        ({"kind": "batch", "size": "many"}, "A count is a whole number."),
        ({"kind": "batch", "size": "1000000001"}, "/size"),
        ({"kind": "batch", "size": "5", "prefix": "with space"}, "/prefix"),
        ({"kind": "batch", "size": "5", "until": "next week"}, "A day is written"),
        (
            {"kind": "batch", "size": "5", "from": "2030-02-01", "until": "2030-01-01"},
            "it ends after it begins",
        ),
        ({"kind": "batch", "size": "5", "money": "-1"}, "amount_invalid"),
        ({"kind": "shared"}, "A shared code needs its letters."),
        ({"kind": "shared", "code": "A"}, "coupon_code_short"),
        ({"kind": "batch", "size": "5", "reward": "pouch"}, "nothing_to_discount"),
        ({"kind": "batch", "size": "5", "reward": "nothing"}, "unknown_reward"),
    ],
)
async def test_a_wrong_form_makes_nothing_and_keeps_what_was_typed(
    api: Api, fields: dict[str, str], said: str
) -> None:
    person = await signed_in(api, "manager")
    await person.get(COUPONS)
    answer = await person.send(COUPONS, **{"reward": "voucher", "name": "Spring letter", **fields})
    assert answer.status_code == 422
    assert said in answer.text
    assert "No codes were made" in answer.text
    assert 'value="Spring letter"' in answer.text
    assert "No codes yet" in (await person.get(COUPONS)).text


async def test_support_looks_codes_up_and_makes_none(api: Api) -> None:
    owner = await signed_in(api, "owner")
    page = await make(owner, kind="batch", size="2", prefix="TWO-")
    person = await signed_in(api, "support")
    assert "Make them" not in (await person.get(COUPONS)).text
    for path in (COUPONS, f"{page}/codes", f"{page}/revoke", f"{COUPONS}/revoke"):
        assert (await person.send(path, code_asked="x")).status_code == 403, path
    other = api.with_key(tenant=f"{api.tenant}y")
    await other.apply()
    stranger = await signed_in(other)
    assert (await stranger.get(page)).status_code == 404
    assert (await stranger.send(f"{page}/codes")).status_code == 404
