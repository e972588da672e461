"""Two servers that divide the accounts: one of them stands still, and is killed, with calls on their way."""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
from httpx2 import AsyncClient

from guerdon.infra.db import Database
from guerdon.ledger.audit import verify
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.peers.ranges import RANGES
from tests.faults.door import PROGRAM
from tests.served import GUERDON, surroundings
from tests.world.driver import MASTER_KEY
from tests.world.places import Ground

KEY = "gk_" + "lease" * 8
PEOPLE = 24
CALLERS = 32
HANDED_OVER = 'guerdon_forwarded_commands_total{outcome="answered"}'
CAME_BACK = 'guerdon_forwarded_commands_total{outcome="came_back"}'


class Place:
    """Where servers of one database run."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.folder = folder
        self.started: list[asyncio.subprocess.Process] = []
        self.environment = surroundings(
            GUERDON_DATABASE_URL=dsn,
            GUERDON_API_KEY=KEY,
            GUERDON_MASTER_KEY=base64.b64encode(MASTER_KEY).decode(),
            GUERDON_LOG_LEVEL="error",
            # However slow the machine is that runs this.
            GUERDON_HAND_OVER_FROM="1",
            # They meet in a folder of this test's own.
            TMPDIR=str(folder),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no server behind, whatever went wrong."""
        for process in self.started:
            if process.returncode is None:
                process.kill()

    async def start(self, name: str) -> tuple[asyncio.subprocess.Process, str]:
        """Start a server, and give it with its address."""
        log = await asyncio.to_thread((self.folder / f"{name}.log").open, "w+b")
        with log:
            process = await asyncio.create_subprocess_exec(
                *(GUERDON, "serve", "--port", "0"),
                env=self.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        self.started.append(process)
        assert process.stdout is not None
        async for line in process.stdout:
            found = re.search(rb"ready at (http://\S+)", line)
            if found is not None:
                return process, found[1].decode()
        return pytest.fail(f"{name} did not start")


class Crowd:
    """Callers of one server, who go on until they are told."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.numbers = itertools.count()
        self.answered: list[str] = []
        self.is_over = False

    async def prepare(self) -> None:
        headers = {"content-type": "application/yaml"}
        applied = await self.client.put("/v1/programs/doors", content=PROGRAM, headers=headers)
        assert applied.is_success, applied.text
        for number in range(PEOPLE):
            said = await self.client.post("/v1/programs/doors/members", json={"external_id": f"m{number}"})
            assert said.status_code == 201, said.text

    async def call(self) -> None:
        while not self.is_over:
            number = next(self.numbers)
            body = {"specversion": "1.0", "id": f"e{number}", "source": "shop", "type": "order.paid"}
            body |= {"time": datetime.now(UTC).isoformat(), "subject": f"m{number % PEOPLE}"}
            lines = [{"id": "1", "quantity": "1", "price": "3.00"}]
            data = {"data": {"id": f"o{number}", "lines": lines}}
            self.answered.append(await self.send(body | data))

    async def send(self, event: dict[str, Any]) -> str:
        """Send an event, again where the server says so: one that stands still may hold an account's lock."""
        said = await self.client.post("/v1/programs/doors/events", json=event)
        for _ in range(60):
            if said.status_code != 503:
                break
            await asyncio.sleep(0.2)
            said = await self.client.post("/v1/programs/doors/events", json=event)
        assert said.status_code == 200, said.text
        return str(said.json()["status"])

    async def figure(self, name: str) -> int:
        """Read one figure of the server's."""
        text = (await self.client.get("/metrics")).text
        return round(float(re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[0]))

    async def until(self, name: str, is_well: Callable[[int], bool]) -> None:
        """Wait until a figure is as it should be."""
        for _ in range(600):
            if is_well(await self.figure(name)):
                return
            await asyncio.sleep(0.05)
        figures = (await self.client.get("/metrics")).text
        lines = re.findall(r"^guerdon_(?:neigh|leased|forwarded).*$", figures, re.MULTILINE)
        pytest.fail(f"waited for {name}: {lines}")

    async def until_more(self, name: str, count: int) -> None:
        """Wait until a figure has grown by more than so much."""
        was = await self.figure(name)
        await self.until(name, lambda number: number > was + count)

    async def go_on(self, count: int) -> None:
        """Wait until so many more calls were answered."""
        wanted = len(self.answered) + count
        for _ in range(600):
            if len(self.answered) >= wanted:
                return
            await asyncio.sleep(0.05)
        pytest.fail(f"{wanted - len(self.answered)} calls were not answered")


async def play(crowd: Crowd, other: asyncio.subprocess.Process) -> None:
    """Let one server stand still, come back, and be killed, while the other one is called."""
    async with asyncio.TaskGroup() as callers:
        for _ in range(CALLERS):
            callers.create_task(crowd.call())
        await crowd.until(HANDED_OVER, lambda number: number > 50)
        other.send_signal(signal.SIGSTOP)
        # Its lease ends, and what it had comes back. It may have stopped with accounts locked, and then those
        # wait for it all the same.
        await crowd.until("guerdon_leased_ranges", lambda number: number == RANGES)
        assert await crowd.figure(CAME_BACK) > 0
        other.send_signal(signal.SIGCONT)
        await crowd.go_on(200)
        await crowd.until_more(HANDED_OVER, 50)
        other.kill()
        await crowd.go_on(200)
        crowd.is_over = True


def check(database: Database, answered: list[str]) -> None:
    """Everything that was answered is there, once."""
    assert set(answered) <= {"applied", "duplicate"}
    with database.transaction(tenant_id_of("main")) as tx:
        kept = tx.execute("select count(*) from events where type = 'order.paid'").fetchall()[0][0]
        units = tx.execute("select sum(available)::bigint from wallets").fetchall()[0][0]
        assert list(verify(tx)) == []
    assert (kept, units) == (len(answered), 3 * len(answered))


async def besiege(crowd: Crowd, place: Place, other: asyncio.subprocess.Process, kills: int) -> int:
    """Kill the other server again and again while it is handed commands; how many came back."""
    async with asyncio.TaskGroup() as callers:
        for _ in range(CALLERS):
            callers.create_task(crowd.call())
        for number in range(kills):
            await crowd.until_more(HANDED_OVER, 40)
            other.kill()
            await other.wait()
            await crowd.go_on(50)
            other, _ = await place.start(f"two-{number}")
        crowd.is_over = True
    other.kill()
    await other.wait()
    return await crowd.figure(CAME_BACK)


@asynccontextmanager
async def two_servers(ground: Ground) -> AsyncIterator[tuple[Crowd, Place, asyncio.subprocess.Process]]:
    """Callers of the first, and the second; in the end the first stops politely, and the books hold."""
    with (
        tempfile.TemporaryDirectory(prefix="guerdon-test-") as name,
        ground.fresh() as database,
        Place(database.conninfo, Path(name)) as place,
    ):
        (one, address), (two, _) = await asyncio.gather(place.start("one"), place.start("two"))
        headers = {"authorization": f"Bearer {KEY}"}
        async with AsyncClient(base_url=address, headers=headers, timeout=60) as client:
            crowd = Crowd(client)
            await crowd.prepare()
            yield crowd, place, two
        one.terminate()
        assert await one.wait() == 0
        check(database, crowd.answered)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_fifty_kills_of_a_server_that_is_handed_commands(ground: Ground) -> None:
    async with two_servers(ground) as (crowd, place, other):
        came_back = await besiege(crowd, place, other, 50)
        sys.stdout.write(f"50 kills, {len(crowd.answered)} events, {came_back} came back\n")
        assert came_back > 50


@pytest.mark.timeout(120)
async def test_a_server_that_stands_still_or_is_killed_takes_nothing_with_it(ground: Ground) -> None:
    async with two_servers(ground) as (crowd, _, other):
        await play(crowd, other)
        assert await other.wait() == -signal.SIGKILL
