"""`guerdon doctor` on a folder that is new, in order, and in trouble."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from guerdon.infra.migrations.runner import known_revisions
from guerdon.infra.postgres import EmbeddedPostgres
from tests.cli.conftest import Run

pytestmark = pytest.mark.xdist_group("cli-home")


def checks(text: str) -> dict[str, str]:
    return {one["check"]: one["state"] for one in json.loads(text)["checks"]}


def test_a_new_folder_is_no_illness(guerdon: Run, tmp_path: Path) -> None:
    said = guerdon("doctor", "--data", tmp_path / "new", "--json")
    found = checks(said.out)
    assert (found["database"], found["master key"]) == ("look", "look")
    assert not (tmp_path / "new").exists(), "looking makes nothing"
    assert said.code == (1 if "bad" in found.values() else 0)


def test_a_folder_in_order_and_then_not(guerdon: Run, definition: Path, home: Path) -> None:
    guerdon("apply", definition, "--data", home)
    said = guerdon("doctor", "--data", home)
    assert "migrations" in said.out
    found = checks(guerdon("doctor", "--data", home, "--json").out)
    for check in ("database", "roles", "migrations", "clock", "outbox", "webhooks", "quarantine"):
        assert found[check] == "ok", check
    with EmbeddedPostgres(home) as server, psycopg.connect(server.dsn("superuser")) as connection:
        connection.execute("update guerdon.schema_version set version_num = '0001'")
    assert checks(guerdon("doctor", "--data", home, "--json").out)["migrations"] == "look"
    with EmbeddedPostgres(home) as server:
        assert checks(guerdon("doctor", "--data", home, "--json").out)["database"] == "look"
        with psycopg.connect(server.dsn("superuser")) as connection:
            head = known_revisions()[-1]
            connection.execute("update guerdon.schema_version set version_num = %s", (head,))


def test_a_database_that_does_not_answer_is_bad(guerdon: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUERDON_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    said = guerdon("doctor", "--json", "--url", "http://127.0.0.1:1")
    found = checks(said.out)
    assert said.code == 1
    assert (found["database"], found["master key"], found["server"]) == ("bad", "bad", "bad")
    assert "secret" not in said.out + said.err
