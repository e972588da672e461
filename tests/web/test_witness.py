"""Two real servers, a log and its witness: what was seen once cannot be rewritten unseen."""

from __future__ import annotations

import itertools
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from guerdon import cli
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.rules.proofs.cosigned import read_cosignature
from guerdon.rules.proofs.notes import COSIGNATURE, NoteKey, read_checkpoint
from tests.databases import create_database, drop_database, superuser
from tests.rooms.webhooks.receiver import Receiver
from tests.web.conftest import MASTER_KEY, PROGRAM, order
from tests.web.test_serving import KEY, ask, serving

_NUMBERS = itertools.count(1)
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TABLES = ("log_cosignatures", "log_checkpoints", "log_batches", "log_nodes", "log_leaves", "log_begun")


@pytest.fixture
def served(server: EmbeddedPostgres, template: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts servers, each on a database of its own."""
    with ExitStack() as stack:
        names: list[str] = []

        def start(name: str, **environment: str) -> tuple[Any, str]:
            database = f"witness_{name}_{next(_NUMBERS)}" if not name.startswith("witness_") else name
            if database not in names:
                create_database(server, database, template)
                names.append(database)
            given = {
                "GUERDON_DATABASE_URL": server.dsn(database=database),
                "GUERDON_MASTER_KEY": MASTER_KEY,
                "GUERDON_SIGN_EVERY": "1",
                "GUERDON_ALLOW_LOOPBACK": "1",
                "GUERDON_LOG_LEVEL": "error",
                **environment,
            }
            process, address = stack.enter_context(serving(tmp_path / database, 0, **given))
            return (process, database), address

        yield start
        stack.close()
        for one in names:
            drop_database(server, one)


def waited(asked: Callable[[], Any], seconds: float = 60) -> Any:
    """Ask until there is an answer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = asked()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it never came about")


def buy(address: str, *names: str) -> None:
    for name in names:
        assert ask("POST", f"{address}/v1/programs/club/events", order(name))["status"] == "applied"


def pushes(address: str) -> dict[str, dict[str, Any]]:
    data = ask("GET", f"{address}/v1/programs/club/log/witnesses")["data"]
    return {one["witness"]: one for one in data}


def head_of(address: str) -> dict[str, Any]:
    return dict(ask("GET", f"{address}/v1/programs/club/log/checkpoint"))


def named(witness: str, folder: Path, hook: str) -> str:
    """The file that says who is told."""
    about = ask("GET", f"{witness}/v1/witness")
    path = folder / "witnesses.json"
    listed = [
        {"name": "brother", "guerdon": f"{witness}/v1/witness", "api_key": KEY, "key": about["key"]},
        {"name": "paper", "file": str(folder / "heads.ndjson")},
        {"name": "bell", "webhook": hook, "secret": SECRET},
    ]
    path.write_text(json.dumps(listed), encoding="utf-8")
    return str(path)


def told(address: str, size: int) -> bool:
    """Whether everybody took the newest head, and that covers so much at least."""
    head = head_of(address)
    known = [one["size"] for one in pushes(address).values()]
    return known == [head["size"]] * 3 and head["size"] >= size


def rewrite(server: EmbeddedPostgres, database: str) -> None:
    """Change an amount in the journal and everything that hangs on it, and begin the log anew."""
    with superuser(server, database) as connection:
        connection.execute("set session_replication_role = replica; set search_path = guerdon")
        connection.execute("update entries set amount = amount * 2 where seq = 1")
        connection.execute("update transactions set leaf_hash = sha256(leaf_hash) where seq = 1")
        for table in TABLES:
            connection.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))


def figure(address: str, name: str) -> float:
    with urllib.request.urlopen(f"{address}/metrics") as answer:  # noqa: S310 - an address of our own
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split(" ")[1])


def doctor(
    address: str, capsys: pytest.CaptureFixture[str], monkeypatch: Any, database: str
) -> dict[str, str]:
    monkeypatch.setenv("GUERDON_DATABASE_URL", database)
    monkeypatch.setenv("GUERDON_MASTER_KEY", MASTER_KEY)
    cli.run(["doctor", "--url", address, "--json"])
    return {one["check"]: one["state"] for one in json.loads(capsys.readouterr().out)["checks"]}


def test_a_witness_notices_a_rewritten_log(
    server: EmbeddedPostgres,
    served: Callable[..., Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (_, theirs), witness = served("theirs")
    with Receiver() as bell:
        environment = {"GUERDON_WITNESSES": named(witness, tmp_path, bell.url)}
        (process, ours), address = served("ours", **environment)
        ask("PUT", f"{address}/v1/programs/club", PROGRAM.encode(), "application/yaml")
        key = ask("GET", f"{address}/v1/programs/club/log/keys")["data"][-1]["key"]
        ask("POST", f"{witness}/v1/witness/logs", {"key": key})
        ask("POST", f"{address}/v1/programs/club/members", {"external_id": "ananya"})
        buy(address, "o1", "o2", "o3")
        waited(lambda: told(address, 3))
        seen = ask("GET", f"{witness}/v1/witness/logs")["data"][0]
        head = head_of(address)
        assert (seen["log"], seen["size"], seen["alarms"]) == ("guerdon/main/club", head["size"], 0)
        assert seen["checkpoint"] == head["note"]
        buy(address, "o4", "o5")
        waited(lambda: told(address, head["size"] + 1))
        lines = [json.loads(line) for line in (tmp_path / "heads.ndjson").read_text().splitlines()]
        assert [one["size"] for one in lines] == sorted({one["size"] for one in lines})
        last = head_of(address)
        assert lines[-1]["note"] == last["note"]
        assert read_checkpoint(lines[-1]["note"], [NoteKey.read(key)]).size == last["size"]
        assert [one.event["data"]["size"] for one in bell.came][-1] == last["size"]
        assert bell.came[-1].headers["webhook-signature"].startswith("v1,")
        check_published(address, key, ask("GET", f"{witness}/v1/witness")["key"])
        assert figure(witness, "guerdon_witness_alarms") == 0

        process.terminate()
        process.wait(60)
        rewrite(server, ours)
        _, address = served(ours, **environment)
        refused = waited(lambda: pushes(address)["brother"]["refused_at"] and pushes(address)["brother"])
        assert refused["problem"] == "witness_saw_another"
        alarm = ask("GET", f"{witness}/v1/witness/alarms")["data"][0]
        assert alarm["kind"] in {"forked", "rewritten"}
        assert read_checkpoint(alarm["checkpoint"], [NoteKey.read(key)]).origin == "guerdon/main/club"
        # The old head still stands at the witness, and the log grows in vain.
        buy(address, "o6")
        assert ask("GET", f"{witness}/v1/witness/logs")["data"][0]["checkpoint"] == last["note"]
        waited(lambda: figure(address, "guerdon_witness_refusals") == 1)
        waited(lambda: figure(witness, "guerdon_witness_alarms") >= 1)
        found = doctor(witness, capsys, monkeypatch, server.dsn(database=theirs))
        assert (found["watched logs"], found["server: watched logs"]) == ("bad", "look")
        found = doctor(address, capsys, monkeypatch, server.dsn(database=ours))
        assert (found["witnesses"], found["server: witnesses"]) == ("bad", "look")
        for one in ask("GET", f"{witness}/v1/witness/alarms")["data"]:
            ask("POST", f"{witness}/v1/witness/alarms/{one['id']}/settle")
        assert ask("GET", f"{witness}/v1/witness/logs")["data"][0]["alarms"] == 0


def check_published(address: str, key: str, witness_key: str) -> None:
    """Whoever has no key reads the head, with the witness's signature under it."""

    def read() -> str:
        with urllib.request.urlopen(f"{address}/log/main/club/checkpoint") as answer:  # noqa: S310 - an address of our own
            assert answer.headers["content-type"].startswith("text/plain")
            return str(answer.read().decode())

    note = waited(lambda: (found := read()).count("— ") == 2 and found)
    assert read_checkpoint(note, [NoteKey.read(key)]).origin == "guerdon/main/club"
    line = note.splitlines(keepends=True)[-1]
    assert read_cosignature(note, line, NoteKey.read(witness_key, COSIGNATURE)) > 1_700_000_000
