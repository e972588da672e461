"""`guerdon anchor` and `guerdon verify --anchor`, typed at a real chain."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from guerdon import cli
from guerdon.base.errors import Problem
from guerdon.connect.chain import places, stamping
from guerdon.connect.chain.checking import Checker
from guerdon.connect.chain.keeper import find_where
from guerdon.connect.chain.rpc import Node
from guerdon.connect.chain.signing import Key, address_text
from guerdon.infra.db import Database
from guerdon.infra.settings import load_settings
from guerdon.ledger import log
from guerdon.rules.proofs.notes import Checkpoint, NoteKey, read_checkpoint
from tests.rooms.chain.anvil import CHAIN_ID, HEIR, OWNER, Anvil
from tests.rooms.chain.authority import Authority
from tests.rooms.chain.conftest import Anchored, deploy
from tests.rooms.conftest import superuser
from tests.rooms.engine.conftest import MASTER_KEY, TENANT
from tests.rooms.ledger.test_log import program_of

Printed = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch
SECRET = "a-token-of-the-node"


@pytest.fixture
def mining(anvil: Anvil) -> Iterator[Anvil]:
    """The chain, making a block of whatever it is told."""
    anvil.ask("evm_setAutomine", True)
    yield anvil
    anvil.ask("evm_setAutomine", False)


def key_file(folder: Path, key: str) -> str:
    path = folder / "anchor.key"
    path.write_text(key + "\n", encoding="ascii")
    path.chmod(0o600)
    return str(path)


def run(capsys: Printed, *arguments: str) -> tuple[int, str, str]:
    code = cli.run(list(arguments))
    said = capsys.readouterr()
    return code, said.out.strip(), " ".join(said.err.split())


def test_a_new_key_is_for_nobody_else_and_never_overwritten(tmp_path: Path, capsys: Printed) -> None:
    path = tmp_path / "anchor.key"
    code, out, _ = run(capsys, "anchor", "new-key", str(path))
    assert code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert out == address_text(Key.read(path.read_text(encoding="ascii")).address)
    before = path.read_bytes()
    code, _, err = run(capsys, "anchor", "new-key", str(path))
    assert (code, path.read_bytes()) == (1, before)
    assert "a key is never overwritten" in err
    code, _, err = run(capsys, "anchor", "new-key", str(tmp_path / "none" / "anchor.key"))
    assert code == 1
    assert "cannot be written" in err


def test_a_contract_is_deployed_looked_at_and_handed_over(
    mining: Anvil, tmp_path: Path, capsys: Printed, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("GUERDON_ANCHOR_CHAIN_URL", mining.url)
    code, _, err = run(capsys, "anchor", "deploy")
    assert code == 1
    assert "GUERDON_ANCHOR_KEY_FILE" in err
    monkeypatch.setenv("GUERDON_ANCHOR_KEY_FILE", key_file(tmp_path, OWNER))
    code, _, err = run(capsys, "anchor", "status")
    assert code == 1
    assert "GUERDON_ANCHOR_CONTRACT" in err
    code, out, err = run(capsys, "anchor", "deploy")
    assert code == 0, err
    name, _, place = out.partition("=")
    assert (name, place.startswith(f"eip155:{CHAIN_ID}:0x")) == ("GUERDON_ANCHOR_CONTRACT", True)
    monkeypatch.setenv("GUERDON_ANCHOR_CONTRACT", place)
    owner, heir = address_text(Key.read(OWNER).address), address_text(Key.read(HEIR).address)
    code, out, _ = run(capsys, "anchor", "status", "--json")
    said = json.loads(out)
    assert (code, said["owner"], said["offered to"], said["well"]) == (0, owner, "nobody", True)
    code, _, err = run(capsys, "anchor", "offer", "0x12")
    assert code == 1
    assert "an address is 0x and 40 hexadecimal digits" in err
    assert run(capsys, "anchor", "offer", heir)[0] == 0
    code, _, err = run(capsys, "anchor", "take")
    assert code == 1
    assert "only the heir takes" in err
    key_file(tmp_path, HEIR)
    code, out, _ = run(capsys, "anchor", "status")
    assert (code, heir in out) == (1, True), "not ours before it is taken"
    assert run(capsys, "anchor", "take")[:2] == (0, f"owned by {heir}")
    assert run(capsys, "anchor", "status")[0] == 0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CHAIN_URL", "ftp://node", "begins with http:// or https://"),
        ("CHAIN_URL", "http://", "begins with http:// or https://"),
        ("CONTRACT", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "expected eip155:, a chain's number"),
        ("CONTRACT", "eip155:x:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "expected eip155:"),
        ("CONTRACT", "eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "a digit is wrong"),
        ("CONTRACT", "", "anchors on a chain need a node's address and a contract"),
        ("KEY_FILE", "/nowhere/anchor.key", "cannot be read: FileNotFoundError"),
        ("CONFIRMATIONS", "0", "GUERDON_ANCHOR_CONFIRMATIONS"),
        ("AUTHORITY_URL", "http://tsa.example", "GUERDON_ANCHOR_AUTHORITY_CERTIFICATES"),
    ],
)
def test_wrong_settings_are_told(
    tmp_path: Path, monkeypatch: Patch, name: str, value: str, words: str
) -> None:
    some_settings(tmp_path, monkeypatch)
    monkeypatch.setenv(f"GUERDON_ANCHOR_{name}", value)
    with pytest.raises(Problem) as caught:
        find_where(load_settings())
    assert caught.value.code == "settings_invalid"
    assert words in caught.value.detail
    assert SECRET not in str(caught.value)


def some_settings(folder: Path, monkeypatch: Patch) -> None:
    monkeypatch.setenv("GUERDON_ANCHOR_CHAIN_URL", f"http://127.0.0.1:9/{SECRET}")
    monkeypatch.setenv("GUERDON_ANCHOR_CONTRACT", "eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
    monkeypatch.setenv("GUERDON_ANCHOR_KEY_FILE", key_file(folder, OWNER))


def test_a_server_does_not_start_with_wrong_settings(
    database: Database, tmp_path: Path, capsys: Printed, monkeypatch: Patch
) -> None:
    some_settings(tmp_path, monkeypatch)
    monkeypatch.setenv("GUERDON_DATABASE_URL", database.conninfo)
    monkeypatch.setenv("GUERDON_MASTER_KEY", base64.b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("GUERDON_ANCHOR_KEY_FILE", "/nowhere/anchor.key")
    code, _, err = run(capsys, "serve", "--data", str(tmp_path / "data"), "--port", "0")
    assert code == 1
    assert "GUERDON_ANCHOR_KEY_FILE: the key's file cannot be read" in err
    assert SECRET not in err


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [("0x12", 0o600, "64 hexadecimal digits"), (OWNER, 0o640, "chmod 600"), ("0" * 64, 0o600, "64 hex")],
)
def test_a_key_that_others_can_read_or_that_is_none_is_refused(
    tmp_path: Path, capsys: Printed, monkeypatch: Patch, text: str, mode: int, words: str
) -> None:
    path = key_file(tmp_path, text)
    Path(path).chmod(mode)
    monkeypatch.setenv("GUERDON_ANCHOR_CHAIN_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GUERDON_ANCHOR_KEY_FILE", path)
    code, _, err = run(capsys, "anchor", "deploy")
    assert code == 1
    assert words in err
    assert text not in err


def test_a_rewritten_past_is_found_by_the_chain_and_by_a_stamped_head(
    anchored: Anchored, server: object, tmp_path: Path, capsys: Printed, monkeypatch: Patch
) -> None:
    sizes = []
    for _ in range(2):
        sizes.append(anchored.grow())
        anchored.until("mined")
        anchored.until("final")
    authority = Authority(tmp_path / "authority")
    certificates = authority.folder / "root.pem"
    with anchored.world.database.transaction(TENANT) as tx, authority.serving() as url:
        signed = log.find_last_signed(tx, program_of(anchored.world))
        assert signed is not None
        key = log.list_keys(tx, program_of(anchored.world))[-1].note_key
        head = log_head(signed.note, key)
        token, _ = stamping.ask(places.Authority(url, places.load_certificates(certificates)), head)
    stamp = tmp_path / "stamp.json"
    stamp.write_bytes(stamping.write_file(signed.note, token))
    for name, value in (
        ("DATABASE_URL", anchored.world.database.conninfo),
        ("MASTER_KEY", base64.b64encode(MASTER_KEY).decode()),
        ("ANCHOR_CHAIN_URL", anchored.anvil.url),
        ("ANCHOR_CONTRACT", anchored.chain.place),
        ("ANCHOR_AUTHORITY_CERTIFICATES", str(certificates)),
    ):
        monkeypatch.setenv(f"GUERDON_{name}", value)
    told = ("--anchor", "chain", "--anchor", str(stamp), "--log-key", key.text)
    code, out, err = run(capsys, "verify", "--ledger-only", *told)
    assert (code, out) == (0, ""), err
    assert "test: 2 anchors read from the chain" in err
    checked = run(capsys, "anchor", "check", str(stamp), "--certificates", str(certificates), *told[4:])
    assert checked[0] == 0
    assert f"a head of {signed.size} transactions" in checked[2]
    assert run(capsys, "anchor", "check", str(stamp), "--certificates", str(certificates))[0] == 1
    assert run(capsys, "verify", "--ledger-only", "--anchor", str(stamp))[0] == 1, "without the log's key"
    # Whoever owns the server drops what came last, from every table of the log, and leaves no trace in it.
    rewrite(server, anchored, sizes[0])
    assert run(capsys, "verify", "--ledger-only")[1].count("log_rewritten") == 0
    code, out, _ = run(capsys, "verify", "--ledger-only", "--anchor", "chain")
    assert (code, out.count("log_rewritten")) == (1, 1)
    code, out, _ = run(capsys, "verify", "--ledger-only", *told[2:])
    assert (code, out.count("log_rewritten")) == (1, 1)


def log_head(note: str, key: NoteKey) -> Checkpoint:
    return read_checkpoint(note, [key])


def rewrite(server: object, anchored: Anchored, size: int) -> None:
    name = anchored.world.database.name
    with superuser(server, name) as connection:  # type: ignore[arg-type]
        connection.execute("set session_replication_role = replica; set search_path = guerdon")
        connection.execute("delete from log_leaves where position >= %s", (size,))
        connection.execute("delete from log_batches where size > %s", (size,))
        connection.execute("delete from log_checkpoints where size > %s", (size,))


def test_an_anchor_that_was_final_and_is_not_there_is_found(
    anchored: Anchored, tmp_path: Path, capsys: Printed, monkeypatch: Patch
) -> None:
    anchored.grow()
    anchored.until("mined")
    anchored.until("final")
    other = anchored.chain._replace(contract=deploy(anchored.anvil))
    with Node(anchored.anvil.url) as node, anchored.world.database.transaction(TENANT) as tx:
        assert list(Checker(tx, node, anchored.chain).run()) == []
        assert list(Checker(tx, node, other).run()) == [], "nothing was anchored there, nothing is missing"
    with anchored.world.database.transaction(TENANT) as tx, Node(anchored.anvil.url) as node:
        tx.execute(
            "insert into anchors (program_id, place, size, root, state, asked_at, stamped_at, final_at)"
            " select program_id, %s, size, root, state, asked_at, stamped_at, final_at from anchors",
            (other.place,),
        )
        (found,) = Checker(tx, node, other).run()
        tx.rollback()
    assert (found.code, found.table) == ("anchor_missing", "anchors")


def test_the_doctor_asks_the_chain_and_names_what_waits(
    anchored: Anchored, tmp_path: Path, capsys: Printed, monkeypatch: Patch
) -> None:
    def look() -> dict[str, tuple[str, str]]:
        _, out, _ = run(capsys, "doctor", "--json")
        found = {one["check"]: (one["state"], one["detail"]) for one in json.loads(out)["checks"]}
        return {name: one for name, one in found.items() if name.startswith("anchors")}

    monkeypatch.setenv("GUERDON_DATABASE_URL", anchored.world.database.conninfo)
    monkeypatch.setenv("GUERDON_MASTER_KEY", base64.b64encode(MASTER_KEY).decode())
    assert look() == {}, "nothing is configured, nothing is told"
    monkeypatch.setenv("GUERDON_ANCHOR_CHAIN_URL", anchored.anvil.url)
    monkeypatch.setenv("GUERDON_ANCHOR_CONTRACT", anchored.chain.place)
    monkeypatch.setenv("GUERDON_ANCHOR_KEY_FILE", key_file(tmp_path, OWNER))
    place = anchored.chain.place
    assert look() == {
        "anchors": ("ok", f"{place} takes them from our key"),
        "anchors waiting": ("ok", f"0 anchors on the way to {place}"),
    }
    key_file(tmp_path, HEIR)
    assert look()["anchors"] == ("bad", "our key does not own the contract, so it cannot anchor")
    anchored.grow()
    anchored.keeper.carry()
    anchored.clock.now = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setenv("GUERDON_ANCHOR_CHAIN_URL", "http://127.0.0.1:9")
    anchored.chain = anchored.chain._replace(url="http://127.0.0.1:9")
    with pytest.raises(Problem):
        anchored.make_keeper().carry()
    found = look()
    assert found["anchors"] == ("bad", "the chain's node does not answer: ConnectError")
    state, detail = found["anchors waiting"]
    assert state == "look"
    assert detail.startswith(f"1 anchor on the way to {place}")
    assert detail.endswith("; chain_unreachable: the chain's node does not answer: ConnectError")


def test_anchors_are_listed_and_made_on_demand(
    anchored: Anchored, tmp_path: Path, capsys: Printed, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("GUERDON_DATABASE_URL", anchored.world.database.conninfo)
    monkeypatch.setenv("GUERDON_MASTER_KEY", base64.b64encode(MASTER_KEY).decode())
    of_club = ("club", "--tenant", "test")
    code, out, err = run(capsys, "anchor", "list", *of_club)
    assert (code, out, "nothing was anchored yet" in err) == (0, "", True)
    code, _, err = run(capsys, "anchor", "now", *of_club)
    assert (code, "[anchor_not_configured]" in err) == (1, True)
    monkeypatch.setenv("GUERDON_ANCHOR_CHAIN_URL", anchored.anvil.url)
    monkeypatch.setenv("GUERDON_ANCHOR_CONTRACT", anchored.chain.place)
    monkeypatch.setenv("GUERDON_ANCHOR_KEY_FILE", key_file(tmp_path, OWNER))
    code, _, err = run(capsys, "anchor", "now", *of_club)
    assert (code, "nothing is in the log yet" in err) == (0, True)
    size = anchored.grow()
    code, out, err = run(capsys, "anchor", "now", *of_club)
    assert code == 0, err
    assert "sent, in no block yet" in out
    anchored.anvil.mine(20)
    found = json.loads(run(capsys, "anchor", "now", *of_club, "--json")[1])["data"]
    assert [(one["size"], one["state"], one["place"]) for one in found] == [
        (size, "final", anchored.chain.place)
    ]
    assert json.loads(run(capsys, "anchor", "list", *of_club, "--json")[1])["data"] == found
    monkeypatch.setenv("GUERDON_ANCHOR_CHAIN_URL", "http://127.0.0.1:9")
    anchored.grow()
    code, out, err = run(capsys, "anchor", "now", *of_club)
    assert (code, "[chain_unreachable]" in err, "waits to be told" in out) == (1, True, True)
    assert run(capsys, "anchor", "list", "none", "--tenant", "test")[0] == 1
