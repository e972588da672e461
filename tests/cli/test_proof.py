"""`guerdon verify --checkpoint` and `guerdon proof verify`, and what is typed wrongly."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from guerdon import cli
from guerdon.cli.opening import opened_house
from guerdon.ledger import log
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.proofs.merkle import Edge
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, public_of, read_checkpoint, sign_checkpoint
from guerdon.wiring import MAIN_TENANT
from tests.backtest.tries import order, write
from tests.cli.conftest import Run

SECRET = bytes(range(32))
KEY = NoteKey("guerdon/main/club", public_of(SECRET)).text
HEAD = sign_checkpoint(Checkpoint("guerdon/main/club", 1, bytes(32)), "guerdon/main/club", SECRET)
Printed = pytest.CaptureFixture[str]


def refused(capsys: Printed, *arguments: str) -> str:
    assert cli.run(arguments) == 1
    return capsys.readouterr().err


def test_a_head_needs_its_key(tmp_path: Path, capsys: Printed) -> None:
    head = tmp_path / "head.txt"
    head.write_text(HEAD, encoding="utf-8")
    assert "--log-key" in refused(capsys, "verify", "--checkpoint", str(head))
    assert "there is no file" in refused(capsys, "verify", "--checkpoint", "none.txt", "--log-key", KEY)
    other = NoteKey("guerdon/main/club", public_of(bytes(32))).text
    assert "no signature" in refused(capsys, "verify", "--checkpoint", str(head), "--log-key", other)
    head.write_bytes(b"\xff\xfe")
    assert "is no text" in refused(capsys, "verify", "--checkpoint", str(head), "--log-key", KEY)
    stranger = sign_checkpoint(Checkpoint("sum.golang.org", 1, bytes(32)), "guerdon/main/club", SECRET)
    head.write_text(stranger, encoding="utf-8")
    assert "no log of Guerdon" in refused(capsys, "verify", "--checkpoint", str(head), "--log-key", KEY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "this is no proof file"),
        ("[]", "this is no proof file"),
        ('{"format": "x", "checkpoint": "", "lines": []}', "expected 'guerdon.proof.v1'"),
        ('{"format": "guerdon.proof.v1", "checkpoint": "", "lines": []}', "expected a log's name"),
        ('{"format": "guerdon.proof.v1", "checkpoint": "", "lines": [], "whole": true}', "says whose it is"),
        ('{"format": "guerdon.proof.v1", "checkpoint": "", "lines": [], "more": 1}', "this is no proof file"),
    ],
)
def test_what_is_no_proof_is_refused(tmp_path: Path, capsys: Printed, text: str, said: str) -> None:
    file = tmp_path / "proof.json"
    file.write_text(text, encoding="utf-8")
    assert said in refused(capsys, "proof", "verify", str(file), "--log-key", KEY)


def test_the_line_that_fails_is_named(tmp_path: Path, capsys: Printed) -> None:
    def leaf(seq: int, amount: int) -> str:
        lines = [["member", amount, None, None, ""], ["issued", -amount, None, None, ""]]
        return json.dumps(["guerdon.leaf.v1", "00" * 32, seq, "award", "points", 0, 0, lines])

    edge = Edge()
    hashes = [hashlib.sha256(b"\x00" + leaf(seq, 100).encode()).digest() for seq in (1, 2)]
    for one in hashes:
        edge.append(one)
    note = sign_checkpoint(Checkpoint("guerdon/main/club", 2, edge.root), "guerdon/main/club", SECRET)
    file = tmp_path / "proof.json"

    def written(amount: int, position: int = 1) -> list[str]:
        lines = [
            {"leaf": leaf(1, 100), "position": 0, "path": [hashes[1].hex()]},
            {"leaf": leaf(2, amount), "position": position, "path": [hashes[0].hex()]},
        ]
        made = {"format": "guerdon.proof.v1", "checkpoint": note, "lines": lines}
        file.write_text(json.dumps(made), encoding="utf-8")
        return ["proof", "verify", str(file), "--log-key", KEY]

    assert cli.run(written(100)) == 0
    capsys.readouterr()
    said = refused(capsys, *written(10_000))
    assert "line 2, position 1 in the log" in said
    assert "transaction 2, award of points at 1970-01-01T00:00:00+00:00" in said
    assert "is not in the log that was signed [proof_fails]" in said
    assert "line 2, position 77 in the log" in refused(capsys, *written(100, position=77))
    text = file.read_text(encoding="utf-8").replace(json.dumps(leaf(1, 100)), '"x"')
    file.write_text(text, encoding="utf-8")
    assert "line 1, position 0 in the log: " in refused(
        capsys, "proof", "verify", str(file), "--log-key", KEY
    )


def test_a_key_that_is_none_is_refused(tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "proof.json"
    file.write_text("{}", encoding="utf-8")
    assert "expected a key such as" in refused(
        capsys, "proof", "verify", str(file), "--log-key", "club+12+34"
    )


@pytest.mark.xdist_group("cli-home")
def test_a_head_that_was_kept_covers_what_was_there(tmp_path: Path, definition: Path, guerdon: Run) -> None:
    data, events, head = tmp_path / "data", tmp_path / "events.ndjson", tmp_path / "head.txt"
    write(events, [order("anna", f"2025-01-0{day}T12:00:00Z") for day in (1, 2)])
    assert guerdon("apply", definition, "--data", data).code == 0
    assert guerdon("import", events, "--program", "club", "--enrol", "--historical", "--data", data).code == 0
    with opened_house(str(data)) as house:
        tenant_id = tenant_id_of(MAIN_TENANT)
        with house.database.transaction(tenant_id) as tx:
            program_id = get_live(tx, "club").program_id
        size = 0
        while size < 2:  # the server's own upkeep may hold the horizon back
            house.log.catch_up()
            with house.database.transaction(tenant_id) as tx:
                size = log.load_head(tx, program_id).size
        with house.database.transaction(tenant_id) as tx:
            origin = log.origin_of(tx, "club")
            signed = log.sign_head(tx, house.signer(tenant_id), program_id, origin, datetime.now(UTC))
            key = log.list_keys(tx, program_id)[0].note_key
    head.write_text(signed.note, encoding="utf-8")
    said = guerdon("verify", "--data", data, "--checkpoint", head, "--log-key", key.text)
    assert (said.code, "all holds" in said.err) == (0, True), said
    forged = sign_checkpoint(Checkpoint(origin, 2, bytes(32)), "witness", SECRET)
    head.write_text(forged, encoding="utf-8")
    trusted = NoteKey("witness", public_of(SECRET)).text
    said = guerdon("verify", "--data", data, "--checkpoint", head, "--log-key", trusted)
    assert (said.code, "log_rewritten" in said.out) == (1, True), said
    head.write_text(sign_checkpoint(Checkpoint("guerdon/main/none", 2, bytes(32)), "witness", SECRET))
    said = guerdon("verify", "--data", data, "--checkpoint", head, "--log-key", trusted)
    assert (said.code, "there is no log guerdon/main/none here" in said.err) == (1, True), said


@pytest.mark.xdist_group("cli-home")
def test_a_log_gets_another_key(tmp_path: Path, definition: Path, guerdon: Run) -> None:
    data = tmp_path / "data"
    assert guerdon("apply", definition, "--data", data).code == 0
    said = guerdon("proof", "rotate-key", "club", "--data", data)
    assert said.code == 0, said
    first = NoteKey.read(said.out)
    second = json.loads(guerdon("proof", "rotate-key", "club", "--data", data, "--json").out)
    assert (second["number"], NoteKey.read(second["key"]).name) == (2, "guerdon/main/club")
    listed = json.loads(guerdon("proof", "keys", "club", "--data", data, "--json").out)["data"]
    assert [one["key"] for one in listed] == [first.text, second["key"]]
    assert second["key"] in guerdon("proof", "keys", "club", "--data", data).out.replace("\n", "")
    tenant_id = tenant_id_of(MAIN_TENANT)
    with opened_house(str(data)) as house, house.database.transaction(tenant_id) as tx:
        program_id = get_live(tx, "club").program_id
        signed = log.sign_head(tx, house.signer(tenant_id), program_id, first.name, datetime.now(UTC))
        assert read_checkpoint(signed.note, [NoteKey.read(second["key"])]).size == 0
        acts = tx.execute("select actor, detail from audit where action = 'log_key.rotated' order by at")
        assert [(actor, detail["number"]) for actor, detail in acts] == [("system", 1), ("system", 2)]
    assert "no such program" in guerdon("proof", "rotate-key", "clob", "--data", data).err
    assert "there is no tenant" in guerdon("proof", "keys", "club", "--data", data, "--tenant", "mian").err
