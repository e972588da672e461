"""Two engines that hand commands to whoever has the account: exactly once, whatever becomes of either."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command, ConfirmCheckout, OpenCheckout
from guerdon.engine.loop import BatchDone, EngineLoop, LoopSettings
from guerdon.members.identities import normal_ref
from guerdon.web.peers.heat import Heat
from guerdon.web.peers.meeting import SOCKET
from guerdon.web.peers.neighbours import Neighbours
from guerdon.web.peers.ranges import RANGES, holders, range_of
from guerdon.web.peers.wire import Frames, Kind, frame, hello, words_digest
from guerdon.web.waiting import Waiting
from guerdon.wiring import make_ids
from tests.faults.door import Door
from tests.world.driver import MASTER_KEY, TENANT

PEOPLE = 24


class Engine:
    """An engine with its event loop's side, as a server has it."""

    def __init__(self, loop: EngineLoop, folder: Path, least: int = 1) -> None:
        self.loop = loop
        self.waiting = Waiting(loop)
        self.neighbours = Neighbours(self.waiting, folder, Heat(least, lambda: 0.0))
        self.decided = 0
        loop.watch = self._watch

    def _watch(self, done: BatchDone) -> None:
        self.decided += len(done.answered)

    async def ask(self, command: Command) -> Answer:
        return await asyncio.wait_for(self.waiting.ask(command), 60)

    async def ask_all(self, commands: Sequence[Command]) -> list[Answer]:
        return list(await asyncio.gather(*(self.ask(command) for command in commands)))


class Pair:
    """Two of them on one database."""

    def __init__(self, door: Door, one: Engine, two: Engine, accounts: Sequence[int]) -> None:
        self.door, self.one, self.two, self.accounts = door, one, two, accounts

    def held_by(self, engine: Engine) -> list[str]:
        """The members whose accounts an engine has."""
        held = holders({self.one.neighbours.engine, self.two.neighbours.engine})
        mine = engine.neighbours.engine
        return [f"m{n}" for n, account in enumerate(self.accounts) if held[range_of(account)] == mine]

    async def meet(self) -> None:
        """Let both see one another, and let the first know whose account is which."""
        await asyncio.gather(self.one.neighbours.start(), self.two.neighbours.start())
        await until(lambda: self.one.neighbours.figures.neighbours == 1)
        await until(lambda: self.two.neighbours.figures.neighbours == 1)
        said = await self.one.ask_all([self.door.event(who=f"m{n}") for n in range(PEOPLE)])
        assert {one.status for one in said} == {"applied"}
        self.one.decided = self.two.decided = 0

    @contextmanager
    def locked(self, who: str) -> Iterator[None]:
        """Hold an account, so that whoever decides about it waits."""
        account = self.accounts[int(who[1:])]
        with self.door.database.transaction(TENANT) as tx:
            query = "select 1 from accounts where account_id = %s for update"
            assert tx.execute(query, (account,)).fetchall() == [(1,)]
            yield


def is_there(path: Path) -> bool:
    return path.exists()


def make_folder(path: Path, mode: int) -> None:
    path.mkdir()
    path.chmod(mode)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def until(true: Any, seconds: float = 20.0) -> None:
    """Wait until something is so."""
    for _ in range(round(seconds * 100)):
        if true():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not become so")


@pytest.fixture
def folder() -> Iterator[Path]:
    # The path of a socket has a hundred letters at most, and that of a test's own folder may have more.
    with tempfile.TemporaryDirectory(prefix="guerdon-test-") as name:
        yield Path(name) / "meet"


@pytest.fixture
async def pair(door: Door, folder: Path) -> AsyncIterator[Pair]:
    accounts = door.enrol(PEOPLE)
    loops = [
        EngineLoop(door.database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=64)) for _ in range(2)
    ]
    for loop in loops:
        loop.start()
    one, two = (Engine(loop, folder) for loop in loops)
    found = Pair(door, one, two, accounts)
    try:
        yield found
    finally:
        for engine in (found.one, found.two):
            await engine.neighbours.stop()
        for loop in loops:
            await asyncio.to_thread(loop.stop)
    assert not is_there(folder)


async def test_an_event_goes_to_the_engine_that_has_its_account(pair: Pair) -> None:
    await pair.meet()
    theirs = pair.held_by(pair.two)
    assert 0 < len(theirs) < PEOPLE
    said = await pair.one.ask_all([pair.door.event(who=f"m{n}") for n in range(PEOPLE)])
    assert {(one.status, one.balances["points"].available) for one in said} == {("applied", "6")}
    assert (pair.one.decided, pair.two.decided) == (PEOPLE - len(theirs), len(theirs))
    assert pair.one.neighbours.figures.handed_over == len(theirs)
    assert pair.one.neighbours.figures.ranges + pair.two.neighbours.figures.ranges == RANGES
    assert [parse_number("acc", one.account) for one in said] == list(pair.accounts)
    assert pair.door.one("select count(*) from events where type = 'order.paid'") == 2 * PEOPLE
    pair.door.verify()


async def test_an_account_that_is_asked_about_now_and_then_stays_with_whoever_is_asked(pair: Pair) -> None:
    await pair.meet()
    pair.one.neighbours._heat = Heat(5, lambda: 0.0)
    hot, cool = pair.held_by(pair.two)[:2]
    for number in range(8):
        assert (await pair.one.ask(pair.door.event(who=hot))).status == "applied"
        if number < 4:
            assert (await pair.one.ask(pair.door.event(who=cool))).status == "applied"
    assert (pair.one.decided, pair.two.decided) == (8, 4)


async def test_the_other_engine_refuses_in_the_same_words(pair: Pair) -> None:
    await pair.meet()
    who = pair.held_by(pair.two)[0]
    wrong = pair.door.event(who=who, data={"id": "o", "lines": [{"id": "1", "quantity": "-1", "price": "3"}]})
    handed, own = await pair.one.ask(wrong), await pair.two.ask(wrong)
    assert pair.one.neighbours.figures.handed_over == 1
    assert handed.problem is not None
    assert handed == own


async def test_a_checkout_is_confirmed_where_it_was_opened(pair: Pair) -> None:
    await pair.meet()
    who = pair.held_by(pair.two)[0]
    base = pair.door.base
    cart = json.dumps(
        {"id": "C1", "lines": [{"id": "1", "sku": "A", "quantity": "1", "price": "5.00"}]}
    ).encode()
    asked = OpenCheckout(cart=cart, member=normal_ref("external", who), id="c1", **base)
    for _ in range(2):
        said = await pair.one.ask(asked)
        assert said.problem is None, said.problem
    # The first way to name this member so was not known yet.
    assert (pair.one.decided, pair.two.decided) == (1, 1)
    assert (await pair.one.ask(ConfirmCheckout(id="c1", **base))).status == "applied"
    assert (pair.one.decided, pair.two.decided) == (1, 2)
    assert pair.door.one("select count(*) from events where type = 'order.paid'") == PEOPLE + 1


async def test_events_of_one_call_stay_together(pair: Pair) -> None:
    await pair.meet()
    await pair.one.waiting.begin([pair.door.event(who=who) for who in pair.held_by(pair.two)])
    assert pair.two.decided == pair.one.neighbours.figures.handed_over == 0


async def test_what_an_engine_did_not_answer_is_done_once_by_the_other(pair: Pair) -> None:
    await pair.meet()
    who = pair.held_by(pair.two)[0]
    with pair.locked(who):
        calls = [asyncio.create_task(pair.one.ask(pair.door.event(who=who))) for _ in range(32)]
        await until(lambda: sum(door.pending for door in pair.two.neighbours._doors) == 32)
        # As a kill: the line breaks, and nobody knows what was done.
        for one in list(pair.two.neighbours._doors):
            assert one._transport is not None
            one._transport.abort()
        await until(lambda: pair.one.neighbours.figures.came_back == 32)
    said = Counter([(await call).status for call in calls])
    assert said["applied"] + said["duplicate"] == 32
    assert pair.door.one("select count(*) from events where type = 'order.paid'") == PEOPLE + 32
    assert pair.door.one("select sum(available)::bigint from wallets") == (PEOPLE + 32) * 3
    pair.door.verify()
    # Both are there, and find one another again.
    await until(lambda: pair.one.neighbours.figures.neighbours == 1)


async def test_an_engine_that_has_too_much_to_do_gives_back(pair: Pair) -> None:
    await pair.meet()
    who = pair.held_by(pair.two)[0]
    with pair.locked(who):
        first = asyncio.create_task(pair.one.ask(pair.door.event(who=who)))
        await until(lambda: sum(door.pending for door in pair.two.neighbours._doors) == 1)
        await until(lambda: not pair.two.loop.waiting)
        some = [asyncio.create_task(pair.one.ask(pair.door.event(who=who))) for _ in range(64)]
        await until(lambda: pair.two.loop.waiting >= 60)
        more = [asyncio.create_task(pair.one.ask(pair.door.event(who=who))) for _ in range(20)]
        await until(lambda: pair.one.neighbours.figures.came_back == 20)
    assert {one.status for one in await asyncio.gather(first, *some, *more)} == {"applied"}
    assert pair.door.one("select count(*) from events where type = 'order.paid'") == PEOPLE + 85


async def test_who_leaves_answers_first(pair: Pair) -> None:
    await pair.meet()
    who = pair.held_by(pair.two)[0]
    with pair.locked(who):
        call = asyncio.create_task(pair.one.ask(pair.door.event(who=who)))
        await until(lambda: sum(door.pending for door in pair.two.neighbours._doors) == 1)
        leaving = asyncio.create_task(pair.two.neighbours.stop())
        await until(lambda: pair.one.neighbours.figures.neighbours == 0)
        assert not leaving.done()
        # From now on this one decides.
        later = asyncio.create_task(pair.one.ask(pair.door.event(who=who)))
    await leaving
    assert [(await call).status, (await later).status] == ["applied", "applied"]
    assert pair.one.neighbours.figures.came_back == 0
    assert pair.one.neighbours.figures.handed_over == 1
    assert (pair.one.decided, pair.two.decided) == (1, 1)


async def test_an_engine_of_another_release_is_left_alone(door: Door, pair: Pair, folder: Path) -> None:
    """Whoever speaks otherwise decides under the locks, as if there were no leases."""
    await pair.one.neighbours.start()
    heard: list[tuple[int, bytes]] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other = hello("f" * 16).replace(words_digest().encode(), b"0" * len(words_digest()))
        writer.write(other + frame(Kind.BEAT))
        heard.extend(Frames().feed(await reader.read(4096)))
        await closed.wait()
        writer.close()

    closed = asyncio.Event()
    server = await asyncio.start_unix_server(speak, str(folder / f"{'f' * 16}{SOCKET}"))
    await until(lambda: heard)
    assert heard[0][0] == Kind.HELLO
    await asyncio.sleep(0.05)
    assert pair.one.neighbours.figures.neighbours == 0
    assert pair.one.neighbours.figures.ranges == RANGES
    assert (await pair.one.ask(door.event())).status == "applied"
    closed.set()
    server.close()
    await server.wait_closed()
    (folder / f"{'f' * 16}{SOCKET}").unlink(missing_ok=True)


async def test_noise_at_the_door_ends_that_line_alone(pair: Pair, folder: Path) -> None:
    await pair.meet()
    assert names_in(folder) == sorted(f"{one.neighbours.engine}{SOCKET}" for one in (pair.one, pair.two))
    path = folder / f"{pair.two.neighbours.engine}{SOCKET}"
    for noise in (b"\xff" * 9, frame(Kind.ASK, b"x"), frame(Kind.TELL), hello("a")[:9] + b"\x00"):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(noise)
        writer.write_eof()
        greeting = await asyncio.wait_for(reader.read(), 10)
        assert greeting[4] == Kind.HELLO
        writer.close()
    who = pair.held_by(pair.two)[0]
    assert (await pair.one.ask(pair.door.event(who=who))).status == "applied"
    assert pair.one.neighbours.figures.handed_over == 1


async def test_what_a_killed_engine_left_is_swept(pair: Pair, folder: Path) -> None:
    make_folder(folder, 0o700)
    left = folder / f"{'0' * 16}{SOCKET}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(left))
    await pair.one.neighbours.start()
    assert not is_there(left)
    assert pair.one.neighbours.figures.neighbours == 0


async def test_a_folder_that_others_can_open_is_not_used(pair: Pair, folder: Path) -> None:
    make_folder(folder, 0o755)
    await pair.one.neighbours.start()
    assert names_in(folder) == []
    assert pair.one.waiting.neighbours is None
    assert (await pair.one.ask(pair.door.event())).status == "applied"
