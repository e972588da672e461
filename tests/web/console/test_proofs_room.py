"""The room of proofs: what it says where nothing is set up, and with witnesses, anchors and alarms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from guerdon.connect.chain import stored
from guerdon.connect.witness import pushes
from guerdon.ledger import log
from guerdon.programs.audit import list_acts
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from tests.rooms.audit.outside import CHAIN, KNOWN, THEIRS, WITNESS, Others, anchor_next, cosign_all
from tests.web.conftest import Api
from tests.web.console.desk import signed_in
from tests.web.console.test_office import said
from tests.web.test_log import logged

ROOM = "/console/p/club/proofs"
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture
def settings_as_before(api: Api) -> Iterator[None]:
    before = api.house.settings
    yield
    api.house.settings = before


async def test_an_empty_house_says_what_to_do(api: Api) -> None:
    person = await signed_in(api, "manager")
    text = said((await person.get(ROOM)).text)
    assert "Nothing to prove yet" in text
    assert "No witness A witness remembers heads" in text
    assert "GUERDON_WITNESSES" in text
    assert "No place for anchors" in text
    assert "Sign a head now" not in text
    assert "Anchor the newest head now" not in text
    assert "watched here" not in text
    assert (await person.get("/console/p/none/proofs")).status_code == 404


async def test_heads_and_keys_are_shown_and_a_head_is_signed(api: Api) -> None:
    await logged(api)
    head = (await api.get("/v1/programs/club/log/checkpoint")).json()
    key = (await api.get("/v1/programs/club/log/keys")).json()["data"][0]["key"]
    person = await signed_in(api, "manager")
    page = (await person.get(ROOM)).text
    text = said(page)
    assert f"In the log {head['size']} Signed of these {head['size']}" in text
    assert head["note"].split("\n")[2] in page
    assert key in text
    assert "Key 1 signs now" in text
    assert f"/log/{api.tenant}/club/checkpoint" in text
    sent = await person.send(ROOM, act="sign")
    assert sent.headers["location"] == f"{ROOM}?said=sign"
    assert "The log is signed as far as it is." in said((await person.get(f"{ROOM}?said=sign")).text)
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        act = list_acts(tx)[0].act
    assert (act.action, act.object, act.detail) == ("log.signed", "program:club", {"size": head["size"]})
    wrong = await person.send(ROOM, act="burn")
    assert (wrong.status_code, "form_stale" in wrong.text) == (409, True)
    refused = await person.send(ROOM, act="anchor")
    assert (refused.status_code, "anchor_not_configured" in refused.text) == (409, True)
    reader = await signed_in(api, "auditor")
    assert "Sign a head now" not in (await reader.get(ROOM)).text
    assert (await reader.send(ROOM, act="sign")).status_code == 403


async def test_witnesses_anchors_and_alarms_are_told(api: Api, settings_as_before: None) -> None:
    await logged(api)
    tenant_id = tenant_id_of(api.tenant)
    origin = f"guerdon/{api.tenant}/club"
    with api.house.database.transaction(tenant_id) as tx:
        program_id = get_live(tx, "club").program_id
        signed = log.sign_head(tx, api.house.signer(tenant_id), program_id, origin, NOW)
        root = log.root_at(tx, program_id, signed.size)
        cosign_all(tx, program_id, NOW)
        for name in (WITNESS, "paper", "gone"):
            assert pushes.take(tx, program_id, name, NOW)
            news = pushes.Head(program_id, signed.size, signed.note, None, None, 0)
            if name != "gone":
                pushes.settle(tx, name, news, root, NOW)
        tx.execute(
            "update witness_pushes set problem = 'witness_saw_another', refused_at = %s"
            " where witness = 'gone'",
            (NOW,),
        )
        anchor_next(tx, program_id, origin, NOW, "sent")
        row = stored.find_last(tx, program_id, CHAIN.place)
        assert row is not None
        Others().watch(tx, NOW)
    person = await signed_in(api, "manager")
    text = said((await person.get(ROOM)).text)
    assert f"{WITNESS} knows the newest head" in text
    assert f"It signed the head of {signed.size} transactions on" in text
    assert "It keeps heads and signs nothing." in text
    assert "gone refuses" in text
    assert "says that it saw another log" in text
    assert f"{signed.size} transactions sent, in no block yet {CHAIN.place}" in text
    assert f"0x{row.sent[-1].hex()}" in text
    assert f"{THEIRS} 1 alarm" in text
    assert "two heads of the same size" in text
    assert "it became shorter" not in text, "somebody looked into that one"
    assert "1 log that is watched here showed a head" in text
    assert KNOWN[0].name == "guerdon-witness/berlin"
    chain = {"anchor_chain_url": SecretStr("http://127.0.0.1:9"), "anchor_contract": CHAIN.place}
    api.house.settings = api.house.settings.model_copy(update=chain)
    assert "Anchor the newest head now" in (await person.get(ROOM)).text
    sent = await person.send(ROOM, act="anchor")
    assert sent.headers["location"] == f"{ROOM}?said=anchor"
