"""`guerdon merge` on a database: looked at, done, and mistyped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guerdon.base.ids import number_text
from guerdon.cli.opening import opened_tenant
from tests.backtest.tries import order, write
from tests.cli.conftest import Run
from tests.cli.test_explain import DEFINITION

pytestmark = pytest.mark.xdist_group("cli-home")


def accounts(data: Path) -> list[str]:
    with opened_tenant(str(data), "main") as (_, tx):
        rows = tx.execute("select account_id from accounts order by account_id").fetchall()
    return [number_text("acc", row[0]) for row in rows]


def test_two_accounts_become_one_after_a_look(guerdon: Run, tmp_path: Path) -> None:
    data, definition = tmp_path / "data", tmp_path / "told.yaml"
    definition.write_text(DEFINITION, encoding="utf-8")
    assert guerdon("apply", definition, "--data", data).code == 0
    orders = [order(who, "2025-01-01T12:00:00Z", "20.00", order=who) for who in ("anna", "ben")]
    file = write(tmp_path / "events.ndjson", orders)
    assert guerdon("import", file, "--program", "told", "--enrol", "--data", data).code == 0
    gone, into = accounts(data)
    place = ("--program", "told", "--data", data)
    looked = guerdon("merge", gone, into, *place)
    assert (looked.code, "nothing was changed" in looked.err) == (0, True)
    said = guerdon("merge", gone, into, *place, "--yes", "--json")
    assert said.code == 0, said.err
    merged = json.loads(said.out)
    assert (merged["account"], merged["into"], merged["done"]) == (gone, into, True)
    assert merged["wallets"]["points"]["available"] == "40"
    for words, code in (
        ((gone, into), "account_merged"),
        ((into, into), "same_account"),
        (("anna", into), "account_invalid"),
    ):
        wrong = guerdon("merge", *words, *place)
        assert wrong.code == 1, wrong.err
        assert code in wrong.err
