"""Anchors over HTTP: what was told to whom, stamps as files, and proofs against the head that was told."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from guerdon.connect.chain import stored
from guerdon.ledger import log
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.proofs.merkle import is_included
from guerdon.rules.proofs.notes import NoteKey, read_checkpoint
from tests.web.conftest import Api, order
from tests.web.test_log import CLUB, key_of, logged

CHAIN = "eip155:31337:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
AUTHORITY = "rfc3161:tsa.example/stamps"
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def anchor(api: Api, size: int) -> bytes:
    """Store what a chain and an authority would have brought about."""
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        program_id = get_live(tx, "club").program_id
        root = log.root_at(tx, program_id, size)
        for place in (CHAIN, AUTHORITY):
            tx.execute(
                "insert into anchors (program_id, place, size, root, state, asked_at)"
                " values (%s, %s, %s, %s, 'asked', %s)",
                (program_id, place, size, root, NOW),
            )
        one = stored.find_last(tx, program_id, CHAIN)
        other = stored.find_last(tx, program_id, AUTHORITY)
        assert one is not None
        assert other is not None
        stored.note_mined(tx, one, stored.Mined(7, b"\x07" * 32, NOW), None)
        stored.note_stamped(tx, other, b"\x30\x03abc", NOW, NOW)
    return root


async def test_anchors_are_listed_and_paged(api: Api) -> None:
    await logged(api)
    head = (await api.get(f"{CLUB}/log/checkpoint")).json()
    assert (await api.get(f"{CLUB}/log/anchors")).json() == {"data": [], "next": None}
    root = anchor(api, head["size"])
    rows = (await api.get(f"{CLUB}/log/anchors")).json()["data"]
    assert [(row["place"], row["state"]) for row in rows] == [(AUTHORITY, "final"), (CHAIN, "mined")]
    chain = rows[1]
    assert (chain["size"], chain["root"]) == (head["size"], root.hex())
    assert (chain["block_number"], chain["block_hash"]) == (7, "0x" + "07" * 32)
    assert chain["problem"] is None
    first = (await api.get(f"{CLUB}/log/anchors?limit=1")).json()
    second = (await api.get(f"{CLUB}/log/anchors?limit=1&cursor={first['next']}")).json()
    assert [*first["data"], *second["data"]] == rows
    assert second["next"] is None
    assert (await api.with_key("events:write").get(f"{CLUB}/log/anchors")).status_code == 403


async def test_a_stamp_is_a_file(api: Api) -> None:
    await logged(api)
    head = (await api.get(f"{CLUB}/log/checkpoint")).json()
    anchor(api, head["size"])
    answer = await api.get(f"{CLUB}/log/anchors/{head['size']}/stamp")
    assert answer.json() == {"format": "guerdon.stamp.v1", "checkpoint": head["note"], "token": "MANhYmM="}
    assert answer.headers["content-disposition"] == f'attachment; filename="stamp-{head["size"]}.json"'
    for path in ("0", "-1", "999999", str(2**70)):
        refused = await api.get(f"{CLUB}/log/anchors/{path}/stamp")
        assert (refused.status_code, refused.json()["code"]) == (404, "stamp_not_found"), path
    refused = await api.get(f"{CLUB}/log/anchors/{head['size']}/stamp", params={"place": CHAIN})
    assert refused.json()["code"] == "stamp_not_found"


async def test_a_proof_leads_to_the_head_that_was_asked_for(api: Api) -> None:
    seen = await logged(api)
    key = await key_of(api)
    head = (await api.get(f"{CLUB}/log/checkpoint")).json()
    later = order("o3", time=datetime.now(UTC).isoformat())
    assert (await api.post(f"{CLUB}/events", json=later)).json()["status"] == "applied"
    newer = await grown(api, head["size"])
    path = f"{CLUB}/transactions/{seen['ledger'][0]['id']}/proof"
    for size in (head["size"], newer):
        proof = (await api.get(path, params={"size": size})).json()
        checkpoint = read_checkpoint(proof["checkpoint"], [NoteKey.read(key)])
        line = proof["lines"][0]
        steps = [bytes.fromhex(step) for step in line["path"]]
        assert checkpoint.size == size
        assert is_included(leaf_of(line), (line["position"], size), steps, checkpoint.root)
    refused = await api.get(path, params={"size": newer + 1000})
    assert (refused.status_code, refused.json()["code"]) == (404, "checkpoint_not_found")
    refused = await api.get(path, params={"size": -1})
    assert refused.status_code == 422


def leaf_of(line: dict[str, Any]) -> bytes:

    return hashlib.sha256(b"\x00" + line["leaf"].encode()).digest()


async def grown(api: Api, size: int) -> int:
    for _ in range(200):
        found = int((await api.get(f"{CLUB}/log/checkpoint")).json()["size"])
        if found > size:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("the log never grew")


async def test_an_anchor_on_demand_is_asked_for_once(api: Api) -> None:
    await logged(api)
    refused = await api.post(f"{CLUB}/log/anchors")
    assert (refused.status_code, refused.json()["code"]) == (409, "anchor_not_configured")
    assert "GUERDON_ANCHOR_CHAIN_URL" in refused.json()["detail"]
    settings = {"anchor_chain_url": SecretStr("http://127.0.0.1:9"), "anchor_contract": CHAIN}
    api.house.settings = api.house.settings.model_copy(update=settings)
    first = await api.post(f"{CLUB}/log/anchors")
    assert first.status_code == 202
    (row,) = first.json()["data"]
    head = (await api.get(f"{CLUB}/log/checkpoint")).json()
    assert (row["place"], row["state"], row["size"]) == (CHAIN, "asked", head["size"])
    assert (await api.post(f"{CLUB}/log/anchors")).json() == first.json(), "it is on its way already"
    assert (await api.get(f"{CLUB}/log/anchors")).json()["data"] == [row]
    assert (await api.with_key("accounts:read").post(f"{CLUB}/log/anchors")).status_code == 403
    assert (await api.post("/v1/programs/none/log/anchors")).json()["code"] == "program_not_found"
