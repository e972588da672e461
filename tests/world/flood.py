"""Callers that flood engines with acts, and how an act is sent."""

from __future__ import annotations

import http.client
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from tests.world.accounts import units_text
from tests.world.driver import cloud_event
from tests.world.model import Act
from tests.world.programs import CLUB
from tests.world.servers import LostError, ask, clock
from tests.world.shop import storm

CALLERS = 48
BESIDE = 36
"""So many callers has each of several engines."""


class Flood:
    """Callers that send one act after the other until their connection breaks or the acts are used up."""

    def __init__(self, ports: Sequence[int], acts: list[Act]) -> None:
        self.waiting = deque(acts)
        self.sent: list[Act] = []
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self.lost: list[Act] = []
        self.flying: dict[str, Act] = {}
        self.asked: dict[str, int] = {}
        """By label, the port of the engine that an act was sent to."""
        self.ended = threading.Event()
        self._guard = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(ports[place % len(ports)],), daemon=True)
            for place in range(max(CALLERS, BESIDE * len(ports)))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        self.ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self, port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            while not self.ended.is_set() and self._one(connection, port):
                pass
        finally:
            connection.close()

    def flying_at(self, port: int) -> list[Act]:
        """The acts that one engine has been sent and nobody has had an answer to, lost ones included."""
        with self._guard:
            open_ = {**self.flying, **{act["label"]: act for act in self.lost}}
            return [act for label, act in open_.items() if self.asked[label] == port]

    def _one(self, connection: http.client.HTTPConnection, port: int) -> bool:
        with self._guard:
            if not self.waiting:
                return False
            act = self.waiting.popleft()
            self.sent.append(act)
            self.flying[act["label"]] = act
            self.asked[act["label"]] = port
        try:
            answer = send(connection, act)
        except LostError:
            with self._guard:
                self.lost.append(self.flying.pop(act["label"]))
            return False
        with self._guard:
            del self.flying[act["label"]]
            self.answers[act["label"]] = answer
        return True


def send(connection: http.client.HTTPConnection, act: Act) -> tuple[int, dict[str, Any]]:
    """Send an act as a shop or an operator would."""
    if act["program"] == "store":
        return storm.send(connection, act)
    headers, base = clock(act["now"]), "/v1/programs/club"
    if act["do"] != "event":
        headers["Idempotency-Key"] = act["label"]
    if act["do"] == "event":
        return ask(connection, ("POST", f"{base}/events"), cloud_event(act), headers)
    if act["do"] == "redeem":
        body = {name: act[name] for name in ("reward", "quantity")} | {"member": act["who"]}
        return ask(connection, ("POST", f"{base}/redemptions"), body, headers)
    amount = units_text(act["amount"], CLUB.wallets[act["wallet"]].scale)
    body = {"wallet": act["wallet"], "amount": amount}
    body |= {"reason": act["reason"]} if act["do"] == "adjust" else {"to": act["to_account"]}
    path = "adjustments" if act["do"] == "adjust" else "transfers"
    return ask(connection, ("POST", f"{base}/accounts/{act['account']}/{path}"), body, headers)
