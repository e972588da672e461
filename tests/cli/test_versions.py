"""Versions on the command line: plan in sentences, export, roll back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import DEFINITION, Run

pytestmark = pytest.mark.xdist_group("cli-home")
REMARKED = DEFINITION.replace("program: club", "# ours\nprogram: remarked")


def test_versions_are_planned_listed_exported_and_rolled_back(
    guerdon: Run, tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "club.yaml"
    path.write_text(REMARKED, encoding="utf-8")
    assert guerdon("apply", path, "--data", home).code == 0
    path.write_text(REMARKED.replace("amount: order.net", 'amount: "5"'), encoding="utf-8")
    planned = guerdon("plan", path, "--data", home)
    assert planned.code == 2
    assert "  ~ Campaign `base_earn` gives 5 points instead of `order.net` points." in planned.err
    assert guerdon("apply", path, "--data", home).code == 0

    exported = guerdon("export", "remarked", "--version", 1, "--data", home)
    assert (exported.code, exported.out) == (0, REMARKED)
    back = guerdon("rollback", "remarked", 1, "--data", home, "--json")
    assert json.loads(back.out) == {"program": "remarked", "version": 3, "changed": True}
    assert guerdon("export", "remarked", "--data", home).out == REMARKED
    again = guerdon("rollback", "remarked", 1, "--data", home)
    assert (again.code, "nothing to do, version 3 says the same" in again.err) == (0, True)

    listed = json.loads(guerdon("versions", "remarked", "--data", home, "--json").out)["data"]
    assert [row["version"] for row in listed] == [3, 2, 1]
    assert listed[0]["sha256"] == listed[2]["sha256"] != listed[1]["sha256"]
    missing = guerdon("rollback", "remarked", 9, "--data", home)
    assert (missing.code, "[program_version_not_found]" in missing.err) == (1, True)
    assert "[program_not_found]" in guerdon("versions", "nothing", "--data", home).err


def test_warnings_stand_with_their_place(guerdon: Run, tmp_path: Path, home: Path) -> None:
    path = tmp_path / "club.yaml"
    more = "  gone: {trigger: order.paied, then: [{badge: star}]}\nbadges: {star: {}}\n"
    path.write_text(DEFINITION.replace("club", "warned") + more, encoding="utf-8")
    said = guerdon("plan", path, "--data", home)
    line = len(path.read_text().splitlines()) - 1
    assert f"warning: {path}:{line}:19: The event type `order.paied`" in said.err
    assert "Did you mean `order.paid`?" in said.err
    data = json.loads(guerdon("plan", path, "--data", home, "--json").out)
    (warning,) = data["warnings"]
    assert (warning["code"], warning["line"], warning["column"]) == ("trigger_unknown", line, 19)
