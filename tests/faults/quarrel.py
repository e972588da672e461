"""One of several processes whose callers all want the same: `python -m … DSN NAME SECONDS`."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command
from guerdon.engine.loop import BatchDone
from guerdon.infra.db import Database
from tests.world.actors import BEGINS
from tests.world.driver import World, running_loop
from tests.world.model import Act

CALLERS = 64
PEOPLE = 6
"""So few that every batch meets every other one."""
CARTS = 40
"""Both processes open, confirm and cancel the same ones: so many, then the next ones."""
NOW = BEGINS + timedelta(hours=1)
FAULTS = {"internal_error", "database_unavailable", "shutting_down"}


class Quarrel:
    """Callers that each send the next command when they have an answer."""

    def __init__(self, world: World, name: str, accounts: dict[tuple[str, str], int]) -> None:
        self.world, self.name, self.chance = world, name, random.Random(name)
        world.accounts = accounts
        self.number = 0
        self.ends_at = 0.0
        self.flying: dict[int, float] = {}
        self.said: Counter[str] = Counter()
        self.again: Counter[str] = Counter()
        self.slowest = 0.0
        self.done = threading.Event()
        self.window = 0
        world.loop.watch = self._watch

    def run(self, seconds: float) -> dict[str, Any]:
        """Quarrel for so long.

        Args:
            seconds: until nothing new is begun.

        Returns:
            What was answered, and how it went.
        """
        self.ends_at = time.monotonic() + seconds
        self._send(CALLERS)
        # Whoever is caught in a deadlock that nobody sees is never answered.
        ended = self.done.wait(seconds + 120)
        return {
            "ended": ended,
            "waiting": len(self.flying),
            "said": self.said,
            "again": self.again,
            "slowest": round(self.slowest, 3),
        }

    def _watch(self, done: BatchDone) -> None:
        self.again.update(done.again)

    def _send(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.flying[self.number] = time.monotonic()
            self.world.loop.put([self.command()], _Caller(self, self.number))

    def took(self, number: int, answer: Answer) -> None:
        """Take an answer, in the loop's thread."""
        self.slowest = max(self.slowest, time.monotonic() - self.flying.pop(number))
        code = answer.problem.code if answer.problem is not None else answer.status
        self.said[code] += 1
        if time.monotonic() < self.ends_at:
            self._send(1)
        elif not self.flying:
            self.done.set()

    def command(self) -> Command:
        """What one caller wants next."""
        roll, kinds = self.chance.random(), self.kinds()
        for share, make in kinds:
            if roll < share:
                act = make()
                return self.world.command({"now": NOW, **act})
            roll -= share
        raise AssertionError("the shares sum to one")

    def kinds(self) -> list[tuple[float, Callable[[], Act]]]:
        return [
            (0.20, self.transfer),
            (0.10, self.redeem),
            (0.05, self.adjust),
            (0.20, self.fact),
            (0.25, self.open),
            (0.12, lambda: self.about_cart("confirm")),
            (0.03, lambda: self.about_cart("drop")),
            (0.06, self.back),
        ]

    def somebody(self) -> str:
        return f"m{0 if self.chance.random() < 0.4 else self.chance.randrange(PEOPLE)}"

    def transfer(self) -> Act:
        who, to = self.chance.sample([f"m{place}" for place in range(PEOPLE)], 2)
        return {"do": "send", "program": "club", "who": who, "to": to, "wallet": "points", "amount": 1}

    def redeem(self) -> Act:
        reward = self.chance.choice(("mug", "set", "voucher"))
        return {"do": "redeem", "program": "club", "who": self.somebody(), "reward": reward, "quantity": 1}

    def adjust(self) -> Act:
        wallet = self.chance.choice(("points", "cash"))
        base = {"do": "adjust", "program": "club", "who": self.somebody(), "reason": "more"}
        return {**base, "wallet": wallet, "amount": 40}

    def fact(self) -> Act:
        """Half of them are the other process's too."""
        name = f"{self.chance.choice((self.name, 'both'))}-{self.number}"
        kind = self.chance.choice(
            ("order.paid", "order.paid", "promo.joined", "gift.claimed", "treat.claimed")
        )
        act: Act = {"do": "event", "program": "club", "who": f"m{self.number % PEOPLE}", "type": kind}
        if kind == "order.paid":
            act |= {"order": f"o-{name}", "lines": [["1", "12.50"]]}
        return {**act, "source": "shop", "id": f"{kind}-{name}", "time": NOW}

    def cart(self) -> int:
        self.window = max(self.window, self.number // 400)
        return self.window * CARTS + self.chance.randrange(CARTS)

    def open(self) -> Act:
        number, chance = self.cart(), self.chance
        act: Act = {"do": "open", "program": "store", "cart": f"C{number}", "order": f"O{number}"}
        act |= {"who": f"m{number % PEOPLE}", "lines": [["2", "45"]], "shipping": 490, "rewards": []}
        act |= {"spend": chance.choice((0, 1, 20)), "credit": 0, "cards": []}
        act["rewards"] = ["cup"] if chance.random() < 0.1 else []
        coupon = chance.choice(("welcome", f"one={chance.randrange(40)}", ""))
        return {**act, "coupons": [coupon] if coupon else []}

    def about_cart(self, what: str) -> Act:
        return {"do": what, "program": "store", "cart": f"C{self.cart()}"}

    def back(self) -> Act:
        number = self.cart()
        act: Act = {
            "do": "return",
            "program": "store",
            "order": f"O{number}",
            "id": f"R{self.name}{self.number}",
        }
        return {**act, "via": "call", "all": False, "lines": [["0", "1"]], "shipping": False}


class _Caller:
    def __init__(self, quarrel: Quarrel, number: int) -> None:
        self.quarrel, self.number = quarrel, number

    def deliver(self, answers: Sequence[tuple[int, Answer]]) -> None:
        for _, answer in answers:
            self.quarrel.took(self.number, answer)


def enrol(world: World, now: datetime) -> dict[tuple[str, str], int]:
    """Enrol everybody in both programs, with something to quarrel about.

    Args:
        world: a fresh one.
        now: when.

    Returns:
        Account numbers by program and name.
    """
    step = [
        {"do": "enrol", "program": program, "who": f"m{place}", "now": now}
        for program in ("club", "store")
        for place in range(PEOPLE)
    ]
    world.play_step(0, step)
    rich = [
        {"do": "adjust", "program": "club", "who": f"m{place}", "now": now, "reason": "begin"}
        | {"wallet": wallet, "amount": 5_000}
        for place in range(PEOPLE)
        for wallet in ("points", "cash")
    ]
    world.play_step(1, rich)
    return world.accounts


def main() -> None:
    """Quarrel when told to begin, and print the figures in one line."""
    dsn, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    with Database(dsn, pool_size=2) as database, running_loop(database) as loop:
        accounts = cast("dict[str, int]", json.loads(sys.stdin.readline()))
        known = {(key.split("/")[0], key.split("/")[1]): number for key, number in accounts.items()}
        sys.stdout.write(json.dumps(Quarrel(World(database, loop), name, known).run(seconds)) + "\n")


if __name__ == "__main__":
    main()
