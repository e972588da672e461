"""The log over HTTP: signed heads, and proof files that the command line checks without us."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from guerdon import cli
from guerdon.rules.proofs.merkle import is_consistent
from guerdon.rules.proofs.notes import NoteKey, read_checkpoint
from tests.web.conftest import Api, order

CLUB = "/v1/programs/club"
Printed = pytest.CaptureFixture[str]


async def logged(api: Api) -> dict[str, Any]:
    """Enrol somebody who buys, and wait until that is in the log."""
    made = await api.enrol(external_id="ananya", name="Ananya Das")
    now = datetime.now(UTC).isoformat()
    for name in ("o1", "o2"):
        assert (await api.post(f"{CLUB}/events", json=order(name, time=now))).json()["status"] == "applied"
    ledger = (await api.get(f"{CLUB}/accounts/{made['account']}/ledger")).json()["data"]
    for _ in range(200):
        answer = await api.get(f"{CLUB}/transactions/{ledger[0]['id']}/proof")
        if answer.status_code == 200:
            return {"account": made["account"], "ledger": ledger, "proof": answer.json()}
        assert answer.json()["code"] == "transaction_not_found"
        await asyncio.sleep(0.05)
    raise AssertionError("the transaction never came into the log")


async def key_of(api: Api) -> str:
    return str((await api.get(f"{CLUB}/log/keys")).json()["data"][-1]["key"])


def check(path: Path, data: dict[str, Any], key: str, capsys: Printed) -> tuple[int, str, str]:
    path.write_text(json.dumps(data), encoding="utf-8")
    code = cli.run(["proof", "verify", str(path), "--log-key", key])
    said = capsys.readouterr()
    return code, said.out, said.err


async def test_a_transaction_is_proved_without_telling_whose_it_is(
    api: Api, tmp_path: Path, capsys: Printed
) -> None:
    seen = await logged(api)
    key = await key_of(api)
    assert seen["account"] not in json.dumps(seen["proof"])
    assert "ananya" not in json.dumps(seen["proof"]).lower()
    code, out, err = check(tmp_path / "proof.json", seen["proof"], key, capsys)
    assert code == 0, err
    assert "award" in out
    assert "1 transaction is in the log" in err
    wrong = json.loads(json.dumps(seen["proof"]))
    wrong["lines"][0]["leaf"] = wrong["lines"][0]["leaf"].replace('"award"', '"adjust"')
    code, _, err = check(tmp_path / "wrong.json", wrong, key, capsys)
    assert (code, "not in the log" in err) == (1, True)


async def test_a_statement_is_whole_and_adds_up(api: Api, tmp_path: Path, capsys: Printed) -> None:
    seen = await logged(api)
    key = await key_of(api)
    file = (await api.get(f"{CLUB}/accounts/{seen['account']}/proof")).json()
    assert len(file["lines"]) == len(seen["ledger"])
    account = (await api.get(f"{CLUB}/accounts/{seen['account']}")).json()
    path = tmp_path / "statement.json"
    path.write_text(json.dumps(file), encoding="utf-8")
    assert cli.run(["proof", "verify", str(path), "--log-key", key, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    held = account["wallets"]["points"]
    assert told["account"] == seen["account"]
    assert told["balances"]["points"] == int(held["available"]) + int(held["pending"])
    part = (await api.get(f"{CLUB}/accounts/{seen['account']}/proof", params={"after": 1, "limit": 1})).json()
    assert (part["after"], part["lines"][0]["leaf"]) == (1, file["lines"][1]["leaf"])
    code, _, err = check(path, part, key, capsys)
    assert (code, "behind the first 1 of the account" in err, "adds up" in err) == (
        0,
        True,
        False,
    )
    code, _, err = check(path, {**part, "after": 0}, key, capsys)
    assert (code, "was expected here" in err) == (1, True)
    for wrong in ({"limit": 0}, {"limit": 10_001}, {"after": -1}, {"after": "x"}):
        answer = await api.get(f"{CLUB}/accounts/{seen['account']}/proof", params=wrong)
        assert answer.json()["code"] == "parameter_invalid"
    missing = {**file, "lines": file["lines"][1:]}
    code, _, err = check(path, missing, key, capsys)
    assert (code, "was expected here" in err) == (1, True)
    other = {**file, "account": {**file["account"], "salt": "00" * 32}}
    code, _, err = check(path, other, key, capsys)
    assert (code, "not the account's" in err) == (1, True)
    stranger = NoteKey("guerdon/main/club", bytes(32)).text
    code, _, err = check(path, file, stranger, capsys)
    assert (code, "no signature" in err) == (1, True)


async def test_heads_are_signed_kept_and_consistent(api: Api) -> None:
    await logged(api)
    key = NoteKey.read(await key_of(api))
    first = read_checkpoint((await api.get(f"{CLUB}/log/checkpoint")).json()["note"], [key])
    assert first.size > 0
    now = datetime.now(UTC).isoformat()
    for number in range(3, 6):
        await api.post(f"{CLUB}/events", json=order(f"o{number}", time=now))
    said = (await api.get(f"{CLUB}/log/checkpoint")).json()
    for _ in range(200):
        if said["size"] > first.size:
            break
        await asyncio.sleep(0.05)
        said = (await api.get(f"{CLUB}/log/checkpoint")).json()
    answer = await api.get(f"{CLUB}/log/consistency", params={"from_size": first.size, "size": said["size"]})
    proof = answer.json()
    later = read_checkpoint(proof["checkpoint"], [key])
    path = [bytes.fromhex(step) for step in proof["path"]]
    assert is_consistent((first.size, first.root), (later.size, later.root), path)
    kept = (await api.get(f"{CLUB}/log/checkpoints", params={"limit": 1})).json()
    assert kept["data"][0]["size"] == later.size
    older = (await api.get(f"{CLUB}/log/checkpoints", params={"cursor": kept["next"]})).json()["data"]
    assert first.size in [one["size"] for one in older]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("log/consistency?from_size=999999", 422, "log_size_invalid"),
        ("log/consistency?from_size=0&size=999998", 404, "checkpoint_not_found"),
        ("transactions/01890000-0000-7000-8000-000000000000/proof", 404, "transaction_not_found"),
        ("transactions/x/proof", 404, "transaction_not_found"),
        ("accounts/acc_00000000000/proof", 404, "account_not_found"),
    ],
)
async def test_what_cannot_be_proved_is_said(api: Api, path: str, status: int, code: str) -> None:
    answer = await api.get(f"{CLUB}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
