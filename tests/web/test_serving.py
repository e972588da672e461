"""`guerdon serve` as a process: ready, working, stopped politely, started again on the same folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.web.conftest import PROGRAM, order

KEY = "gk_" + "serving" * 6
SERVE = """
import sys
from guerdon.infra.settings import load_settings
from guerdon.web.serving import serve
serve(load_settings(data=sys.argv[1], port=int(sys.argv[2])), lambda text: print(text, flush=True))
"""


@contextmanager
def serving(folder: Path, port: int = 0, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    given = {**os.environ, "GUERDON_API_KEY": KEY, **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=given,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        address = ""
        for line in process.stdout:
            if "ready at " in line:
                address = line.partition("ready at ")[2].strip()
                break
        assert address, process.stderr.read()
        yield process, address
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def ask(method: str, url: str, body: Any = None, media: str = "application/json") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    headers = {"authorization": f"Bearer {KEY}", "content-type": media}
    with urllib.request.urlopen(urllib.request.Request(url, raw, headers, method=method)) as answer:  # noqa: S310 - an address of our own
        return json.loads(answer.read())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_stop_keeps_everything_and_leaves_nobody_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "data"
    with serving(folder) as (process, address):
        assert ask("GET", f"{address}/readyz") == {"status": "ready"}
        ask("PUT", f"{address}/v1/programs/club", PROGRAM.encode(), "application/yaml")
        ask("POST", f"{address}/v1/programs/club/members", {"external_id": "ananya"})
        said = ask("POST", f"{address}/v1/programs/club/events", order("o1"))
        assert said["status"] == "applied"
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(number)
        assert process.wait(60) == 0
        assert [child for child in children if child.is_running()] == []
    with serving(folder) as (_, address):
        member = ask("GET", f"{address}/v1/programs/club/members/ananya")
        assert member["wallets"]["points"]["available"] == "159"
        assert ask("POST", f"{address}/v1/programs/club/events", order("o1"))["status"] == "duplicate"


def test_a_body_of_100_mb_is_answered_to_one_who_is_still_sending(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as (_, address):
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            head = (
                f"POST /v1/programs/club/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
                "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            connection.sendall(head.encode())
            piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
            for _ in range(100):
                connection.sendall(piece)
            connection.sendall(b"0\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                piece = connection.recv(65_536)
                assert piece, answer
                answer += piece
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"body_too_large" in answer
        assert ask("GET", f"{address}/readyz") == {"status": "ready"}


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-c", SERVE, str(tmp_path / "data"), str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "address_in_use" in done.stderr


def test_a_live_tenant_can_be_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path / "data", GUERDON_SANDBOX="0") as (_, address):
        ask("PUT", f"{address}/v1/programs/club", PROGRAM.encode(), "application/yaml")
        request = urllib.request.Request(  # noqa: S310 - an address of our own
            f"{address}/v1/programs/club",
            headers={"authorization": f"Bearer {KEY}", "guerdon-now": "2027-01-01T00:00:00Z"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)  # noqa: S310 - an address of our own
        with refused.value as answer:
            assert json.loads(answer.read())["code"] == "test_clock_refused"
