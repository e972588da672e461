"""`guerdon keys`: rotation and limits from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_a_key_is_rotated(guerdon: Run, home: Path) -> None:
    there = ("--tenant", "rotating", "--data", home)
    made = json.loads(guerdon("keys", "create", *there, "--rate-limit", "5", "--json").out)
    assert made["rate_limit"] == 5
    said = guerdon("keys", "rotate", made["id"], *there, "--overlap-hours", "2")
    assert said.code == 0, said.err
    assert said.out.startswith("gk_")
    assert "2 hours" in said.err
    old, heir = json.loads(guerdon("keys", "list", *there, "--json").out)["data"]
    assert (old["replaced_by"], heir["rate_limit"], heir["expires_at"]) == (heir["id"], 5, None)
    assert old["expires_at"] is not None
    again = guerdon("keys", "rotate", made["id"], *there)
    assert (again.code, "[key_ended]" in again.err) == (1, True)
    missing = guerdon("keys", "rotate", "key_0000000000000", *there)
    assert (missing.code, "[key_not_found]" in missing.err) == (1, True)
    wrong = guerdon("keys", "create", *there, "--rate-limit", "-5")
    assert (wrong.code, "[rate_limit_invalid]" in wrong.err) == (1, True)
