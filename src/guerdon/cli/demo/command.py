"""`guerdon demo`: an engine with a sample program, its people and a year of orders."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.cli.demo.folder import DemoFolder, DemoState, example_file
from guerdon.cli.options import takes
from guerdon.cli.showing import show_note
from guerdon.connect.samples import SamplePlan, SampleWorld, make_world, year_until
from guerdon.connect.samples.filling import Filled, Place, count_steps, fill_program
from guerdon.infra.settings import Settings, load_settings
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.definition import Definition, load_definition
from guerdon.wiring import MAIN_TENANT, House

_PORTS_TRIED: Final = 50
_DATA: Final = "demo-data"
_PORT: Final = 8080
_MEMBERS: Final = 300
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says."""

    data: Annotated[
        str,
        typer.Option("--data", metavar="DIR", help="Folder that keeps the demo between starts."),
    ] = _DATA
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
    """Run an engine with a sample program, its members and a year of their orders.

    Everything is in one folder and stays there; Ctrl-C stops it, and the next start takes seconds.
    """
    document = example_file("backpack-club.yaml").read_bytes()
    definition = load_definition(document, "backpack-club.yaml")
    if options.write is not None:
        return _write(options, definition, Path(options.write))
    settings = load_settings(data=Path(options.data), port=options.port, log_level="warning")
    if settings.database_url is not None:
        detail = "the demo brings its own database: start it without GUERDON_DATABASE_URL"
        raise Problem("demo_is_embedded", detail)
    folder = DemoFolder(settings.data)
    if options.reset:
        folder.clear()
    state = folder.begun(_plan(options, definition))
    key = (
        settings.api_key.get_secret_value() if settings.api_key is not None else folder.key(secrets.token_hex)
    )
    settings = settings.model_copy(update={"api_key": SecretStr(key)})
    play = _Play(folder, document, definition, state, key)
    _serve(settings, play)
    show_note(f"Stopped. The demo is kept in {options.data}; it starts again in seconds.")
    return 0


@dataclass(frozen=True, slots=True)
class _Play:
    """The piece that is given: what is there before the first caller comes."""

    folder: DemoFolder
    document: bytes
    definition: Definition
    state: DemoState
    key: str

    def prepare(self, house: House, address: str) -> None:
        """Make program, people and orders exist, then say where to look."""
        state = self.state
        if state.finished:
            show_note(
                f"Found the demo of {state.last_on}: {state.members:,} members, {state.events:,} events"
                " (--reset begins again, with another --members or --seed)."
            )
        else:
            state = self._fill(house, state)
            self.folder.keep(state)
        _tell(address, self.key, self.definition.program, state)

    def _fill(self, house: House, state: DemoState) -> DemoState:
        tenant_id = tenant_id_of(MAIN_TENANT)
        new = NewDefinition(self.definition, self.document.decode(), "demo", datetime.now(UTC))
        with house.database.transaction(tenant_id) as tx:
            apply_definition(tx, new, house.ids)
        world = make_world(state.plan(self.definition.timezone))
        place = Place(house.engine, tenant_id, self.definition.program, self.definition.attributes)
        with _told_steps(f"{len(world.people):,} members live through a year", count_steps(world)) as told:
            filled = fill_program(place, world, told)
        return _finished(state, world, filled)


def _finished(state: DemoState, world: SampleWorld, filled: Filled) -> DemoState:
    member = filled.richest()
    return msgspec.structs.replace(
        state,
        finished=True,
        events=len(world.events),
        orders=sum(event["type"] == "order.paid" for event in world.events),
        member=member,
        account=filled.accounts[member],
    )


def _plan(options: DemoOptions, definition: Definition) -> SamplePlan:
    today = Zone(definition.timezone).day_of(datetime.now(UTC))
    try:
        if options.last_day is not None:
            today = date.fromisoformat(options.last_day) + timedelta(days=1)
        first_on, last_on = year_until(today)
    except (ValueError, OverflowError):
        detail = f"--last-day is a day such as 2026-11-20, not {options.last_day!r}"
        raise Problem("day_invalid", detail) from None
    return SamplePlan(first_on, last_on, options.members, options.seed, definition.timezone)


def _write(options: DemoOptions, definition: Definition, path: Path) -> int:
    world = make_world(_plan(options, definition))
    try:
        with path.open("wb") as file:
            file.writelines(world.lines())
    except OSError as error:
        raise Problem("file_unwritable", f"{path} cannot be written: {error.strerror}") from None
    show_note(f"{len(world.events):,} events of {len(world.people):,} members are in {path}.")
    return 0


def _serve(settings: Settings, play: _Play) -> None:
    """Serve on the port that was asked for, or on the next one that is free."""
    # The web floor is no import of this one: it is started by its name, as any ASGI server does.
    serve: Callable[..., None] = importlib.import_module("guerdon.web.serving").serve
    first = settings.port
    for port in range(first, min(first + _PORTS_TRIED, 65536)):
        try:
            serve(settings.model_copy(update={"port": port}), show_note, prepare=play.prepare, sandbox=True)
        except Problem as problem:
            if problem.code != "address_in_use" or port + 1 == first + _PORTS_TRIED:
                raise
            show_note(f"Port {port} is taken; trying {port + 1}.")
        else:
            return


@contextmanager
def _told_steps(what: str, total: int) -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    if not console.is_terminal:
        show_note(f"{what} …")
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


def _tell(address: str, key: str, program: str, state: DemoState) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    order: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"try-{secrets.token_hex(3)}",
        "source": "my-shop",
        "type": "order.paid",
        "time": now,
        "subject": f"external:{state.member}",
        "data": {
            "id": f"TRY-{secrets.token_hex(3)}",
            "lines": [{"id": "1", "sku": "BP-40", "price": "129.90"}],
        },
    }
    text = f"""
Backpack Club is open.

  page        {address}/
  API         {address}/docs
  key         {key}

Three things to try in another terminal:

  export KEY={key}
  export CLUB={address}/v1/programs/{program}

  # a member, and what there is to spend
  curl -s -H "Authorization: Bearer $KEY" $CLUB/members/external:{state.member}

  # an order comes in, points come out
  curl -s -H "Authorization: Bearer $KEY" $CLUB/events \\
    -d '{_json(order)}'

  # where each point came from and went
  curl -s -H "Authorization: Bearer $KEY" $CLUB/accounts/{state.account}/ledger

Ctrl-C stops it; nothing is lost.
"""
    Console(soft_wrap=True).print(text, markup=False, highlight=False)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
