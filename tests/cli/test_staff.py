"""`guerdon staff`: somebody is added, gets another password, and is sent away."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_somebody_is_added_listed_and_ended(guerdon: Run, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    added = guerdon("staff", "add", "Rita@Shop.example", "--role", "owner", "--data", data)
    assert added.code == 0, added.err
    password = added.out.strip()
    assert len(password) == 23
    assert "rita@shop.example signs in as owner" in added.err
    again = guerdon("staff", "add", "rita@shop.example", "--data", data)
    assert (again.code, "[staff_exists]" in again.err) == (1, True)
    wrong = guerdon("staff", "add", "x@shop.example", "--role", "king", "--data", data)
    assert (wrong.code, "[role_unknown]" in wrong.err) == (1, True)
    last = guerdon("staff", "end", "rita@shop.example", "--data", data)
    assert (last.code, "[last_owner]" in last.err) == (1, True)
    fresh = json.loads(guerdon("staff", "password", "rita@shop.example", "--data", data, "--json").out)
    assert fresh["password"] != password
    assert guerdon("staff", "add", "paul@shop.example", "--role", "owner", "--data", data).code == 0
    assert guerdon("staff", "end", "rita@shop.example", "--data", data).code == 0
    gone = guerdon("staff", "password", "rita@shop.example", "--data", data)
    assert (gone.code, "[staff_not_found]" in gone.err) == (1, True)
    rows = json.loads(guerdon("staff", "list", "--data", data, "--json").out)
    assert [(row["email"], row["ended_at"] is None) for row in rows] == [
        ("rita@shop.example", False),
        ("paul@shop.example", True),
    ]
    assert "password" not in rows[0]
