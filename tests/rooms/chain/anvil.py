"""A real chain on this machine, and tricks that only a chain of one's own allows."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from guerdon.base.errors import Problem
from guerdon.connect.chain.rpc import Node

_SHIPPED = Path(__file__).parents[2] / "node/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
CHAIN_ID = 31337
# Keys that every such chain is born with; they are worth nothing anywhere else.
OWNER = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
HEIR = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"


def binary() -> str:
    found = str(_SHIPPED) if _SHIPPED.is_file() else shutil.which("anvil")
    assert found is not None, "no anvil: scripts/ensure-node-packages brings it on Linux; else put it on PATH"
    return found


class Anvil:
    """One chain; it keeps its state in a file, so that it can be killed and come back."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "chain.json"
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        state = ("--state", str(self._state))
        self._process = subprocess.Popen(
            [binary(), "--port", str(self.port), "--silent", "--no-mining", *state, *options],
            stdin=subprocess.DEVNULL,
        )
        with Node(self.url) as node:
            for _ in range(600):
                try:
                    assert node.chain_id() == CHAIN_ID
                    return
                except Problem:
                    assert self._process.poll() is None, "anvil ended by itself"
                    time.sleep(0.05)
        raise AssertionError("anvil never answered")

    def stop(self) -> None:
        """End it as it wants to be ended: it writes its state."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def ask(self, method: str, *parameters: object) -> Any:
        with Node(self.url) as node:
            return node.ask(method, *parameters)

    def mine(self, blocks: int = 1) -> None:
        self.ask("anvil_mine", hex(blocks))

    def reorganise(self, depth: int) -> None:
        """Replace the last blocks by others, and forget what was in them."""
        self.ask("anvil_reorg", depth, [])

    def forget_pool(self) -> None:
        self.ask("anvil_dropAllTransactions")

    def pool(self) -> list[dict[str, Any]]:
        """Read what waits for a block."""
        found = self.ask("txpool_content")
        some = [found[kind] for kind in ("pending", "queued")]
        return [one for senders in some for numbers in senders.values() for one in numbers.values()]
