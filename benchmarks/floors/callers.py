"""Callers for `earn_http`, in a process of their own: raw HTTP/1.1 over kept connections."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import uvloop

LINES = ",".join(
    f'{{"id":"{n}","sku":"SKU-{n}","quantity":"{n % 3 + 1}","price":"{n + 4}.90"}}' for n in range(1, 11)
)


@dataclass
class Plan:
    """What callers do."""

    port: int
    key: str
    tag: str
    """Makes ids of one run unlike those of another."""
    callers: int = 256
    seconds: float = 5.0
    accounts: int = 1000
    rate: float = 0.0
    """Calls a second in all; 0 has each caller call again at once."""
    events: int = 1
    """Events a call; more than one are sent as an array."""


def now() -> str:
    """Orders come as they are paid: after the enrolment, and none of them late."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(tag: str, number: int, accounts: int) -> str:
    name = f"{tag}-{number}"
    return (
        f'{{"specversion":"1.0","id":"{name}","source":"bench","type":"order.paid","time":"{now()}",'
        f'"subject":"external:m{number % accounts}","data":{{"id":"{name}","lines":[{LINES}]}}}}'
    )


class Caller(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.head = (
            f"POST /v1/programs/club/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {plan.key}\r\n"
            "content-type: application/json\r\ncontent-length: "
        ).encode()
        self.answer: asyncio.Future[bytes] | None = None
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        place = self.buffer.lower().find(b"content-length: ", 0, end) + 16
        length = int(self.buffer[place : self.buffer.find(b"\r\n", place)])
        if len(self.buffer) < end + 4 + length:
            return
        whole = bytes(self.buffer[: end + 4 + length])
        del self.buffer[: end + 4 + length]
        assert self.answer is not None
        self.answer.set_result(whole)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(exc or ConnectionResetError())

    async def call(self, body: bytes) -> bytes:
        assert self.transport is not None
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(b"%s%d\r\n\r\n%s" % (self.head, len(body), body))
        return await self.answer


class Run:
    """One measurement."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.number = 0
        self.spans: list[float] = []
        self.wrong = 0
        self.first_wrong = ""

    def body(self) -> bytes:
        plan = self.plan
        first = self.number
        self.number += plan.events
        if plan.events == 1:
            return event(plan.tag, first, plan.accounts).encode()
        rows = (event(plan.tag, first + step, plan.accounts) for step in range(plan.events))
        return f"[{','.join(rows)}]".encode()

    async def one(self, caller: Caller, begun: float) -> None:
        answer = await caller.call(self.body())
        self.spans.append(time.perf_counter() - begun)
        good = answer.startswith(b"HTTP/1.1 200") and answer.count(b'"status":"applied"') == self.plan.events
        if not good:
            self.wrong += 1
            self.first_wrong = self.first_wrong or answer[:600].decode()

    async def closed(self, caller: Caller, until: float) -> None:
        while (now := time.perf_counter()) < until:
            await self.one(caller, now)

    async def paced(self, callers: list[Caller], until: float) -> None:
        free: asyncio.Queue[Caller] = asyncio.Queue()
        for caller in callers:
            free.put_nowait(caller)
        tasks: set[asyncio.Task[None]] = set()
        due = time.perf_counter()

        async def go(at: float) -> None:
            caller = await free.get()
            await self.one(caller, at)
            free.put_nowait(caller)

        while due < until:
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            # Counted from when it should have begun: a caller who has to wait for a line waits as well.
            task = asyncio.create_task(go(due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            due += 1 / self.plan.rate
        await asyncio.gather(*tasks)

    async def run(self) -> dict[str, Any]:
        plan, loop = self.plan, asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: Caller(plan), "127.0.0.1", plan.port)
            for _ in range(plan.callers)
        ]
        callers = [caller for _, caller in made]
        begun = time.perf_counter()
        until = begun + plan.seconds
        if plan.rate:
            await self.paced(callers, until)
        else:
            await asyncio.gather(*(self.closed(caller, until) for caller in callers))
        spent = time.perf_counter() - begun
        for transport, _ in made:
            transport.close()
        return self.report(spent)

    def report(self, spent: float) -> dict[str, Any]:
        spans = sorted(self.spans)
        calls = len(spans)

        def at(share: float) -> float:
            return round(spans[min(calls - 1, int(calls * share))] * 1000, 2) if calls else 0.0

        return {
            "calls": calls,
            "events": calls * self.plan.events,
            "seconds": round(spent, 3),
            "rate": round(calls * self.plan.events / spent, 1),
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "worst_ms": at(1.0),
            "wrong": self.wrong,
            "first_wrong": self.first_wrong,
            "plan": {**asdict(self.plan), "key": ""},
        }


def main() -> None:
    plan = Plan(**json.loads(sys.stdin.read()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(Run(plan).run())))


if __name__ == "__main__":
    main()
