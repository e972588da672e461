"""The examples run as they stand, one after the other, against a served engine."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.served import served, surroundings

KEY = "gk_for-the-examples-in-python"
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SECONDS = 110


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a served engine that may call this machine."""
    settings = {"GUERDON_API_KEY": KEY, "GUERDON_ALLOW_LOOPBACK": "1", "GUERDON_LOG_LEVEL": "warning"}
    with served(tmp_path_factory.mktemp("examples") / "data", "fault", **settings) as address:
        yield address


def run(url: str, name: str, *words: str) -> list[str]:
    """Run an example as a reader would, and give the lines that it printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *words],
        env=surroundings(GUERDON_API_KEY=KEY, GUERDON_URL=url, PYTHONWARNINGS="error"),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_each_example_has_a_test() -> None:
    named = {path.name for path in EXAMPLES}
    assert named == {"shop_webhook.py", "till.py", "last_year.py", "hear_webhooks.py", "nightly_crm.py"}
    for path in EXAMPLES:
        assert path.name in Path(__file__).read_text(encoding="utf-8")


def test_a_shop_s_orders_earn_once(url: str) -> None:
    assert run(url, "shop_webhook.py") == ["first: applied, again: duplicate", "points: 25"]


def test_the_till_serves_somebody(url: str) -> None:
    lines = run(url, "till.py")
    assert re.fullmatch(r"card \S+", lines[0])
    assert lines[1] == "applied, then duplicate: 53 points"
    assert "  coffee: yes" in lines
    assert any(line.startswith("  tote_bag: {") for line in lines)
    assert lines[-2:] == ["a coffee is handed out, 33 points are left", "no bag yet: insufficient_units"]


def test_last_year_is_tried_and_then_taken_in(url: str) -> None:
    first, again = run(url, "last_year.py"), run(url, "last_year.py")
    said = [line for line in first if line.startswith("the ")]
    would, did = (int(re.sub(r"\D", "", line)) for line in said)
    assert would == did > 10_000
    assert [line for line in again if line.startswith("the ")] == said, "what came twice counts once"


def test_notices_are_heard_and_forged_ones_are_not(url: str) -> None:
    assert run(url, "hear_webhooks.py") == [
        "a forged notice is answered 401",
        "heard of order.paid, tier.changed",
        "points: 120",
        "tier: regular",
    ]


def test_the_crm_is_in_line_after_one_night(url: str, tmp_path: Path) -> None:
    out = tmp_path / "members.csv"
    lines = run(url, "nightly_crm.py", str(out))
    assert lines[:2] == ["3 enrolled, 3 changed", "0 enrolled, 0 changed"]
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert {"crm-1", "crm-2", "crm-3"} <= {row["number"] for row in rows}
    assert lines[2] == f"{len(rows)} members written"


def test_the_document_s_own_program_runs(url: str, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    run(url, "till.py")  # which applies the definition
    program = tmp_path / "program.py"
    program.write_text(block, encoding="utf-8")
    assert run(url, str(program)) == ["applied 159", "insufficient_units 409"]
