"""Invitations in the console: the list, and the queue of those that wait."""

from __future__ import annotations

import re

from tests.web.conftest import Api
from tests.web.console.desk import signed_in
from tests.web.console.test_orders import plain
from tests.web.referrals.conftest import CLUB, settle
from tests.web.referrals.test_api import bought

PAGE = "/console/p/club/referrals"


async def test_a_manager_looks_at_what_is_held(club: Api) -> None:
    await club.enrol(external_id="anna")
    code = (await club.get(f"{CLUB}/invitations", params={"member": "external:anna"})).json()["code"]
    person = await signed_in(club, "manager")
    assert "Nobody was invited yet" in (await person.get(PAGE)).text
    await club.post(f"{CLUB}/events", json=bought("e0", "anna", {"card": "c1"}))
    for name, card in (("ben", "c1"), ("carl", "c2"), ("dora", "c1")):
        await club.enrol(external_id=name, referral_code=code)
        await club.post(f"{CLUB}/events", json=bought(f"of-{name}", name, {"card": card}))
    settle(club)
    listed = plain((await person.get(PAGE)).text)
    assert "Held (2)" in listed
    assert "Has come" in listed
    held = (await person.get(f"{PAGE}?show=held")).text
    assert "one card" in plain(held)
    actions = re.findall(r'action="([^"]+/(?:approve|refuse))"', held)
    assert len(actions) == 4
    done = await person.send(actions[0])
    assert done.status_code == 303
    assert "It is decided" in (await person.get(done.headers["location"])).text
    stale = await person.send(actions[0])
    assert stale.status_code == 409
    assert "Somebody else has decided" in stale.text
    refused = await person.send(actions[3])
    assert refused.status_code == 303
    assert "Nothing waits" in (await person.get(f"{PAGE}?show=held")).text
    reader = await signed_in(club, "auditor")
    assert "approve" not in (await reader.get(f"{PAGE}?show=held")).text
    assert (await reader.send(actions[0])).status_code == 403
    assert (await person.send(f"{PAGE}/ref_nothing/approve")).status_code == 404
    told = (await club.get(f"{CLUB}/members/external:anna")).json()
    assert int(told["wallets"]["points"]["available"]) == 159 + 400
