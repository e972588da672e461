"""`guerdon explain` on a database: found by order, by event, with its arithmetic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.backtest.tries import event, order, write
from tests.cli.conftest import Run

pytestmark = pytest.mark.xdist_group("cli-home")

DEFINITION = """
program: told
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor}
attributes: {nick: {type: string, personal: true}}
events:
  item.recycled: {data: {grams: int, note: {type: string, personal: true}}}
metrics:
  orders: {event: order.paid}
campaigns:
  base_earn: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net * 2}}]}
  second: {trigger: order.paid, when: metrics.orders >= 2, then: [{multiply: {wallet: points, by: "1.5"}}]}
  gifts:
    trigger: order.paid
    when: "'gift' in order.attributes"
    then: [{award: {wallet: points, amount: "1"}}]
  recycle:
    trigger: item.recycled
    when: event.data.grams > 5
    then: [{award: {wallet: points, amount: "3"}}]
  noted:
    trigger: item.recycled
    when: event.data.note == 'x'
    then: [{award: {wallet: points, amount: "4"}}]
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from guerdon import cli

    folder = tmp_path_factory.mktemp("told")
    definition, data = folder / "told.yaml", folder / "data"
    definition.write_text(DEFINITION, encoding="utf-8")
    assert cli.run(["apply", str(definition), "--data", str(data)]) == 0
    second = order("anna", "2025-01-02T12:00:00Z", "10.55", order="B", id="e-b")
    second["data"]["attributes"] = {"gift": "yes"}
    events = [
        order("anna", "2025-01-01T12:00:00Z", "20.00", order="A", id="e-a"),
        second,
        event("item.recycled", "anna", "2025-01-03T12:00:00Z", id="r", data={"grams": 9, "note": "x"}),
        order(None, "2025-01-03T12:00:00Z", "1.00", order="G"),
    ]
    file = write(folder / "events.ndjson", events)
    home = ["--data", str(data)]
    assert cli.run(["import", str(file), "--program", "told", "--enrol", "--historical", *home]) == 0
    # The version that decided explains, whatever is live now.
    definition.write_text(DEFINITION.replace("order.net * 2", "order.net * 9"), encoding="utf-8")
    assert cli.run(["apply", str(definition), *home]) == 0
    return data


def explained(guerdon: Run, data: Path, *words: str) -> dict[str, dict[str, object]]:
    said = guerdon("explain", *words, "--data", data, "--json")
    assert said.code == 0
    found = json.loads(said.out)
    assert (found["same"], found["program_version"]) == (True, 1)
    return {one["campaign"]: one for one in found["campaigns"]}


def test_an_order_is_found_by_its_id_and_by_its_events(guerdon: Run, told: Path) -> None:
    found = explained(guerdon, told, "B")
    assert found["base_earn"]["sums"] == [
        "order.net * 2 = 21.1, × 1.5 by second = 31.65; rounded down with all awards of the event: 31 points"
    ]
    assert found == explained(guerdon, told, "e-b")
    assert found["second"]["reads"] == {"metrics.orders": "2"}
    first = explained(guerdon, told, "A", "--program", "told")
    assert first["second"]["outcome"] == "condition_false"
    assert first["base_earn"]["sums"] == [
        "order.net * 2 = 40; rounded down with all awards of the event: 40 points"
    ]
    assert first["recycle"]["outcome"] == "other_trigger"


def test_personal_values_are_opened_with_the_key_of_the_person(guerdon: Run, told: Path) -> None:
    found = explained(guerdon, told, "r")
    assert {key: one["outcome"] for key, one in found.items() if one["outcome"] == "acted"} == {
        "recycle": "acted",
        "noted": "acted",
    }


def test_people_read_it_as_a_table(guerdon: Run, told: Path) -> None:
    said = guerdon("explain", "A", "--data", told)
    assert said.code == 0
    assert "its condition does not hold: metrics.orders >= 2" in said.out
    assert "order.net * 2 = 40" in said.out
    assert "metrics.orders = 1" in said.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("none",), "event_not_found"),
        (("A", "--program", "other"), "program_not_found"),
        (("A", "--source", "elsewhere"), "event_not_found"),
        (("G",), "nothing_decided"),
    ],
)
def test_what_cannot_be_explained_has_a_code(
    guerdon: Run, told: Path, words: tuple[str, ...], code: str
) -> None:
    said = guerdon("explain", *words, "--data", told)
    assert said.code == 1
    assert f"[{code}]" in said.err
