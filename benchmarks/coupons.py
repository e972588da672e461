"""A batch of millions of codes: streamed over HTTP by a served engine, then redeemed and mistyped.

    python -m benchmarks.coupons [codes] [--json FILE]

Codes are made by a server of its own process on an embedded database, read as they come; then 1,000 random
ones are redeemed (a checkout opened and confirmed) and 1,000 with one letter changed are refused. CPU is that
of the server's process; memory is its own, without shared pages, before and at its most while it streamed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
import psutil
from rich.console import Console
from rich.table import Table

from guerdon.rules.coupons.codes import ALPHABET

PROGRAM = """
program: bench
currency: USD
timezone: America/New_York
rewards:
  spring: {kind: coupon, discount: {percent: 10}}
"""
BASE = "/v1/programs/bench"
TRIED = 1_000
CART = {"lines": [{"id": "1", "price": "50.00"}]}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def serve(folder: str, key: str, port: int) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / "guerdon"), "serve", "--port", str(port), "--data", folder]
    environment = {**os.environ, "GUERDON_API_KEY": key, "GUERDON_RATE_LIMIT": "0"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait(client: httpx2.Client) -> None:
    for _ in range(600):
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit("the server did not become ready")


def stream(client: httpx2.Client, codes: int, server: psutil.Process) -> tuple[list[str], dict[str, float]]:
    """Read a batch as it comes; keeps 1,000 codes at random."""
    chance, kept, seen, most = random.Random(1), list[str](), 0, 0
    before, cpu, began = server.memory_full_info().uss, server.cpu_times(), time.perf_counter()
    wanted = sorted(chance.sample(range(codes), min(TRIED, codes)), reverse=True)
    asked = {"reward": "spring", "size": codes, "prefix": "SPRING-"}
    with client.stream("POST", f"{BASE}/coupons/batches", json=asked) as said:
        assert said.status_code == 201, said.read()
        for place, line in enumerate(said.iter_lines()):
            seen = place
            if wanted and place - 1 == wanted[-1]:
                kept.append(line)
                wanted.pop()
            if place % 250_000 == 0:
                most = max(most, server.memory_full_info().uss)
    spent = server.cpu_times()
    assert seen == codes, (seen, codes)
    chance.shuffle(kept)
    return kept, {
        "seconds": time.perf_counter() - began,
        "server_cpu_us_a_code": (spent.user + spent.system - cpu.user - cpu.system) / codes * 1e6,
        "memory_before_mb": before / 2**20,
        "memory_at_most_mb": most / 2**20,
    }


def redeem(client: httpx2.Client, codes: list[str]) -> int:
    done = 0
    for place, code in enumerate(codes):
        address = f"{BASE}/checkouts/C-{place}"
        quote = client.put(address, json={**CART, "coupons": [code]}).json()
        if quote["totals"]["discount"] == "5.00":
            done += client.post(f"{address}/confirm").status_code == 200
    return done


def refuse(client: httpx2.Client, codes: list[str]) -> dict[str, int]:
    """Change one letter of each, or two: the check letter alone is not what refuses."""
    chance, reasons = random.Random(2), dict[str, int]()
    for number, code in enumerate(codes):
        letters = list(code)
        for where in chance.sample(range(len("SPRING-"), len(letters)), 1 + number % 2):
            letters[where] = chance.choice([one for one in ALPHABET if one != letters[where]])
        said: dict[str, Any] = client.get(f"{BASE}/coupons/{''.join(letters)}").json()
        assert not said["good"], said
        reasons[said["reason"]] = reasons.get(said["reason"], 0) + 1
    return reasons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("codes", type=int, nargs="?", default=5_000_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    key, port = f"gk_{secrets.token_hex(16)}", free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = serve(folder, key, port)
        try:
            headers = {"authorization": f"Bearer {key}"}
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120) as client:
                wait(client)
                yaml = {"content-type": "application/yaml"}
                client.put(BASE, content=PROGRAM, headers=yaml).raise_for_status()
                codes, figures = stream(client, asked.codes, psutil.Process(process.pid))
                began = time.perf_counter()
                figures["redeemed"] = redeem(client, codes)
                figures["redeem_ms"] = (time.perf_counter() - began) / len(codes) * 1e3
                figures |= refuse(client, codes)
                again = client.put(f"{BASE}/checkouts/C-again", json={**CART, "coupons": codes[:1]}).json()
                assert again["skipped"][0]["reason"] == "coupon_used", again
        finally:
            process.terminate()
            process.wait(60)
    table = Table("what", "figure", title=f"{asked.codes:,} codes")
    for name, figure in figures.items():
        table.add_row(name, f"{figure:,.1f}")
    Console().print(table)
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
