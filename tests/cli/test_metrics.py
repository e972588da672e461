"""`guerdon metrics`: after a change of a metric, how many accounts wait, and counted before one's eyes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from guerdon.cli.opening import opened_tenant
from guerdon.infra.postgres import EmbeddedPostgres
from tests.backtest.tries import order, write
from tests.cli.conftest import Run
from tests.databases import create_database, drop_database, server, template

__all__ = ["server", "template"]
CLUB = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor}
metrics:
  spend: {event: order.paid, value: order.net}
campaigns:
  base_earn: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net}}]}
"""


@pytest.fixture
def served(
    guerdon: Run, server: EmbeddedPostgres, template: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """The same on a server that runs already: a folder's own would be started by each command."""
    create_database(server, "counting", template)
    monkeypatch.setenv("GUERDON_DATABASE_URL", server.dsn(database="counting"))
    monkeypatch.setenv("GUERDON_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    yield guerdon
    drop_database(server, "counting")


def test_a_changed_metric_is_counted_before_ones_eyes(served: Run, tmp_path: Path) -> None:
    guerdon = served
    definition = tmp_path / "club.yaml"
    definition.write_text(CLUB, encoding="utf-8")
    first = guerdon("apply", definition)
    assert (first.code, "counted from history" in first.err + first.out) == (0, False)
    orders = [order(f"m{number}", "2025-01-01T12:00:00Z", "10.00") for number in range(60)]
    events = write(tmp_path / "events.ndjson", orders)
    assert guerdon("import", events, "--program", "club", "--enrol").code == 0
    assert json.loads(guerdon("metrics", "club", "--json").out)["waiting"] == 0

    definition.write_text(CLUB.replace("value: order.net}", "value: order.net * 2}"), encoding="utf-8")
    said = guerdon("apply", definition)
    assert "60 accounts will be counted from history" in said.err + said.out
    assert "60 of 60 accounts wait" in guerdon("metrics", "club").err
    done = guerdon("metrics", "club", "--follow", "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {"program": "club", "version": 2, "waiting": 0, "accounts": 60}
    with opened_tenant(None, "main") as (_, tx):
        found = tx.execute("select distinct total from metric_buckets where total = 20").fetchall()
    assert len(found) == 1

    wrong = guerdon("metrics", "clubb")
    assert (wrong.code, "program_not_found" in wrong.err) == (1, True)
