"""`guerdon backtest`: a definition, or two, over past events."""

from __future__ import annotations

import gc
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from guerdon.base.errors import Problem
from guerdon.cli.import_files import Map, Sources, bytes_of, mapped
from guerdon.cli.options import Json, instant, takes
from guerdon.cli.showing import counted, read_document, show_json, show_note, show_table, told_bytes
from guerdon.cli.writing.pictures import pictured
from guerdon.insight.backtest import Backtest, History, Request, open_history, run_backtest, write_report
from guerdon.insight.backtest.files import REJECTS_SHOWN

_SHOWN_ON_SCREEN = 5


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """What the command takes."""

    definitions: Annotated[
        list[str],
        typer.Argument(
            metavar="DEF [DEF2]", help="Program definition, YAML or JSON; a second one to compare."
        ),
    ]
    events: Annotated[
        list[str],
        typer.Option(
            "--events",
            metavar="FILE…",
            help="NDJSON, one CloudEvent a line, or CSV and Parquet with --map; `.gz` too; "
            "`-` is the standard input.",
        ),
    ]
    report: Annotated[
        str,
        typer.Option("--report", metavar="DIR", help="Folder for report.html, report.json and accounts.csv."),
    ]
    map: Map = None
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When the history ends; later events are left out. "
            "Without it: the end of the program's local day of the last event.",
            show_default=False,
        ),
    ] = None
    jobs: Annotated[
        int,
        typer.Option(min=1, max=256, help="Processes, where the definition shares nothing between accounts."),
    ] = 1
    timings: Annotated[bool, typer.Option("--timings", help="Print the CPU seconds of each part.")] = False
    json: Json = False


@dataclass(slots=True)
class _Watch:
    """CPU seconds by part."""

    seconds: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0) + seconds


@takes(BacktestOptions)
def backtest(options: BacktestOptions) -> int:
    """Run a program over past events, with the very code that runs it live.

    Each unseen subject is enrolled at its first event. Events run in order of time, ties in order of input.
    At the end every account is settled: what is due by then has expired, and tiers were reviewed.

    guerdon backtest club.yaml --events 2025.ndjson.gz --report out/

    guerdon backtest club.yaml --events lines.parquet --map map.yaml --report out/
    """
    if len(options.definitions) > 2:
        raise Problem("too_many_definitions", "one definition is tried, or two are compared")
    until = instant(options.until, "--until")
    watch = _Watch()
    # Nearly all that is made here lives long or dies at once: looking for circles costs more than it finds.
    gc.set_threshold(100_000, 50, 100)
    documents = [(name, read_document(name)) for name in options.definitions]
    with tempfile.TemporaryDirectory(prefix="guerdon-backtest-") as folder:
        began = time.process_time()
        sources = mapped(options.events, options.map, Path(folder))
        watch.note("map", time.process_time() - began)
        history = _opened(sources, Path(folder), watch)
        done = [
            _run(Request(document, name, until, options.jobs), history, watch) for name, document in documents
        ]
        began = time.process_time()
        write_report(Path(options.report), done, [Path(name).name for name in options.definitions])
        watch.note("report", time.process_time() - began)
    _show(options, done, watch)
    return 0


def _opened(sources: Sources, folder: Path, watch: _Watch) -> History:
    began = time.process_time()
    with told_bytes("looking through", bytes_of(sources)) as told:
        history = open_history(sources, folder, told)
    watch.note("index", time.process_time() - began)
    return history


def _run(request: Request, history: History, watch: _Watch) -> Backtest:
    with (
        pictured(request.definition, request.filename),
        told_bytes(request.filename, history.lines.size) as told,
    ):
        done = run_backtest(request, history, told)
    for name, seconds in asdict(done.timings).items():
        watch.note(name, seconds)
    return done


def _show(options: BacktestOptions, done: list[Backtest], watch: _Watch) -> None:
    for one in done:
        _show_rejects(one)
    if options.json:
        shown = [one.report for one in done]
        timings = {"timings": watch.seconds} if options.timings else {}
        show_json({**shown[0], **({"second": shown[1]} if len(shown) == 2 else {}), **timings})
        return
    for name, one in zip(options.definitions, done, strict=True):
        report = one.report
        counts = ", ".join(counted(report[f"{noun}s"], noun) for noun in ("event", "account", "order"))
        revenue = f"revenue {report['revenue']} {report['currency']}"
        title = f"{name}: {counts}, {revenue}, until {report['until']}"
        rows = [
            (key, *(wallet[figure] for figure in ("issued", "spent", "expired", "outstanding")))
            for key, wallet in report["wallets"].items()
        ]
        show_table(("wallet", "issued", "spent", "expired", "outstanding"), rows, title)
        _show_ladders(report["ladders"])
    if options.timings:
        total = sum(watch.seconds.values())
        rows = [(name, f"{seconds:.2f}") for name, seconds in (*watch.seconds.items(), ("all", total))]
        show_table(("part", "CPU s"), rows)
    show_note(f"written: {Path(options.report) / 'report.html'}, report.json, accounts.csv")


def _show_ladders(ladders: dict[str, Any]) -> None:
    rows = [
        (ladder, tier, str(found["reached"].get(tier, "")), str(count))
        for ladder, found in ladders.items()
        for tier, count in found["population"].items()
    ]
    if rows:
        show_table(("ladder", "tier", "reached", "population"), rows)


def _show_rejects(done: Backtest) -> None:
    for reject in done.rejects[:_SHOWN_ON_SCREEN]:
        show_note(f"rejected: {reject.file}:{reject.line}: {reject.detail} [{reject.code}]")
    if len(done.rejects) > _SHOWN_ON_SCREEN:
        listed = min(len(done.rejects), REJECTS_SHOWN)
        show_note(f"rejected: {len(done.rejects)} in all; rejects.ndjson lists the first {listed}")
