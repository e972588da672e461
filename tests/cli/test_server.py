"""Verbs that ask a running server, and an import that is cut off."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guerdon.connect.imports.feed import BATCH, BYTES, batches
from guerdon.connect.imports.http import Server
from guerdon.infra.lineindex import index_lines
from tests.backtest.tries import order, write
from tests.cli.conftest import DEFINITION, Run
from tests.served import GUERDON, served, surroundings

KEY = "gk_for-the-tests-of-the-command-line"


CLIMB = """program: climb
currency: USD
timezone: UTC
wallets: {points: {unit: points, worth: 1}}
metrics: {spend: {event: order.paid, value: order.net}}
ladders:
  club:
    metric: spend
    tiers: {bronze: {from: 0}, silver: {from: 100}}
campaigns:
  base: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net}}]}
  deal: {trigger: checkout, then: [{discount: {percent: 10}}]}
rewards:
  pen: {kind: product, price: {points: 5}}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of our own."""
    with served(tmp_path_factory.mktemp("served") / "data", "Traceback", GUERDON_API_KEY=KEY) as address:
        yield address


def test_plan_apply_and_import_by_url(guerdon: Run, definition: Path, tmp_path: Path, url: str) -> None:
    server = ("--url", url, "--key", KEY)
    assert guerdon("plan", definition, *server).code == 2
    assert guerdon("apply", definition, *server).code == 0
    assert guerdon("plan", definition, *server).code == 0
    changed = tmp_path / "changed.yaml"
    changed.write_text(DEFINITION.replace("order.net", "order.net * 2"), encoding="utf-8")
    planned = guerdon("plan", changed, *server, "--json")
    assert (planned.code, json.loads(planned.out)["version"]) == (2, 2)
    Server(url, KEY).ask("POST", "/v1/programs/club/members", b'{"external_id": "anna"}')
    events = write(
        tmp_path / "events.ndjson",
        [
            *(order("anna", "2025-01-02T12:00:00Z") for _ in range(BATCH + 5)),
            "{",
            order("bob", "2025-01-02T12:00:00Z"),
        ],
    )
    said = guerdon("import", events, "--program", "club", *server, "--json")
    assert said.code == 1
    assert json.loads(said.out) == {
        "events": BATCH + 7,
        "applied": BATCH + 5,
        "duplicates": 0,
        "rejected": 2,
        "reasons": {"invalid_json": 1, "member_not_found": 1},
    }
    again = guerdon("import", events, "--program", "club", *server, "--json")
    assert json.loads(again.out)["duplicates"] == BATCH + 5


def test_a_server_tells_whom_a_change_touches_and_why_something_was_decided(
    guerdon: Run, tmp_path: Path, url: str
) -> None:
    server = ("--url", url, "--key", KEY)
    file = tmp_path / "climb.yaml"
    file.write_text(CLIMB, encoding="utf-8")
    assert json.loads(guerdon("plan", file, *server, "--json").out)["new"] is True
    assert guerdon("apply", file, *server).code == 0
    ask = Server(url, KEY).ask
    ask("POST", "/v1/programs/climb/members", b'{"external_id": "cleo"}')
    bought = order("cleo", "2026-01-02T12:00:00Z", "60.00", order="C-1", id="e-1")
    ask("POST", "/v1/programs/climb/events", json.dumps(bought).encode())
    file.write_text(CLIMB.replace("from: 100", "from: 50"), encoding="utf-8")
    planned = json.loads(guerdon("plan", file, *server, "--json").out)
    (moved,) = [one for one in planned["warnings"] if one["code"] == "tiers_move"]
    assert moved["sentence"].startswith("1 of 1 accounts would go up")
    assert (planned["new"], moved["line"], moved["pointer"]) == (False, 7, "/ladders/club")
    taken = ask("POST", "/v1/programs/climb/redemptions", b'{"reward": "pen", "member": "external:cleo"}')[1]
    assert taken["price"] == {"points": "5"}
    lines = [{"id": "1", "price": "20.00", "quantity": 1}]
    checkout = {"member": "external:cleo", "id": "C-2", "lines": lines, "spend": {"points": "3"}}
    checkout["rewards"] = ["pen"]
    opened = ask("PUT", "/v1/programs/climb/checkouts/c-1", json.dumps(checkout).encode())[1]
    assert opened["lines"][0]["net"] == "18.00"
    ask("POST", "/v1/programs/climb/checkouts/c-1/confirm", b"{}")
    events = ask("GET", "/v1/programs/climb/events", b"")[1]["data"]
    assert len(events) == 4
    for name in ("C-1", "C-2", "e-1", *(one["id"] for one in events)):
        said = guerdon("explain", name, "--program", "climb", *server, "--json")
        told = json.loads(said.out)
        assert (said.code, told["program"], told["differences"]) == (0, "climb", [])
    missing = guerdon("explain", "nothing", "--program", "climb", *server)
    assert (missing.code, "[event_not_found]" in missing.err) == (1, True)


@pytest.mark.parametrize(
    ("program", "key", "code"),
    [("clubb", KEY, "program_not_found"), ("club", "gk_another-one", "key_unknown")],
)
def test_what_a_server_refuses_is_said(
    guerdon: Run, tmp_path: Path, url: str, program: str, key: str, code: str
) -> None:
    events = write(tmp_path / "events.ndjson", [order("anna", "2025-01-02T12:00:00Z")])
    said = guerdon("import", events, "--program", program, "--url", url, "--key", key)
    assert (said.code, f"[{code}]" in said.err) == (1, True)


def test_an_import_that_is_killed_is_finished_by_running_it_again(
    guerdon: Run, definition: Path, tmp_path: Path
) -> None:
    home = ("--data", tmp_path / "data")
    assert guerdon("apply", definition, *home).code == 0
    events = write(
        tmp_path / "events.ndjson",
        [
            order(f"m{number % 7}", f"2025-01-01T12:{number // 60:02}:{number % 60:02}Z")
            for number in range(1500)
        ],
    )
    importing = ("import", events, "--program", "club", "--enrol", "--historical", *home)
    killed = subprocess.run(
        [GUERDON, *map(str, importing)],
        env=surroundings(GUERDON_FAILPOINT="after_commit:3"),
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert killed.returncode == -signal.SIGKILL
    again = guerdon(*importing, "--json")
    found = json.loads(again.out)
    assert again.code == found["rejected"] == 0
    assert found["applied"] + found["duplicates"] == 1500
    assert min(found["applied"], found["duplicates"]) > 0
    assert guerdon("verify", *home).code == 0


def test_an_import_with_a_position_goes_on_where_it_was(
    guerdon: Run, definition: Path, tmp_path: Path
) -> None:
    home = ("--data", tmp_path / "data")
    assert guerdon("apply", definition, *home).code == 0
    told = [
        order(f"m{number % 7}", f"2025-01-01T{number // 60 % 24:02}:{number % 60:02}:00Z")
        for number in range(4200)
    ]
    told[5]["data"]["lines"][0]["subtotal"] = "-1"
    events = write(tmp_path / "events.ndjson", told)
    rejects = tmp_path / "refused.ndjson"
    importing = (
        "import",
        events,
        "--program",
        "club",
        "--enrol",
        "--historical",
        "--rejects",
        rejects,
        *home,
    )
    killed = subprocess.run(
        [GUERDON, *map(str, importing)],
        env=surroundings(GUERDON_FAILPOINT="after_commit:14"),
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert killed.returncode == -signal.SIGKILL
    kept = json.loads((tmp_path / "refused.ndjson.position").read_text())
    assert kept["answered"] >= 1000
    again = guerdon(*importing, "--json")
    found = json.loads(again.out)
    assert f"going on after {kept['answered']} of 4200 events" in again.err
    assert (again.code, found["events"], found["rejected"]) == (0, 4200, 1)
    assert found["duplicates"] < 4200 - kept["answered"]
    assert len(rejects.read_text().splitlines()) == 1
    assert not (tmp_path / "refused.ndjson.position").exists()
    assert guerdon("verify", *home).code == 0
    # The same position in front of an empty database is not believed.
    (tmp_path / "refused.ndjson.position").write_text(json.dumps(kept))
    other = ("--data", tmp_path / "other")
    assert guerdon("apply", definition, *other).code == 0
    said = guerdon(*importing[:-2], *other)
    assert (said.code, "[position_of_other_database]" in said.err) == (1, True)


def test_what_is_sent_at_once_has_bounds(tmp_path: Path) -> None:
    small, large = "x" * 10, "x" * (BYTES // 2)
    file = write(tmp_path / "lines", [*[small] * (BATCH + 1), large, large, large, "x" * (BYTES + 1), small])
    lines = index_lines([str(file)], tmp_path, lambda _: 1)
    assert [len(some) for some in batches(lines)] == [BATCH, 2, 1, 1, 1, 1]


def test_doctor_reads_the_figures_of_a_running_server(guerdon: Run, tmp_path: Path, url: str) -> None:
    said = guerdon("doctor", "--url", url, "--data", tmp_path / "none", "--json")
    found = {one["check"]: one for one in json.loads(said.out)["checks"]}
    assert found["server"]["state"] == "ok"
    assert found["server: queue"]["detail"] == "0 commands wait for the engine"
    for check in ("queue", "outbox", "webhooks", "dead letters", "quarantine", "ticks"):
        assert found[f"server: {check}"]["state"] == "ok", found
