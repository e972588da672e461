"""The process of a backtest: it outlives nobody, holds nothing up, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from guerdon.insight.backtest import trials
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.trials.runner import FOLDERS, Asked, Runner
from guerdon.web.trials.task import Task, Word
from tests.web.conftest import NOW, PROGRAM, Api, order

MANY = 30_000


def many_events(folder: Path) -> str:
    lines = (order(f"e{number}", member=f"m{number}") for number in range(MANY))
    path = folder / "many.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return path.name


def task_in(folder: Path) -> Task:
    return Task(str(folder), ["one", "two"], [PROGRAM, PROGRAM], file=many_events(folder))


def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def began(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "guerdon.web.trials"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
    )


def test_whoever_began_it_is_gone_so_it_ends_too(tmp_path: Path) -> None:
    with began(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(task_in(tmp_path)) + b"\n")
        process.stdin.flush()
        for line in process.stdout:
            if msgspec.json.decode(line, type=Word).part == "running":
                break
        process.stdin.close()
        assert process.wait(30) == 3
    assert not tmp_path.exists(), "people's orders were in it"


def test_a_file_of_somebodys_is_data_and_never_a_module(tmp_path: Path) -> None:
    for name in ("json.py", "guerdon.py", "msgspec.py"):
        (tmp_path / name).write_text("raise SystemExit('run')", encoding="utf-8")
    (tmp_path / "one.ndjson").write_text(json.dumps(order("a")) + "\n", encoding="utf-8")
    task = Task(str(tmp_path), ["one"], [PROGRAM], file="one.ndjson")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "guerdon.web.trials"],
        input=msgspec.json.encode(task) + b"\n",
        capture_output=True,
        cwd=tmp_path,
        check=False,
    )
    # Its input ended at once, so it may have ended with it; it never ran what lay beside.
    assert done.returncode in (0, 3), done.stderr
    assert b"run" not in done.stderr


def left_of(tasks: Iterable[Task]) -> list[str]:
    return [one.folder for one in tasks if Path(one.folder).exists()]


def left(folder: Path) -> bool:
    return folder.exists()


def asked(api: Api, folder: Path) -> Asked:
    tenant_id = tenant_id_of(api.tenant)
    number = api.house.ids.number()
    with api.house.database.transaction(tenant_id) as tx:
        program_id = get_live(tx, "club").program_id
        titles, texts = ["one", "two"], [PROGRAM, PROGRAM]
        new = trials.NewTrial(number, program_id, str(number), "file", "many", titles, texts, "test", NOW)
        trials.add_trial(tx, new)
    return Asked(tenant_id, number, task_in(folder))


def state_of(api: Api, one: Asked) -> trials.Trial:
    with api.house.database.transaction(one.tenant_id) as tx:
        program_id = get_live(tx, "club").program_id
        return trials.get_trial(tx, program_id, one.backtest_id, NOW)


async def test_a_server_that_stops_ends_it_and_what_waits_and_both_show_as_interrupted(api: Api) -> None:
    runner = Runner(api.house.database)
    folders = [Path(tempfile.mkdtemp(prefix="guerdon-test-")) for _ in range(2)]
    first, second = (asked(api, folder) for folder in folders)
    runner.put(first)
    runner.put(second)
    wait_for(lambda: state_of(api, first).part in ("running", "comparing"))
    runner.stop()
    assert left_of([first.task, second.task]) == []
    assert state_of(api, first).state == "running"
    later = NOW + timedelta(days=30_000)
    with api.house.database.transaction(first.tenant_id) as tx:
        program_id = get_live(tx, "club").program_id
        states = {one.backtest_id: one.state for one in trials.list_trials(tx, program_id, later)}
    assert states == {first.backtest_id: "interrupted", second.backtest_id: "interrupted"}


async def test_what_a_killed_server_left_is_swept_after_a_day(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young = (Path(tempfile.mkdtemp(prefix=prefix)) for prefix in FOLDERS)
    long_ago = time.time() - 25 * 3600
    os.utime(old, (long_ago, long_ago))
    one = asked(api, Path(tempfile.mkdtemp()))
    runner = Runner(api.house.database)
    runner.put(one)
    runner.stop()
    assert (left(old), left(young)) == (False, True)


async def test_one_runs_after_the_other_and_both_are_done(api: Api) -> None:
    runner = Runner(api.house.database)
    waiting = []
    for _ in range(2):
        folder = Path(tempfile.mkdtemp(prefix="guerdon-test-"))
        one = asked(api, folder)
        (folder / "many.ndjson").write_text(json.dumps(order("a")) + "\n", encoding="utf-8")
        waiting.append(one)
        runner.put(one)
    wait_for(lambda: all(state_of(api, one).state == "done" for one in waiting))
    assert state_of(api, waiting[0]).figures["sides"][0]["orders"] == 1
    # It is told first, and swept up then.
    wait_for(lambda: left_of(one.task for one in waiting) == [])
    runner.stop()
