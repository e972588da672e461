"""What is there before the demo's first caller comes: a program, its people, their year, and doors."""

from __future__ import annotations

import re
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from guerdon.base.ids import parse_number
from guerdon.cli.demo.club import (
    Cast,
    cast_of,
    found_crews,
    give_away,
    invite_friends,
    join_boards,
    post_and_share,
    take_quizzes,
    tell_of_repairs,
)
from guerdon.cli.demo.folder import DemoFolder, DemoState, example_file, write_lines
from guerdon.cli.demo.report import ReportMaker
from guerdon.cli.demo.scenes import STAFF, Scene, make_doors, make_staff, play_a_day, webhook_secret
from guerdon.cli.demo.shop import PretendShop
from guerdon.cli.demo.telling import Told, tell
from guerdon.cli.showing import show_note, told_bytes
from guerdon.connect.samples import SampleWorld, make_world
from guerdon.connect.samples.filling import Filled, Place, count_steps, fill_lines, fill_program
from guerdon.connect.samples.real import DEFINITION, open_year, transactions
from guerdon.members.links.addresses import PAGE, Link, make_link
from guerdon.programs.programs import NewDefinition, apply_definition, find_live
from guerdon.programs.staff import make_password
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.definition import Definition, load_definition
from guerdon.wiring import MAIN_TENANT, House

PROGRAM: Final = "backpack-club.yaml"
_LINK_LASTS: Final = timedelta(days=365)
_A_STORY: Final = 6
"""Orders that make a page worth looking at."""
_NAMES: Final = re.compile(rb"^name: \{en: ([^,}]+),.*\}", re.MULTILINE)
"""The club's name in three languages, as the example says it; its first version says one."""


@dataclass(slots=True)
class Stage:
    """The demo's stage; used as a context, so that what runs beside the server ends with it."""

    folder: DemoFolder
    state: DemoState
    key: str
    _shop: PretendShop | None = field(default=None, init=False)
    _reports: ReportMaker | None = field(default=None, init=False)

    def prepare(self, house: House, address: str) -> None:
        """Make everything exist, then say where to look.

        Args:
            house: running.
            address: where it will be served.
        """
        state = self.state
        document = (DEFINITION if state.real else example_file(PROGRAM)).read_bytes()
        definition = load_definition(document)
        if state.finished:
            show_note(
                f"Found the demo of {state.last_on}: {state.members:,} members, {state.events:,} events"
                " (--reset begins again, with another --members or --seed)."
            )
            password = self._open_doors(house, definition.program)
        elif state.real:
            self._fill_real(house, document, definition)
            password = self._open_doors(house, definition.program)
        else:
            world = make_world(state.plan(definition.timezone))
            filled = self._fill(house, document, definition, world)
            # Doors first, so that the pretend shop hears of the day at the counter.
            password = self._open_doors(house, definition.program)
            ended_at = datetime.fromisoformat(world.events[-1]["time"])
            scene = self._scene(house, definition.program, ended_at)
            self._play(scene, cast_of(world, filled, self.state.account))
        self.state = msgspec.structs.replace(self.state, finished=True)
        self.folder.keep(self.state)
        report = None
        if not state.real:
            self._reports = ReportMaker(self.folder, document, example_file(PROGRAM))
            report = self._reports.begin(show_note)
        staff = ", ".join(email for email, _, _ in STAFF[1:])
        people = (STAFF[0][0], staff, password)
        page = address + self._page(house, definition.program)
        tell(Told(address, self.key, definition.program, self.state, people, report, page))

    def _play(self, scene: Scene, cast: Cast) -> None:
        """Let members do more than buy; what a start that was broken off got through is not played again."""
        acts: Sequence[Callable[[], None]] = (
            # First what lies back, so that it happens to each account in order of time.
            lambda: found_crews(scene, cast),
            lambda: give_away(scene, cast),
            lambda: play_a_day(scene, cast.filled),
            lambda: tell_of_repairs(scene, cast),
            lambda: take_quizzes(scene, cast.filled),
            lambda: post_and_share(scene, cast.filled),
            lambda: join_boards(scene, cast.filled),
            lambda: invite_friends(scene, cast.filled),
        )
        for number, act in enumerate(acts, 1):
            if number > self.state.acts:
                act()
                self.state = msgspec.structs.replace(self.state, acts=number)
                self.folder.keep(self.state)

    def _page(self, house: House, program: str) -> str:
        """Make the address of a member's own page."""
        tenant_id, now = tenant_id_of(MAIN_TENANT), datetime.now(UTC)
        member_id = parse_number("mem", self.state.member_id) or 0
        link = Link(tenant_id, program, member_id, "", now, now + _LINK_LASTS)
        return make_link(house.vault(tenant_id), PAGE, link)

    def _open_doors(self, house: House, program: str) -> str:
        self._shop = PretendShop(self.folder.told, lambda: webhook_secret(house, self.state.webhook_id))
        scene = self._scene(house, program)
        password = self.folder.password(lambda: make_password(secrets.randbits))
        make_staff(scene, password)
        webhook_id = make_doors(scene, self._shop.url, history=not self.state.real)
        self.state = msgspec.structs.replace(self.state, webhook_id=webhook_id)
        return password

    def _scene(self, house: House, program: str, ended_at: datetime | None = None) -> Scene:
        now = datetime.now(UTC)
        ended_at = ended_at or now
        return Scene(house, program, max(now, ended_at), ended_at, self.state.seed)

    def _fill(self, house: House, document: bytes, definition: Definition, world: SampleWorld) -> Filled:
        # Two versions to look at: at first the club had its name in English only.
        _apply(house, _NAMES.sub(rb"name: \1", document, count=1), first=True)
        write_lines(self.folder.year, world.lines())
        place = _place(house, definition)
        with told_steps(f"{len(world.people):,} members live through a year", count_steps(world)) as told:
            filled = fill_program(place, world, told)
        _apply(house, document)
        self.state = _found(self.state, world, filled)
        return filled

    def _fill_real(self, house: House, document: bytes, definition: Definition) -> None:
        _apply(house, document)
        with tempfile.TemporaryDirectory(prefix="guerdon-real-") as folder:
            with told_bytes("reading baskets", transactions().stat().st_size) as told:
                year = open_year(Path(folder), told)
            with told_steps("a real year comes in", len(year)) as told:
                filled = fill_lines(_place(house, definition), year.events(), told)
        account = filled.richest()[0]
        self.state = msgspec.structs.replace(
            self.state,
            members=len(filled.members),
            events=len(year),
            orders=len(year),
            member=filled.members[account],
            member_id=filled.members[account],
            account=account,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reports is not None:
            self._reports.end()
        if self._shop is not None:
            self._shop.close()


@contextmanager
def told_steps(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many of many things are done; where nobody looks, only what is being done."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    if not console.is_terminal:
        show_note(f"{what} …")
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


def _place(house: House, definition: Definition) -> Place:
    spendable = frozenset(key for key, one in definition.wallets.items() if one.spendable)
    return Place(
        house.engine, tenant_id_of(MAIN_TENANT), definition.program, definition.attributes, spendable
    )


def _apply(house: House, document: bytes, *, first: bool = False) -> None:
    definition = load_definition(document)
    new = NewDefinition(definition, document.decode(), "system", datetime.now(UTC))
    with house.database.transaction(tenant_id_of(MAIN_TENANT)) as tx:
        # A start that goes on where another was cut short may find the second version.
        if not first or find_live(tx, definition.program) is None:
            apply_definition(tx, new, house.ids)


def _found(state: DemoState, world: SampleWorld, filled: Filled) -> DemoState:
    """Choose whom to look at: an honest one with much to spend and a story, and one who played tricks."""
    account_of, bought, last = filled.accounts, Counter[str](), dict[str, tuple[str, str]]()
    for event in world.events:
        account = account_of[event["subject"].removeprefix("external:")]
        bought[account] += event["type"] == "order.paid"
        last[account] = (event["time"], event["type"])
    names = {account_of[one.external_id]: one for one in world.people}
    rich = filled.richest(len(names))
    plain = [one for one in rich if not names[one].trick and names[one].language == "en"]
    shown = next((one for one in plain if bought[one] >= _A_STORY), rich[0])
    # Whose heap is the last that was heard of them: it stands at the top of their page.
    heaps = [
        (last[one], one)
        for one in names
        if names[one].trick == "recycler" and last[one][1] == "item.recycled"
    ]
    orders = [event for event in world.events if event["type"] == "order.paid"]
    theirs = [event["data"]["id"] for event in orders if event["subject"] == names[shown].subject]
    return msgspec.structs.replace(
        state,
        events=len(world.events),
        orders=len(orders),
        member=names[shown].subject,
        member_id=filled.members[shown],
        account=shown,
        order=theirs[-1] if theirs else "",
        tricky=filled.members[max(heaps)[1]] if heaps else "",
    )
