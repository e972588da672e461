"""`guerdon causes` on a database: what is due, paid once, and mistyped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.backtest.tries import order, write
from tests.cli.conftest import Run

pytestmark = pytest.mark.xdist_group("cli-home")
DEFINITION = """
program: told
currency: USD
timezone: America/New_York
wallets: {points: {unit: points}}
campaigns:
  thanks: {trigger: order.paid, then: [{grant: well}]}
causes: {wells: {name: Wells, match: 1}}
rewards: {well: {kind: donation, cause: wells, worth: "2.50"}}
"""


def test_a_charity_is_paid_once(guerdon: Run, tmp_path: Path) -> None:
    data, definition = tmp_path / "data", tmp_path / "told.yaml"
    definition.write_text(DEFINITION, encoding="utf-8")
    assert guerdon("apply", definition, "--data", data).code == 0
    file = write(tmp_path / "events.ndjson", [order("anna", "2025-01-01T12:00:00Z", "20.00", order="A")])
    done = guerdon("import", file, "--program", "told", "--enrol", "--historical", "--data", data)
    assert done.code == 0, done.err
    place = ("--program", "told", "--data", data)
    (due,) = json.loads(guerdon("causes", "due", *place, "--json").out)
    assert (due["period"], due["due"], due["donations"]) == ("2025-01", "5.00", 1)
    paid = guerdon("causes", "payout", "wells", "2025-01", *place, "--reference", "transfer 4711")
    assert paid.code == 0, paid.err
    assert "USD 5.00 of 1 donations" in paid.out + paid.err
    for words, code in (
        (("wells", "2025-01"), "nothing_due"),
        (("wells", "2025-1"), "period_invalid"),
        (("well", "2025-01"), "cause_not_found"),
    ):
        wrong = guerdon("causes", "payout", *words, *place)
        assert (wrong.code, code in wrong.err) == (1, True), wrong.err
