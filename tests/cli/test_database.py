"""Verbs on a database: plan, apply, import, verify, keys."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from guerdon.infra.postgres import EmbeddedPostgres
from tests.backtest.tries import order, write
from tests.cli.conftest import DEFINITION, Run


def test_plan_and_apply(guerdon: Run, definition: Path, tmp_path: Path) -> None:
    home = tmp_path / "new"
    first = guerdon("plan", definition, "--data", home)
    assert (first.code, "a new program" in first.err) == (2, True)
    applied = guerdon("apply", definition, "--data", home, "--json")
    assert (applied.code, json.loads(applied.out)["version"]) == (0, 1)
    assert guerdon("plan", definition, "--data", home).code == 0
    again = guerdon("apply", definition, "--data", home)
    assert (again.code, "nothing to do" in again.err) == (0, True)


def test_plan_shows_differences(guerdon: Run, tmp_path: Path, home: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(DEFINITION.replace("amount: order.net", 'amount: "5"'), encoding="utf-8")
    said = guerdon("plan", other, "--data", home, "--json")
    assert said.code == 2
    plan = json.loads(said.out)
    assert (plan["version"], plan["changed"], plan["new"]) == (2, True, False)
    assert [one["pointer"] for one in plan["changes"]] == ["/campaigns/base_earn/then/0"]
    euros = tmp_path / "euros.yaml"
    euros.write_text(DEFINITION.replace("USD", "EUR"), encoding="utf-8")
    refused = guerdon("plan", euros, "--data", home)
    assert (refused.code, "[currency_changed]" in refused.err) == (1, True)


def test_import_counts_once_and_lists_refusals(guerdon: Run, tmp_path: Path, home: Path) -> None:
    events = write(
        tmp_path / "events.ndjson",
        [
            order("anna", "2025-01-02T12:00:00Z", "20.00"),
            order("anna", "2025-01-01T12:00:00Z", "10.00"),
            "{broken",
            order("anna", "2025-01-03T12:00:00Z", "-1.00"),
        ],
    )
    importing = ("import", events, "--program", "club", "--enrol", "--historical", "--data", home)
    said = guerdon(*importing)
    assert said.code == 1
    assert "events.ndjson:3:" in said.err
    assert "[negative_amount]" in said.err
    again = guerdon(*importing, "--json", "--rejects", tmp_path / "refused.ndjson")
    assert again.code == 0
    assert json.loads(again.out) == {
        "events": 4,
        "applied": 0,
        "duplicates": 2,
        "rejected": 2,
        "reasons": {"invalid_json": 1, "negative_amount": 1},
    }
    lines = (tmp_path / "refused.ndjson").read_text(encoding="utf-8").splitlines()
    refused = {one["line"]: one for one in map(json.loads, lines)}
    assert refused[3]["event"] == "{broken"
    assert refused[4]["errors"][0]["pointer"] == "/data/lines/0/subtotal"


def test_unknown_members_are_refused_without_enrol(guerdon: Run, tmp_path: Path, home: Path) -> None:
    events = write(tmp_path / "events.ndjson", [order("nobody", "2025-01-02T12:00:00Z")])
    said = guerdon("import", events, "--program", "club", "--data", home)
    assert (said.code, "[member_not_found]" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("import", "{events}", "--program", "clubb"), "program_not_found"),
        (("import", "none", "--program", "club"), "file_not_found"),
        (("import", "{events}", "--program", "club", "--rejects", "{home}"), "rejects_not_written"),
        (("import", "{events}", "--program", "club", "--url", "http://127.0.0.1:1"), "key_missing"),
        (("import", "{events}", "--program", "club", "--url", "x", "--key", "gk_x"), "url_invalid"),
        (
            ("import", "{events}", "--program", "club", "--url", "http://127.0.0.1:1", "--key", "gk_x"),
            "server_unreachable",
        ),
        (("import", "{events}", "--program", "club", "--url", "x", "--enrol"), "not_by_url"),
        (("keys", "revoke", "x"), "key_not_found"),
        (("keys", "create", "--scopes", "everything"), "scope_unknown"),
        (("keys", "create", "--tenant", "No!"), "tenant_key_invalid"),
        (("apply", "none.yaml"), "file_not_found"),
    ],
)
def test_wrong_arguments_get_a_code(
    guerdon: Run, tmp_path: Path, home: Path, arguments: tuple[str, ...], code: str
) -> None:
    events = write(tmp_path / "events.ndjson", [order("anna", "2025-01-02T12:00:00Z")])
    names = {"{events}": events, "{home}": home}
    said = guerdon(*(names.get(word, word) for word in arguments), "--data", home)
    assert said.code == 1
    assert f"[{code}]" in said.err


def test_keys_are_made_listed_and_ended(guerdon: Run, home: Path) -> None:
    made = guerdon("keys", "create", "--tenant", "demo", "--scopes", "all", "--data", home)
    assert made.code == 0
    assert made.out.startswith("gk_")
    assert len(made.out.split()) == 1
    listed = json.loads(guerdon("keys", "list", "--tenant", "demo", "--data", home, "--json").out)["data"]
    assert [one["scopes"] for one in listed] == [["all"]]
    assert made.out.strip() not in json.dumps(listed)
    assert guerdon("keys", "revoke", listed[0]["id"], "--tenant", "demo", "--data", home).code == 0
    shown = json.loads(guerdon("keys", "list", "--tenant", "demo", "--data", home, "--json").out)["data"]
    assert shown[0]["revoked_at"] is not None


def test_what_is_not_there_does_not_hold(guerdon: Run, tmp_path: Path) -> None:
    said = guerdon("verify", "--data", tmp_path / "mistyped")
    assert (said.code, "[data_not_found]" in said.err) == (1, True)
    assert not (tmp_path / "mistyped").exists()


def test_verify_holds_and_then_does_not(guerdon: Run, tmp_path: Path, home: Path) -> None:
    events = write(tmp_path / "events.ndjson", [order("anna", "2025-01-02T12:00:00Z", "20.00")])
    assert guerdon("import", events, "--program", "club", "--enrol", "--data", home).code == 0
    assert guerdon("verify", "--data", home).code == 0
    with EmbeddedPostgres(home) as server, psycopg.connect(server.dsn("superuser")) as connection:
        connection.execute("update guerdon.wallets set available = available + 1")
    said = guerdon("verify", "--data", home, "--json")
    assert said.code == 1
    found = json.loads(said.out)
    assert found["holds"] is False
    assert {one["code"] for one in found["first"]} == {"wallets_unlike_lots"}
    assert guerdon("verify", "--data", home).out.count("wallets_unlike_lots") == found["findings"]


def test_a_folder_that_a_server_holds_is_named(guerdon: Run, home: Path) -> None:
    with EmbeddedPostgres(home):
        said = guerdon("verify", "--data", home)
    assert said.code == 1
    assert "[data_in_use]" in said.err
    assert "--url" in said.err
