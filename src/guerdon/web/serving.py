"""`guerdon serve`: the house with its roof, from the first line printed to a clean stop."""

from __future__ import annotations

import contextlib
import gc
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import FrameType
from typing import Final

import structlog
import uvicorn

from guerdon.base.errors import Problem
from guerdon.infra.settings import Settings
from guerdon.programs.first_owner import FIRST_EMAIL, Randomness, ensure_owner
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.web.app import build_app
from guerdon.web.desk import Desk, protocol_before
from guerdon.web.front import Front
from guerdon.web.peers.heat import Heat
from guerdon.web.peers.meeting import meeting_folder
from guerdon.web.peers.neighbours import Neighbours
from guerdon.web.watch.traces import open_tracing
from guerdon.wiring import MAIN_TENANT, House, ensure_start_key, is_sandbox, open_house

_LOG = structlog.get_logger(__name__)
_COLLECT_AFTER: Final = (50_000, 20, 50)
_SWITCH_SECONDS: Final = 0.0005
"""How long the engine may keep the interpreter from the thread that answers. At Python's own 5 ms a till
waits for it after each read and write of its call: beside an import, hundreds of milliseconds in all."""
_TICK_SECONDS: Final = 5.0
_BACKLOG: Final = 2048
_GRACE_SECONDS: Final = 30
_KEEP_ALIVE_SECONDS: Final = 65


def serve(
    settings: Settings,
    say: Callable[[str], None] = print,
    *,
    prepare: Callable[[House, str], None] | None = None,
    sandbox: bool | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then stop taking calls, finish what was taken, and stop the database.

    Args:
        settings: of this process; port 0 takes a free one.
        say: told what a slow start is doing, and the address when it is ready.
        prepare: called with the running house and its address before the first call is taken.
        sandbox: whether the main tenant honours test clocks, where it is new; None asks `is_sandbox`.

    Raises:
        Problem: what `open_house` raises, or `address_in_use`.
    """
    with polite_signals() as started, _socket(settings) as listening:
        address = _address(settings, listening)
        with open_house(settings, say) as house:
            if settings.api_key is not None:
                chosen = is_sandbox(settings) if sandbox is None else sandbox
                ensure_start_key(house, settings.api_key.get_secret_value(), sandbox=chosen)
            if prepare is not None:
                prepare(house, address)
            _tell_owner(house, address, say)
            started()
            _run(house, listening, address, say)


def configured(front: Front) -> uvicorn.Config:
    """Configure the server of an application.

    Args:
        front: the application.

    Returns:
        The configuration, with the short way for lone events.
    """
    return uvicorn.Config(
        front,
        loop="uvloop",
        http=protocol_before(Desk(front.premises)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _tell_owner(house: House, address: str, say: Callable[[str], None]) -> None:
    """Make the first owner of the main tenant where it has no staff, and say the password, this once."""
    now = datetime.now(UTC)
    with house.database.transaction(tenant_id_of(MAIN_TENANT)) as tx:
        ensure_tenant(tx, MAIN_TENANT, "Main", sandbox=is_sandbox(house.settings), now=now)
        chance = Randomness(secrets.randbits, secrets.token_bytes)
        password = ensure_owner(tx, now, house.ids, chance)
    if password is not None:
        say(f"Console at {address}/console: sign in as {FIRST_EMAIL} with {password} (shown only now)")


def _run(house: House, listening: socket.socket, address: str, say: Callable[[str], None]) -> None:
    tracing = open_tracing()
    front = build_app(house, tracing)
    config = configured(front)
    sys.setswitchinterval(_SWITCH_SECONDS)
    folder = meeting_folder(house.settings, house.master_key)
    neighbours = None
    if folder is not None:
        heat = Heat(house.settings.hand_over_from, time.monotonic)
        neighbours = Neighbours(front.premises.waiting, folder, heat)
        front.premises.telemetry.registry.register(neighbours.figures)
    server = _Server(config, neighbours, lambda: say(f"Guerdon is ready at {address}"), front.stop)
    with _ticking(house):
        try:
            server.run(sockets=[listening])
        finally:
            front.premises.trials.stop()
            if tracing is not None:
                tracing.close()


class _Server(uvicorn.Server):
    """A server that says when it is ready and when it is being stopped."""

    def __init__(
        self,
        config: uvicorn.Config,
        neighbours: Neighbours | None,
        ready: Callable[[], None],
        stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._neighbours = neighbours
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What is there now stays; each order makes thousands of short-lived objects that no cycle holds.
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        if self._neighbours is not None:
            await self._neighbours.start()
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        if self._neighbours is not None:
            await self._neighbours.stop()
        await super().shutdown(sockets)


class _Politeness:
    """What a signal means: before the server runs it ends the start, afterwards the server has seen to it."""

    def __init__(self) -> None:
        self.starting = True

    def __call__(self, number: int, _: FrameType | None) -> None:
        if self.starting:
            self.starting = False
            raise KeyboardInterrupt(signal.Signals(number).name)


@contextlib.contextmanager
def polite_signals() -> Iterator[Callable[[], None]]:
    """Let SIGTERM and SIGINT end a start by unwinding it, so that what was begun is put away.

    Yields:
        What to call when the start is over; from then on both signals are left to the server.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    politeness = _Politeness()
    before = {number: signal.signal(number, politeness) for number in (signal.SIGTERM, signal.SIGINT)}

    def started() -> None:
        politeness.starting = False

    try:
        yield started
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _ticking(house: House) -> Iterator[None]:
    ended, woken = threading.Event(), threading.Event()
    ticks = house.rounds.add("ticks", _TICK_SECONDS)
    ticks.wakes(woken.set)

    def run() -> None:
        while True:
            woken.wait(_TICK_SECONDS)
            woken.clear()
            if ended.is_set():
                return
            try:
                with ticks.running():
                    house.run_ticks(datetime.now(UTC))
            except Problem as problem:
                # The next round finds what this one left.
                _LOG.warning("ticks_postponed", code=problem.code)
            except Exception as error:  # noqa: BLE001 - one bad round must not end all that follow
                _LOG.error("ticks_failed", fault=type(error).__name__)

    thread = threading.Thread(target=run, name="ticks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        woken.set()
        thread.join()


def _socket(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        detail = f"cannot listen on {settings.host} port {settings.port}: {error.strerror}"
        raise Problem("address_in_use", detail) from error
    return listening


def _address(settings: Settings, listening: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listening.getsockname()[1]}"
