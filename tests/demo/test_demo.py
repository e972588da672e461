"""`guerdon demo` as a newcomer meets it: page, key, three commands, Ctrl-C, and the same again tomorrow."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import ROOT
from tests.demo.running import GUERDON, Demo, call, clean_environment, free_port, servers_of, taken_port

# Each of them starts a PostgreSQL; on one worker they do not do so all at once.
pytestmark = pytest.mark.xdist_group("demo")


def _run(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GUERDON, *words],
        cwd=folder,
        env=clean_environment() | settings,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def _backtest(folder: Path, members: int) -> dict[str, Any]:
    """Work out by backtest what the demo has to come to."""
    written = _run(folder, "demo", "--members", str(members), "--write", "year.ndjson", "--returns")
    assert written.returncode == 0, written.stderr
    program = str(ROOT / "examples" / "backpack-club.yaml")
    done = _run(folder, "backtest", program, "--events", "year.ndjson", "--report", "out")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads((folder / "out" / "report.json").read_bytes())
    return report


def _ask(demo: Demo, path: str, key: str) -> Any:
    words = ["curl", "-s", "-H", f"Authorization: Bearer {key}", f"{demo.address}/v1{path}"]
    return call(words)


def _moved_at_the_counter(demo: Demo, key: str) -> Decimal:
    """Work out what came after the year: rewards paid for, the old shop's order, a mistake made good."""
    club = "/programs/backpack-club"
    last = json.loads((demo.data / "year.ndjson").read_text(encoding="utf-8").splitlines()[-1])
    ended_at, paid = datetime.fromisoformat(last["time"]), Decimal(0)
    page = _ask(demo, f"{club}/redemptions?limit=200", key)
    rows = page["data"]
    while page["next"]:
        page = _ask(demo, f"{club}/redemptions?limit=200&cursor={page['next']}", key)
        rows += page["data"]
    for one in rows:
        if one["status"] != "cancelled" and datetime.fromisoformat(one["issued_at"]) > ended_at:
            paid += Decimal(one["price"].get("points", "0")) * one["quantity"]
    explained = _ask(demo, f"{club}/orders/OLD-17/explanation", key)
    sums = [text for one in explained["campaigns"] for text in one["sums"]]
    earned = sum(Decimal(text.split()[-2]) for text in sums if text.endswith("points"))
    # Who took the quiz of the bags and knew enough got the same for it, once.
    known: int = _ask(demo, f"{club}/quizzes/know_your_bag/figures", key)["passed"]
    assert min(paid, earned, known) > 0
    return 50 + earned - paid + 80 * known


def test_a_newcomer_starts_it_tries_it_stops_it_and_comes_back(tmp_path: Path) -> None:
    data, report = tmp_path / "demo", _backtest(tmp_path, 20)
    outstanding = Decimal(report["wallets"]["points"]["outstanding"])
    with Demo(data, "--members", "20", "--port", str(free_port())) as demo:
        status, page = demo.page()
        assert status == 200
        assert "20 members" in page
        key = (data / "demo.key").read_text().strip()
        moved = _moved_at_the_counter(demo, key)
        assert f"{outstanding + moved:,} points" in page, "live and backtest come to the same sum"
        member, answer, ledger, explained = map(call, demo.printed_calls())
        assert Decimal(member["wallets"]["points"]["available"]) > 0
        assert answer["status"] == "applied"
        assert answer["effects"][0]["campaign"] == "base_earn"
        newest = [entry["amount"] for entry in ledger["data"][0]["entries"]]
        assert sum(map(Decimal, newest)) == 0
        assert len(ledger["data"]) > 1
        assert {"base_earn", "auto_voucher"} <= {one["campaign"] for one in explained["campaigns"]}
        _check_what_is_shown(demo, key)
        assert demo.interrupt() == 0, demo.text
    assert servers_of(data) == []
    assert "Traceback" not in demo.text
    password = (data / "demo.password").read_text().strip()

    with Demo(data, "--port", str(free_port())) as again:
        again.wait_for("Found the demo of")
        assert password in again.wait_for("sign in"), "whoever comes back can still sign in"
        assert "live through" not in again.text
        kept = call(again.printed_calls()[0])
        assert kept["id"] == member["id"]
        earned = Decimal(answer["effects"][0]["award"]["amount"])
        pending = Decimal(kept["wallets"]["points"]["pending"])
        assert pending == Decimal(member["wallets"]["points"]["pending"]) + earned
        assert again.interrupt() == 0, again.text
    verified = _run(tmp_path, "verify", "--data", str(data))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _check_what_is_shown(demo: Demo, key: str) -> None:
    """Look at the webhooks, what the shop was told, the two versions, and the report."""
    club = "/programs/backpack-club"
    hooks = {one["description"]: one for one in _ask(demo, "/webhooks", key)["data"]}
    heard = hooks["the pretend shop of this demo"]
    demo.wait_for("The backtest report is there")
    _wait_until(lambda: bool(_ask(demo, f"/webhooks/{heard['id']}/deliveries?state=delivered", key)["data"]))
    told = [json.loads(line) for line in (demo.data / "told.ndjson").read_text().splitlines()]
    assert {"redemption.issued", "order.paid"} <= {one["type"] for one in told}
    assert len({one["time"] for one in told}) > 10, "a day at the counter, not a moment"
    erp = hooks["an ERP that does not answer, to see retries"]
    waiting = f"/webhooks/{erp['id']}/deliveries?state=waiting"
    _wait_until(lambda: any(one["attempts"] for one in _ask(demo, waiting, key)["data"]))
    assert [one["version"] for one in _ask(demo, f"{club}/versions", key)["data"]] == [2, 1]
    assert _ask(demo, "/hooks", key)["data"][0]["description"] == "the old shop's orders"
    report = json.loads((demo.data / "backtest" / "report.json").read_bytes())
    assert report["wallets"]["points"]["issued"] != "0"
    assert (demo.data / "backtest" / "report.html").stat().st_size > 10_000


def _wait_until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it never came true")


@pytest.mark.long
def test_a_start_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with Demo(data, "--members", "60", "--port", str(free_port())) as first:
        first.wait_for("live through a year")
        first.process.send_signal(signal.SIGKILL)
        assert first.ended() == -signal.SIGKILL
    outstanding = Decimal(_backtest(tmp_path, 60)["wallets"]["points"]["outstanding"])
    with Demo(data, "--members", "5", "--port", str(free_port())) as second:
        status, page = second.page()
        assert (status, "60 members" in page) == (200, True)
        moved = _moved_at_the_counter(second, (data / "demo.key").read_text().strip())
        assert f"{outstanding + moved:,} points" in page, "nothing is lost and nothing counted twice"
    assert servers_of(data) == []


@pytest.mark.long
def test_a_taken_port_is_passed_over_and_a_reset_begins_again(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with taken_port() as port, Demo(data, "--members", "3", "--port", str(port)) as demo:
        demo.wait_for(f"Port {port} is taken")
        assert int(demo.address.rpartition(":")[2]) > port
        assert "3 members" in demo.page()[1]
        second = _run(tmp_path, "demo", "--data", str(data), "--reset")
        assert second.returncode == 1
        assert "[data_in_use]" in second.stderr
    with Demo(data, "--members", "2", "--reset", "--port", str(free_port())) as anew:
        assert "2 members" in anew.page()[1]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    refused = subprocess.run(
        [GUERDON, "demo", "--data", str(tmp_path / "file" / "below")],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    assert (refused.returncode, "[data_not_writable]" in refused.stderr) == (1, True), refused.stderr
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_it_keeps_its_hands_off_what_is_not_a_demo(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter.txt").write_text("keep me")
    for options in ([], ["--reset"]):
        refused = _run(tmp_path, "demo", "--data", "precious", *options)
        assert (refused.returncode, "[not_a_demo]" in refused.stderr) == (1, True), refused.stderr
    assert [path.name for path in precious.iterdir()] == ["letter.txt"]


def test_a_served_database_is_not_filled_with_samples(tmp_path: Path) -> None:
    refused = _run(tmp_path, "demo", GUERDON_DATABASE_URL="postgresql://shop@127.0.0.1/shop")
    assert refused.returncode == 1
    assert "[demo_is_embedded]" in refused.stderr
    assert not (tmp_path / "demo-data").exists()


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_real_year_is_taken_in_whole(tmp_path: Path) -> None:
    with Demo(tmp_path / "real", "--real", "--port", str(free_port()), wait_seconds=900) as demo:
        _, page = demo.page()
        assert "2,469 members" in page
        member, answer, ledger = map(call, demo.printed_calls())
        # The year is 2017: all of its points have been spent or have expired since.
        assert Decimal(member["wallets"]["points"]["available"]) == 0
        assert answer["status"] == "applied"
        assert Decimal(answer["balances"]["points"]["available"]) > 0
        assert len(ledger["data"]) > 1
        assert demo.interrupt() == 0, demo.text


def test_a_folder_whose_mark_is_damaged_says_how_to_go_on(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    data.mkdir()
    (data / "demo.json").write_text("{")
    refused = _run(tmp_path, "demo", "--data", "demo")
    assert refused.returncode == 1
    assert "[demo_damaged]" in refused.stderr
