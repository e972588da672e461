"""Telling witnesses: files, webhooks, what fails and comes again, and what settings say wrongly."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from guerdon.base.errors import Problem
from guerdon.connect.webhooks.postman import Tempo
from guerdon.connect.witness import pushes
from guerdon.connect.witness.named import read_witnesses
from guerdon.connect.witness.round import Around, Teller
from guerdon.infra.http import Reach
from guerdon.infra.rounds import Rounds
from guerdon.rules.proofs.cosigned import witness_key
from guerdon.rules.proofs.notes import NoteKey, public_of
from tests.rooms.engine.conftest import TENANT, World, world
from tests.rooms.ledger.test_log import busy, keep_log
from tests.rooms.webhooks.receiver import Came, Receiver, Says

__all__ = ["world"]

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
WITNESS_KEY = witness_key("guerdon-witness/other", bytes(range(32))).text
HURRIED = Tempo(first=timedelta(milliseconds=20), factor=1, longest=timedelta(milliseconds=20))


def now() -> datetime:
    return datetime.now(UTC)


def teller(world: World, folder: Path, **how: Any) -> Teller:
    path = folder / "witnesses.json"
    path.write_text(json.dumps([{"name": "one", **how}]), encoding="utf-8")
    witness = read_witnesses(path, allow_loopback=True)[0]
    around = Around(world.database, now, random.Random(1), Reach(5.0, allow_loopback=True), HURRIED)
    return Teller(witness, around, Rounds(now))


def push(world: World) -> pushes.Push:
    with world.database.transaction(TENANT) as tx:
        return pushes.list_pushes(tx, "club")[0]


def until(asked: Callable[[], bool]) -> None:
    for _ in range(500):
        if asked():
            return
        time.sleep(0.02)
    raise AssertionError("it never came about")


def test_each_head_is_a_line_of_a_file(world: World, tmp_path: Path) -> None:
    busy(world, people=2, orders=2)
    keep_log(world)
    file = tmp_path / "heads.ndjson"
    one = teller(world, tmp_path, file=str(file))
    assert (one.tell_all(), one.tell_all()) == (1, 0)
    busy(world, people=2, orders=2)
    keep_log(world)
    assert one.tell_all() == 1
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [sorted(line) for line in lines] == [["log", "note", "root", "size", "written_at"]] * 2
    assert lines[0]["size"] < lines[1]["size"] == push(world).size
    assert lines[1]["log"] == "guerdon/test/club"


def test_a_file_that_cannot_be_written_is_told_and_tried_again(world: World, tmp_path: Path) -> None:
    busy(world, people=1, orders=1)
    keep_log(world)
    folder = tmp_path / "away"
    one = teller(world, tmp_path, file=str(folder / "heads.ndjson"))
    assert one.tell_all() == 0
    assert push(world).problem == "file_no_such_file_or_directory"
    assert push(world).refused_at is None
    folder.mkdir()
    until(lambda: one.tell_all() == 1)
    assert (push(world).problem, push(world).attempts) == ("", 0)


def test_a_webhook_is_signed_and_called_again_until_it_answers(world: World, tmp_path: Path) -> None:
    busy(world, people=1, orders=1)
    keep_log(world)

    def answers(number: int, _: Came) -> Says:
        return Says(500 if number < 2 else 204)

    with Receiver(answers) as receiver:
        one = teller(world, tmp_path, webhook=receiver.url, secret=SECRET)
        assert one.tell_all() == 0
        assert push(world).problem == "answered_500"
        until(lambda: one.tell_all() == 1)
        assert len(receiver.came) == 3
        assert len({came.message for came in receiver.came}) == 1, "the same head is the same message"
        came = receiver.came[-1]
        event = Webhook(SECRET).verify(came.body, came.headers)
        assert event["type"] == "log.checkpoint.signed"
        assert event["data"]["size"] == push(world).size


def test_of_two_processes_one_tells(world: World, tmp_path: Path) -> None:
    busy(world, people=1, orders=1)
    keep_log(world)
    with Receiver() as receiver:
        tellers = [teller(world, tmp_path, webhook=receiver.url, secret=SECRET) for _ in range(4)]
        for one in tellers:
            one.start()
        until(lambda: bool(receiver.came) and push(world).size > 0)
        for one in tellers:
            one.stop()
        assert len(receiver.came) == 1


def test_a_witness_that_is_away_holds_nobody_up(world: World, tmp_path: Path) -> None:
    busy(world, people=1, orders=1)
    keep_log(world)
    with Receiver() as receiver:
        gone = receiver.url
    url = gone.removesuffix("/in")
    one = teller(world, tmp_path, guerdon=url, api_key="gk_x", key=WITNESS_KEY)
    assert one.tell_all() == 0
    assert push(world).problem == "unreachable"
    with Receiver(lambda _number, _came: Says(200, body=b"not a signature\n")) as receiver:
        one = teller(world, tmp_path, guerdon=receiver.url, api_key="gk_x", key=WITNESS_KEY)
        until(lambda: one.tell_all() == 0 and push(world).problem == "cosignature_wrong")
        assert receiver.came[0].path == "/in/add-checkpoint"
        assert receiver.came[0].headers["authorization"] == "Bearer gk_x"
        assert receiver.came[0].body.startswith(b"old 0\n\nguerdon/test/club\n")
    assert push(world).refused_at is None


def test_what_a_witness_says_is_told_in_its_words(world: World, tmp_path: Path) -> None:
    busy(world, people=1, orders=1)
    keep_log(world)
    said = iter([b'{"code": "scope_missing"}', b'{"code": "<script>"}', b"no json"])
    with Receiver(lambda _number, _came: Says(403, body=next(said, b""))) as receiver:
        one = teller(world, tmp_path, guerdon=receiver.url, api_key="gk_x", key=WITNESS_KEY)
        one.tell_all()
        assert push(world).problem == "scope_missing"
        until(lambda: one.tell_all() == 0 and len(receiver.came) == 2)
        assert push(world).problem == "answered_403"


def test_logs_that_nobody_asked_about_are_not_told(world: World, tmp_path: Path) -> None:
    busy(world, people=1, orders=1)
    keep_log(world)
    file = tmp_path / "heads.ndjson"
    assert teller(world, tmp_path, file=str(file), logs=["guerdon/main/other"]).tell_all() == 0
    assert not file.exists()
    assert teller(world, tmp_path, file=str(file), logs=["guerdon/test/club"]).tell_all() == 1


@pytest.mark.parametrize(
    ("witnesses", "pointer"),
    [
        ("nonsense", ""),
        ({"name": "a"}, ""),
        ([{"name": "a"}], "/0"),
        ([{"name": "A b", "file": "/x"}], ""),
        ([{"name": "a", "file": "/x", "webhook": "https://x.example"}], "/0"),
        ([{"name": "a", "file": "heads"}], "/0/file"),
        ([{"name": "a", "file": "/x", "fiel": "/y"}], ""),
        ([{"name": "a", "file": "/x"}, {"name": "a", "file": "/y"}], "/1/name"),
        ([{"name": "a", "file": "/x", "secret": SECRET}], "/0/secret"),
        ([{"name": "a", "webhook": "http://x.example", "secret": SECRET}], "/0/webhook"),
        ([{"name": "a", "webhook": "https://10.0.0.1/", "secret": SECRET}], "/0/webhook"),
        ([{"name": "a", "webhook": "https://x.example"}], "/0/secret"),
        ([{"name": "a", "webhook": "https://x.example", "secret": "whsec_!"}], "/0/secret"),
        ([{"name": "a", "guerdon": "https://x.example/v1/witness", "key": WITNESS_KEY}], "/0/api_key"),
        ([{"name": "a", "guerdon": "https://x.example", "api_key": "gk_x", "key": "x"}], "/0/key"),
        (
            [{"name": "a", "guerdon": "https://x.example", "api_key": "gk_x",
              "key": NoteKey("a", public_of(bytes(32))).text}],
            "/0/key",
        ),
        ([{"name": f"w{number}", "file": "/x"} for number in range(21)], ""),
    ],
)  # fmt: skip
def test_what_is_written_wrongly_is_named(tmp_path: Path, witnesses: Any, pointer: str) -> None:
    path = tmp_path / "witnesses.json"
    path.write_text(witnesses if isinstance(witnesses, str) else json.dumps(witnesses), encoding="utf-8")
    with pytest.raises(Problem) as caught:
        read_witnesses(path)
    assert caught.value.code == "settings_invalid"
    assert caught.value.faults[0].pointer == f"/witnesses{pointer}"
    assert SECRET not in str(caught.value)


def test_a_file_of_witnesses_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        read_witnesses(tmp_path / "none.json")
