"""`guerdon import`: past events through the very door that live ones come in by."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

import msgspec
import typer

from guerdon.base.errors import Problem
from guerdon.cli.import_files import Map, Sources, bytes_of, mapped
from guerdon.cli.opening import check_tenant, opened_house, server_at
from guerdon.cli.options import Data, Json, Key, Tenant, Url, takes
from guerdon.cli.showing import show_json, show_note, show_table, told_bytes
from guerdon.connect.imports import (
    Destination,
    EngineDestination,
    HttpDestination,
    Listener,
    Position,
    Refused,
    Summary,
    Taking,
    feed,
)
from guerdon.engine.keys import ask_events
from guerdon.infra.lineindex import LineIndex, index_lines
from guerdon.infra.tx import Tx
from guerdon.programs.history import hold_history
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.reading import clock_of
from guerdon.wiring import MAIN_TENANT

_SHOWN_ON_SCREEN = 5


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command takes."""

    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…",
            help="NDJSON, one CloudEvent a line, or CSV and Parquet with --map; `.gz` too; "
            "`-` is the standard input.",
        ),
    ]
    program: Annotated[str, typer.Option("--program", metavar="P", help="Key of the program.")]
    map: Map = None
    enrol: Annotated[bool, typer.Option("--enrol", help="Enrol members that are not known.")] = False
    historical: Annotated[
        bool,
        typer.Option(
            "--historical", help="Book each event at its own time; accounts with later history are refused."
        ),
    ] = False
    rejects: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where refused events go, with the reason.", show_default=False),
    ] = None
    position: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where it is kept how far the import has come, to go on there after an interruption; "
            "else beside --rejects.",
            show_default=False,
        ),
    ] = None
    data: Data = None
    tenant: Tenant = MAIN_TENANT
    url: Url = None
    key: Key = None
    json: Json = False


@takes(ImportOptions)
def import_events(options: ImportOptions) -> int:
    """Take in past events, in order of their time.

    Every event counts once, however often it is sent: after an interruption, run the same command again. With
    --rejects or --position it goes on where it was; without, it sends everything, and what is there counts
    as a duplicate.
    Exit code: 1 where events were refused and no --rejects file was named.

    guerdon import 2025.ndjson.gz --program club --enrol --historical --rejects refused.ndjson
    """
    if options.url and (options.enrol or options.historical):
        detail = "--enrol and --historical need the database itself: stop the server and give --data"
        raise Problem("not_by_url", detail)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="guerdon-import-"))
        lines = _indexed(mapped(options.files, options.map, Path(folder)), Path(folder))
        position = _position(options, lines)
        goes_on = position is not None and position.answered > 0
        refused = _Refusals(stack.enter_context(_written(options.rejects, goes_on)))
        destination = stack.enter_context(_destination(options, lines, position))
        if position is not None and goes_on:
            show_note(f"going on after {position.answered} of {len(lines)} events")
        told = stack.enter_context(told_bytes("importing", lines.size))
        summary = feed(lines, destination, Listener(refused.note, lambda size, _: told(size)), position)
        if position is not None:
            position.end()
    _show(options, summary)
    return 1 if summary.rejected and options.rejects is None else 0


class _Refusals:
    """Writes what was refused, and shows the first."""

    def __init__(self, file: IO[str] | None) -> None:
        self._file = file
        self._shown = 0

    def note(self, one: Refused) -> None:
        """Keep one refusal."""
        outcome = one.outcome
        if self._shown < _SHOWN_ON_SCREEN:
            self._shown += 1
            show_note(f"rejected: {one.file}:{one.line}: {outcome.detail} [{outcome.code}]")
        if self._file is not None:
            errors = [{"pointer": f.pointer, "code": f.code, "detail": f.detail} for f in outcome.errors]
            said = {"file": one.file, "line": one.line, "code": outcome.code, "detail": outcome.detail}
            text = one.event.decode("utf-8", "replace")
            line = msgspec.json.encode({**said, "errors": errors, "event": text})
            self._file.write(line.decode("utf-8") + "\n")
            # A position that is kept after this line must find the line on the disk.
            self._file.flush()


@contextmanager
def _written(name: str | None, goes_on: bool) -> Iterator[IO[str] | None]:
    if name is None:
        yield None
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(name).open("a" if goes_on else "w", encoding="utf-8"))
        except OSError as error:
            raise Problem("rejects_not_written", f"{name} cannot be written: {error.strerror}") from None
        yield file


def _indexed(sources: Sources, folder: Path) -> LineIndex:
    with told_bytes("looking through", bytes_of(sources)) as told:
        return index_lines(sources, folder, clock_of, told)


def _position(options: ImportOptions, lines: LineIndex) -> Position | None:
    name = options.position
    if name is None and options.rejects is not None:
        name = f"{options.rejects}.position"
    return Position(Path(name), options.program, lines.digest()) if name is not None else None


@contextmanager
def _destination(
    options: ImportOptions, lines: LineIndex, position: Position | None
) -> Iterator[Destination]:
    if options.url:
        yield HttpDestination(server_at(options.url, options.key), options.program)
        return
    tenant_id = tenant_id_of(options.tenant)
    with opened_house(options.data, made=False) as house, ExitStack() as stack:
        with house.database.transaction(tenant_id) as tx:
            check_tenant(tx, house, options.tenant)
            program_id = get_live(tx, options.program).program_id
            if position is not None:
                position.check(lambda place: _is_known(tx, program_id, lines, place))
        if options.historical:
            # A server beside books nobody on to now meanwhile, which would end their history.
            own = stack.enter_context(closing(house.database.connect()))
            hold_history(own, program_id)
            own.commit()
        if house.database.embedded is None:
            # A server may be at work on the same database, whose callers wait while an import does not mind.
            house.engine.give_way()
        house.start()
        taking = Taking(tenant_id, options.program, options.enrol, options.historical)
        yield EngineDestination(house.engine, taking)


def _is_known(tx: Tx, program_id: int, lines: LineIndex, place: int) -> bool:
    with ExitStack() as stack:
        sent = msgspec.json.decode(lines.reader(stack)(lines.order[place]))
    return bool(ask_events(tx, program_id, [(sent["source"], sent["id"])])())


def _show(options: ImportOptions, summary: Summary) -> None:
    figures = {"applied": summary.applied, "duplicates": summary.duplicates, "rejected": summary.rejected}
    if options.json:
        show_json({"events": summary.events, **figures, "reasons": dict(sorted(summary.reasons.items()))})
        return
    show_table(("events", *figures), [[str(one) for one in (summary.events, *figures.values())]])
    if summary.reasons:
        show_table(
            ("refused because", "events"), [[code, str(n)] for code, n in sorted(summary.reasons.items())]
        )
    if "member_not_found" in summary.reasons and not options.enrol:
        how = "enrol them first" if options.url else "--enrol enrols them at their first event"
        show_note(f"members that are not known were refused; {how}")
    if options.rejects is not None and summary.rejected:
        show_note(f"written: {options.rejects}")
