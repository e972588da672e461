"""Processes that anchor side by side, or are killed in the middle: each size is anchored once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from tests.architecture.source import ROOT
from tests.rooms.chain.conftest import Anchored


def start(anchored: Anchored, rounds: int, failpoint: str = "") -> subprocess.Popen[str]:
    arguments = (anchored.world.database.conninfo, anchored.anvil.url, anchored.chain.contract.hex())
    return subprocess.Popen(
        [sys.executable, "-m", "tests.rooms.chain.anchorer", *arguments, str(rounds)],
        cwd=ROOT,
        env={**os.environ, "GUERDON_FAILPOINT": failpoint},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(anchored: Anchored, size: int) -> None:
    """Make blocks until a size is in one."""
    ends = time.monotonic() + 60
    while anchored.on_chain()[-1:] != [size]:
        assert time.monotonic() < ends, f"{size} never came onto the chain: {anchored.rows()}"
        anchored.anvil.mine()
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["anchor_stored", "anchor_sent"])
def test_a_process_killed_before_or_after_it_sent_leaves_one_anchor(anchored: Anchored, name: str) -> None:
    size = anchored.grow()
    killed = start(anchored, 1, name)
    assert killed.communicate(timeout=60) == ("", "")
    assert killed.returncode == -signal.SIGKILL
    (row,) = anchored.rows()
    assert (row.state, len(row.sent)) == ("sent", 1)
    assert len(anchored.anvil.pool()) == (name == "anchor_sent")
    anchored.clock.now = datetime.now(UTC)
    final = anchored.until("final")
    assert final.sent == row.sent, "what was signed before the kill is what was sent after it"
    assert final.times_sent == (1 if name == "anchor_sent" else 2)
    assert anchored.on_chain() == [size]


def test_two_processes_anchor_each_size_once_while_blocks_are_taken_back(anchored: Anchored) -> None:
    processes = [start(anchored, 1_000_000) for _ in range(2)]
    sizes = []
    try:
        for turn in range(4):
            sizes.append(anchored.grow())
            wait_for(anchored, sizes[-1])
            if turn % 2:
                anchored.anvil.reorganise(1)
                anchored.anvil.forget_pool()
                wait_for(anchored, sizes[-1])
            anchored.anvil.mine(2)
    finally:
        for one in processes:
            one.terminate()
        said = [one.communicate(timeout=60) for one in processes]
    assert said == [("", "")] * 2
    anchored.clock.now = datetime.now(UTC)
    if anchored.row().state != "final":
        anchored.until("final")
    rows = anchored.rows()
    assert [row.size for row in rows] == sizes
    # What was taken back while a later one was on its way may have been left to that one.
    passed = {row.size for row in rows if row.state == "passed"}
    assert passed <= {sizes[1]}
    assert all(row.state == "final" for row in rows if row.size not in passed)
    on_chain = anchored.on_chain()
    assert [size for size in on_chain if size not in passed] == [one for one in sizes if one not in passed]
    assert len(on_chain) == len(set(on_chain))
    # The contract would refuse a second one, but none was even tried.
    failed = []
    for row in rows:
        for transaction in row.sent:
            receipt = anchored.anvil.ask("eth_getTransactionReceipt", "0x" + transaction.hex())
            failed += [transaction] if receipt is not None and receipt["status"] != "0x1" else []
    assert failed == []
