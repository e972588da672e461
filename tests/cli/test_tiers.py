"""`guerdon tier` on a data folder: given to a day, taken back, and mistyped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guerdon.cli.opening import opened_tenant
from guerdon.programs.audit import list_acts
from tests.backtest.tries import order, write
from tests.cli.conftest import Run

pytestmark = pytest.mark.xdist_group("cli-home")

LADDER = """
program: club
currency: USD
timezone: America/New_York
metrics:
  spend: {event: order.paid, value: order.net}
ladders:
  club:
    metric: spend
    review: calendar_year
    tiers: {bronze: {from: 0}, silver: {from: 500}, gold: {from: 1500}, black: {invitation: true}}
"""
PLACE = ("external:anna", "club")


def test_a_tier_is_given_taken_back_and_mistyped(guerdon: Run, tmp_path: Path) -> None:
    data, definition = tmp_path / "data", tmp_path / "club.yaml"
    definition.write_text(LADDER, encoding="utf-8")
    assert guerdon("apply", definition, "--data", data).code == 0
    events = write(tmp_path / "events.ndjson", [order("anna", "2025-01-01T12:00:00Z", "600.00")])
    assert guerdon("import", events, "--program", "club", "--enrol", "--data", data).code == 0
    where = ("--program", "club", "--data", data)
    why = ("--reason", "gold elsewhere")

    said = guerdon("tier", *PLACE, "gold", "--until", "2099-01-31", *why, *where, "--json")
    assert said.code == 0, said.err
    given = json.loads(said.out)
    assert (given["tier"], given["earned"], given["given"]) == ("gold", "silver", "gold")
    # The last day counts wholly: it ends with the local midnight after it.
    assert given["until"] == "2099-02-01T05:00:00+00:00"
    ended = json.loads(guerdon("tier", *PLACE, "--end", *why, *where, "--json").out)
    assert (ended["tier"], ended["given"], ended["until"]) == ("silver", "", "")

    for words, code in (
        ((*PLACE, "glod", "--until", "2099-01-31"), "unknown_tier"),
        ((*PLACE, "gold", "--until", "31.01.2099"), "until_invalid"),
        ((*PLACE, "gold", "--end"), "tier_or_end"),
        (PLACE, "tier_or_end"),
        (("external:nobody", "club", "black"), "member_not_found"),
    ):
        wrong = guerdon("tier", *words, *why, *where)
        assert wrong.code == 1, (words, wrong.out, wrong.err)
        assert code in wrong.err, (words, wrong.err)
    wrong = guerdon("tier", *PLACE, "black", "--reason", "  ", *where)
    assert wrong.code == 1, wrong.out
    assert "reason" in wrong.err

    with opened_tenant(str(data), "main") as (_, tx):
        acts = [row.act.action for row in list_acts(tx) if row.act.action.startswith("tier.")]
    assert sorted(acts) == ["tier.ended", "tier.given"]
