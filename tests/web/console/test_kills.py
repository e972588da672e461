"""The server is killed in the middle of an adjustment; the form that is sent again books it once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.web.conftest import PROGRAM
from tests.web.console.desk import TOKEN
from tests.web.test_serving import KEY, SERVE, ask

ONCE = re.compile(r'name="once" value="([0-9a-f]{32})"')
TOLD = re.compile(r"sign in as (\S+) with (\S+) ")


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Serve, and give the process, its address and what it said at its start."""
    with (folder.parent / "log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder), "0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "GUERDON_API_KEY": KEY, **environment},
        )
    try:
        assert process.stdout is not None
        said = ""
        while "ready at " not in said:
            line = process.stdout.readline()
            assert line, said + (folder.parent / "log").read_text(encoding="utf-8")
            said += line
        yield process, said.rpartition("ready at ")[2].strip(), said
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


class Browser:
    """Cookies, and the page that was seen last."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, address: str) -> str:
        with self._opener.open(address, timeout=60) as answer:
            return str(answer.read().decode())

    def send(self, address: str, **fields: str) -> str:
        with self._opener.open(address, urlencode(fields).encode(), timeout=60) as answer:
            return str(answer.read().decode())


def found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    assert match is not None, text[:2000]
    return match[1]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("after_write", marks=pytest.mark.long),
        "in_commit",
        pytest.param("after_commit", marks=pytest.mark.long),
    ],
)
def test_an_adjustment_is_booked_once_though_the_server_was_killed_in_it(tmp_path: Path, name: str) -> None:
    browser = Browser()
    with serving(tmp_path / "data") as (_, address, said):
        ask("PUT", f"{address}/v1/programs/club", PROGRAM.encode(), "application/yaml")
        profile = {"external_id": "ananya", "email": "ananya@mail.example"}
        member = ask("POST", f"{address}/v1/programs/club/members", profile)["id"]
        told = TOLD.search(said)
        assert told is not None
        door = found(TOKEN, browser.get(f"{address}/console/sign-in"))
        browser.send(f"{address}/console/sign-in", form_token=door, email=told[1], password=told[2])
        path = f"/console/p/club/members/{member}"
        page = browser.get(address + path)
        form = {"form_token": found(TOKEN, page), "once": found(ONCE, page)}
        form |= {"wallet": "points", "amount": "40", "reason": "waited long"}
    with serving(tmp_path / "data", GUERDON_FAILPOINT=f"{name}:1") as (process, address, _):
        with pytest.raises((urllib.error.URLError, ConnectionError, HTTPException)):
            browser.send(f"{address}{path}/adjust", **form)
        assert process.wait(60) == -signal.SIGKILL
    with serving(tmp_path / "data") as (_, address, _):
        for _ in range(2):
            page = browser.send(f"{address}{path}/adjust", **form)
            assert page.count("Adjusted by staff") == 1
        found_again = ask("GET", f"{address}/v1/programs/club/members/{member}")
        assert found_again["wallets"]["points"]["available"] == "40"
